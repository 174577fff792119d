"""Serve the API of a station on threads of its own, beside the daemon."""

import contextlib
import logging
import secrets
import socket
import threading
from dataclasses import dataclass
from typing import Any, Self

import uvicorn

from labctl.core.clock import Clock, RealClock
from labctl.core.errors import ConfigError
from labctl.service.api.app import build_app
from labctl.service.api.listeners import (
    LocalProtocol,
    RemoteProtocol,
    RemoteSettings,
    open_loopback,
    open_remote,
    open_unix,
)
from labctl.service.api.table import Table

MOST_CONNECTIONS = 256
STARTING_S = 20.0
CLOSING_S = 3


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Choose where the API listens.

    Parameters
    ----------
    port
        Port at the loopback interface; 0 takes a free one, None does without.
    remote
        How other machines reach it; None (as delivered) means that they do not.
    """

    port: int | None = 0
    remote: RemoteSettings | None = None


class ApiServer:
    """Serve a table until `close`; a context manager.

    Attributes
    ----------
    token
        Secret of local clients at the loopback interface; made anew with each start.
    port
        Port at the loopback interface, or None.
    """

    def __init__(
        self,
        table: Table,
        settings: ApiSettings | None = None,
        *,
        token_clock: Clock | None = None,
    ) -> None:
        """Open the listeners; tokens expire by `token_clock`, the machine's if it is None.

        Raises
        ------
        ConfigError
            If one of them cannot be opened; none is open then.
        """
        settings = settings or ApiSettings()
        self._table = table
        self._clock = RealClock()
        self.token = secrets.token_urlsafe(32)
        self._doors: list[_Door] = []
        with contextlib.ExitStack() as opened:
            local = [socket_ for socket_ in [open_unix(table.place.socket)] if socket_]
            self.has_socket = bool(local)
            for one in local:
                opened.callback(one.close)
            self.port: int | None = None
            if settings.port is not None or not local:
                local.append(open_loopback(settings.port or 0))
                opened.callback(local[-1].close)
                self.port = int(local[-1].getsockname()[1])
            remote = settings.remote
            names = frozenset(name.lower() for name in remote.names) if remote else frozenset()
            app = build_app(table, local_token=self.token, remote_names=names, clock=token_clock)
            self._doors.append(_Door(app, local, LocalProtocol))
            if remote is not None:
                network = open_remote(remote)
                opened.callback(network.close)
                keys = {"ssl_certfile": str(remote.certificate), "ssl_keyfile": str(remote.key)}
                self._doors.append(_Door(app, [network], RemoteProtocol, lifespan="off", **keys))
            opened.pop_all()

    def start(self) -> None:
        """Serve, and tell local clients where (in `service.json`).

        Raises
        ------
        ConfigError
            If the API does not come up.
        """
        for door in self._doors:
            door.start(self._clock)
        found: dict[str, Any] = {"token": self.token}
        if self.has_socket:
            found["socket"] = str(self._table.place.socket)
        if self.port is not None:
            found["port"] = self.port
        self._table.announce(**found)

    def close(self) -> None:
        """End all connections; allowed repeatedly."""
        for door in self._doors:
            door.close()
        if self.has_socket:
            with contextlib.suppress(OSError):
                self._table.place.socket.unlink()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Door:
    """Run one server of uvicorn in a thread."""

    def __init__(
        self,
        app: Any,
        sockets: list[socket.socket],
        protocol: type[LocalProtocol],
        *,
        lifespan: Any = "on",
        **keys: str,
    ) -> None:
        self._app = app
        self._sockets = sockets
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            loop="asyncio",
            lifespan=lifespan,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=CLOSING_S,
            **keys,  # type: ignore[arg-type]
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="api", daemon=True)

    def start(self, clock: Clock) -> None:
        """Return when requests are answered."""
        self._thread.start()
        until_s = clock.monotonic_s() + STARTING_S
        while not self._server.started:
            if not self._thread.is_alive() or clock.monotonic_s() > until_s:
                raise ConfigError("the API did not start", remedy="its log says why")
            clock.sleep(0.01)

    def close(self) -> None:
        """End."""
        self._app.state.snapshots.is_closing = True
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(2.0 * CLOSING_S)
        for one in self._sockets:
            one.close()

    def _serve(self) -> None:
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
        # signals are for the daemon
        self._server.run(sockets=self._sockets)
