"""Serve a vendor SDK to other processes, so that its crash is not theirs."""

import contextlib
import ipaddress
import secrets
import socket
import socketserver
import sys
import threading
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

from labctl.core.errors import ConfigError, ConnectionFailed, InstrumentError
from labctl.transport.sdk_wire import PROTOCOL, encode, receive

_MAX_CONNECTIONS = 16
_POLL_S = 0.05
_JOIN_S = 1.0


class SdkServer:
    """Let clients call the listed methods of one object; each connection has a thread.

    The object must allow calls from several threads. Serving begins at once, in threads of its
    own, and goes on until `close`, or the end of a `with` block.

    Parameters
    ----------
    sdk
        The object.
    host, port
        Where to listen; port 0 takes a free one.
    methods
        Names that clients may call; everything else is refused. None means the `exports` of
        the object.
    allow_remote
        Whether `host` may be reachable from other machines. There is neither encryption nor a
        password: leave it off unless the network itself is protected.

    Raises
    ------
    ConfigError
        If `host` is no loopback address and `allow_remote` is off, or nothing may be called.
    ConnectionFailed
        If the port cannot be opened.
    """

    def __init__(
        self,
        sdk: object,
        host: str = "127.0.0.1",
        *,
        methods: Collection[str] | None = None,
        port: int = 0,
        allow_remote: bool = False,
    ) -> None:
        if not (allow_remote or _is_loopback(host)):
            raise ConfigError(
                f"{host} can be reached from other machines, and an SDK server has no password",
                remedy="serve on 127.0.0.1",
            )
        names = frozenset(getattr(sdk, "exports", ()) if methods is None else methods)
        if not names:
            raise ConfigError(
                f"{type(sdk).__name__} has no `exports`: nothing of it may be called",
                remedy="name the methods that clients may call",
            )
        try:
            self._server = _Server((host, port), sdk, names)
        except OSError as error:
            raise ConnectionFailed(
                f"cannot serve an SDK on {host}:{port}: {error}",
                remedy="choose another port, or 0 for a free one",
            ) from error
        self._thread = threading.Thread(target=self._serve, name="sdk-server", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    @property
    def resource(self) -> str:
        """Return what a station file calls this server: `sdk+tcp://HOST:PORT`."""
        host, port = self.address
        return f"sdk+tcp://{host}:{port}"

    def wait(self) -> None:
        """Wait until somebody closes the server; for a process that does nothing else."""
        self._thread.join()

    def close(self) -> None:
        """Stop listening and drop all connections; closing twice is allowed."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server.drop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=_POLL_S)


class _Server(socketserver.ThreadingTCPServer):
    # on Windows the option would let two servers share a port
    allow_reuse_address = sys.platform != "win32"

    def __init__(self, address: tuple[str, int], sdk: object, methods: frozenset[str]) -> None:
        self.sdk = sdk
        self.methods = methods
        self.session = secrets.token_hex(16)
        self._clients: dict[Any, threading.Thread] = {}
        super().__init__(address, _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002
        return len(self._clients) < _MAX_CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        # registered before it runs, so that `drop_all` overlooks none
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        self._clients[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        self._clients.pop(request, None)
        super().shutdown_request(request)

    def drop_all(self) -> None:
        for connection, thread in list(self._clients.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            # a thread that hangs in the SDK cannot be ended
            thread.join(_JOIN_S)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        connection: socket.socket = self.request
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            greeting = {
                "protocol": PROTOCOL,
                "session": self.server.session,
                "methods": sorted(self.server.methods),
            }
            connection.sendall(encode(greeting))
            while True:
                request = receive(connection, "an SDK client")
                connection.sendall(self._answer(request))
        # a client that leaves or talks nonsense loses its connection, nobody else notices
        except (OSError, InstrumentError):
            pass

    def _answer(self, request: dict[str, Any]) -> bytes:
        number = request.get("id")
        try:
            return encode({"id": number, "result": self._call(request)})
        # whatever the SDK raises is the client's to know; the server goes on
        except Exception as error:  # noqa: BLE001
            return encode({"id": number, "error": _describe(error, request)})

    def _call(self, request: dict[str, Any]) -> Any:
        name, args = request.get("call"), request.get("args")
        if not isinstance(name, str) or name not in self.server.methods:
            raise InstrumentError(
                f"{str(name)[:60]!r} is not a function of this SDK server",
                remedy="use the same version of labctl on both sides",
            )
        if not isinstance(args, list):
            raise InstrumentError(f"the arguments of {name} are no list")
        return getattr(self.server.sdk, name)(*args)


def _describe(error: Exception, request: dict[str, Any]) -> dict[str, str]:
    if isinstance(error, InstrumentError):
        kind, message, remedy = type(error).__name__, error.message, error.remedy
    else:
        kind, remedy = "InstrumentError", "see the output of the SDK server"
        message = f"{request.get('call')} failed in the SDK server: {type(error).__name__}: {error}"
    return {"kind": kind, "message": message[:2000], "remedy": remedy[:2000]}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
