"""Call a vendor SDK that lives in another process, `sdk+tcp://HOST:PORT`.

The other process may be a simulation, or a host that shields labctl from the crashes of a
vendor's library. Every call of a thread has a connection to itself while it lasts, so that one
thread can end the wait of another; a connection on which anything went wrong is closed, so that
a late reply cannot answer a later question.
"""

import itertools
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from labctl.core.errors import BadReply, ConfigError, ConnectionFailed, InstrumentError, NoReply
from labctl.transport.sdk_server import SdkServer
from labctl.transport.sdk_wire import PROTOCOL, encode, receive

__all__ = ["RemoteSdk", "SdkServer", "open_remote_sdk"]

_ERRORS = {kind.__name__: kind for kind in InstrumentError.__subclasses__()}


def open_remote_sdk(
    resource: str, *, timeout_s: float = 30.0, connect_timeout_s: float = 5.0
) -> "RemoteSdk":
    """Connect to an SDK server.

    Parameters
    ----------
    resource
        `sdk+tcp://HOST:PORT`.
    timeout_s
        How long one call may take, in s of the machine's time; longer than the longest call.
    connect_timeout_s
        How long the server may take to accept and greet, in s.

    Raises
    ------
    ConfigError
        If the resource has another form.
    ConnectionFailed
        If no SDK server of this version answers there.
    """
    parts = urlsplit(resource)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme != "sdk+tcp" or not host or not port or parts.path.strip("/"):
        raise ConfigError(
            f"{resource!r} names no SDK server",
            remedy="write sdk+tcp://HOST:PORT, such as sdk+tcp://127.0.0.1:7000",
        )
    return RemoteSdk(resource, (host, port), timeout_s, connect_timeout_s)


class RemoteSdk:
    """Stand for the served object: has each of its methods as a callable attribute.

    Tuples arrive as tuples, arrays as arrays. Any method raises `NoReply` after `timeout_s`,
    `ConnectionFailed` if the server has gone or is another one than at the start, `BadReply` if
    it does not keep to the protocol, and whatever `InstrumentError` the served method raised.
    A call that failed is never sent again.
    """

    def __init__(
        self,
        resource: str,
        address: tuple[str, int],
        timeout_s: float,
        connect_timeout_s: float,
    ) -> None:
        self.resource = resource
        self._address = address
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._session: str | None = None
        self._methods: frozenset[str] = frozenset()
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._is_closed = False
        self._give_back(self._connect())

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._methods:
            raise AttributeError(f"{self.__dict__.get('resource')} has no function {name!r}")

        def call(*args: Any) -> Any:
            return self._call(name, args)

        call.__name__ = name
        return call

    def close(self) -> None:
        """Drop all connections; closing twice is allowed."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _call(self, name: str, args: tuple[Any, ...]) -> Any:
        number = next(self._numbers)
        request = encode({"id": number, "call": name, "args": list(args)})
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connect()
        try:
            reply = self._exchange(connection, request, f"{self.resource} {name}")
            answer = self._open_reply(reply, number, name)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        if isinstance(answer, InstrumentError):
            raise answer
        return tuple(answer) if isinstance(answer, list) else answer

    def _exchange(self, connection: socket.socket, request: bytes, who: str) -> dict[str, Any]:
        try:
            connection.settimeout(self._timeout_s)
            connection.sendall(request)
            return receive(connection, who)
        except TimeoutError as error:
            raise NoReply(
                f"{who}: no reply within {self._timeout_s:g} s",
                remedy="the SDK may hang: restart its server and reconnect",
            ) from error
        except OSError as error:
            raise ConnectionFailed(
                f"{who}: the line dropped: {error}", remedy="restart the SDK server and reconnect"
            ) from error

    def _open_reply(self, reply: dict[str, Any], number: int, name: str) -> Any:
        """Return the result, or the error that the server reports."""
        if reply.get("id") != number or ("result" in reply) == ("error" in reply):
            raise BadReply(
                f"{self.resource} {name}: a reply came that is not to this call",
                remedy="use the same version of labctl on both sides",
            )
        if "result" in reply:
            return reply["result"]
        error = reply["error"]
        fields = error if isinstance(error, dict) else {}
        kind = _ERRORS.get(str(fields.get("kind")), InstrumentError)
        message = str(fields.get("message", "the server reports an error without words"))
        return kind(message, remedy=str(fields.get("remedy", "")))

    def _connect(self) -> socket.socket:
        if self._is_closed:
            raise ConnectionFailed(f"{self.resource} has been closed", remedy="reconnect")
        try:
            connection = socket.create_connection(self._address, self._connect_timeout_s)
        except OSError as error:
            raise ConnectionFailed(
                f"{self.resource}: no SDK server answers: {error}",
                remedy="start the server, or correct host and port in the station file",
            ) from error
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._greet(receive(connection, self.resource))
        except (OSError, BadReply, ConnectionFailed) as error:
            connection.close()
            what = error.message if isinstance(error, InstrumentError) else error
            raise ConnectionFailed(
                f"{self.resource}: no greeting of an SDK server: {what}",
                remedy="check that this port is an SDK server's, and connect anew",
            ) from error
        return connection

    def _greet(self, greeting: dict[str, Any]) -> None:
        session, methods = greeting.get("session"), greeting.get("methods")
        if greeting.get("protocol") != PROTOCOL or not isinstance(methods, list):
            raise BadReply(
                f"the server speaks protocol {greeting.get('protocol')}, not {PROTOCOL}",
                remedy="use the same version of labctl on both sides",
            )
        if self._session not in (None, session):
            # a restarted server has lost all settings: going on would expose with other ones
            raise ConnectionFailed("the server has been restarted", remedy="connect anew")
        self._session = str(session)
        self._methods = frozenset(str(name) for name in methods)

    def _give_back(self, connection: socket.socket) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(connection)
                return
        connection.close()
