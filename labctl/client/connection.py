"""Carry requests to a service: over its local socket, the loopback interface, or TLS."""

import http.client
import json
import secrets
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

from labctl.core import errors
from labctl.core.clock import Clock, RealClock
from labctl.core.errors import ConnectionFailed, LabctlError

PREFIX = "/api/v1"
TIMEOUT_S = 40.0
PAUSES_S = (0.1, 0.4)
"""Pauses before a question is asked again after the connection broke."""

_REMEDY = "'labctl serve' starts the service; --data names the folder of another one"


@dataclass(frozen=True, slots=True)
class Address:
    """Say where a service is: a local socket, or host and port.

    `certificate` is the one to trust, or the authority that signed it; None trusts those of the
    system. `token` is never shown.
    """

    socket: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    is_tls: bool = False
    token: str = ""
    certificate: Path | None = None

    def __str__(self) -> str:
        if self.socket is not None:
            return str(self.socket)
        return f"{'https' if self.is_tls else 'http'}://{self.host}:{self.port}"

    def __repr__(self) -> str:
        return f"<Address {self}>"

    def open(self, timeout_s: float) -> http.client.HTTPConnection:
        """Return a connection, not yet made."""
        if self.socket is not None:
            return _UnixConnection(self.socket, timeout_s)
        if self.is_tls:
            context = ssl.create_default_context(cafile=self.certificate)
            return http.client.HTTPSConnection(
                self.host, self.port, timeout=timeout_s, context=context
            )
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)

    def headers(self) -> dict[str, str]:
        """Return what goes with every request."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Connection:
    """Ask and command one service; each request has a connection of its own.

    Every method may be called from any thread.
    """

    def __init__(self, address: Address, clock: Clock | None = None) -> None:
        self.address = address
        self.clock = clock or RealClock()
        self.boot = ""
        """Identity of the start of the service that was seen first; "" before that."""

    def get(self, path: str, *, timeout_s: float = TIMEOUT_S, **query: Any) -> Any:
        """Return the answer to a question; a broken connection is made again.

        Raises
        ------
        ConnectionFailed
            If the service does not answer.
        LabctlError
            What the service refuses it with.
        """
        given = {name: value for name, value in query.items() if value is not None}
        target = path + (f"?{urlencode(given, doseq=True)}" if given else "")
        for pause_s in PAUSES_S:
            with suppress(ConnectionFailed):
                return self._ask("GET", target, None, {}, timeout_s)
            self.clock.sleep(pause_s)
        return self._ask("GET", target, None, {}, timeout_s)

    def post(
        self, path: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> Any:
        """Give a command and return its answer; it is carried out once, or not at all.

        If the connection breaks before the answer, the command is sent again under the same key,
        which the service knows, provided that it has not been started anew since.

        Raises
        ------
        ConnectionFailed
            If the service does not answer; then it is not known whether it did it.
        LabctlError
            What the service refuses it with.
        """
        return self._command("POST", path, body, timeout_s)

    def put(self, path: str, body: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> Any:
        """Replace something and return the answer; otherwise as `post`."""
        return self._command("PUT", path, body, timeout_s)

    def _command(
        self, method: str, path: str, body: Mapping[str, Any] | None, timeout_s: float
    ) -> Any:
        headers = {"Idempotency-Key": secrets.token_urlsafe(24)}
        try:
            return self._ask(method, path, body, headers, timeout_s)
        except _NotSent as error:
            raise ConnectionFailed(error.message, remedy=error.remedy) from error
        except ConnectionFailed:
            self.clock.sleep(PAUSES_S[0])
            if not self.boot or self.get("/status")["boot"] != self.boot:
                raise
            return self._ask(method, path, body, headers, timeout_s)

    def _ask(
        self,
        method: str,
        target: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        timeout_s: float,
    ) -> Any:
        head = {**self.address.headers(), **headers}
        raw = None
        if body is not None:
            raw = json.dumps(body, allow_nan=False).encode()
            head["Content-Type"] = "application/json"
        with closing(self.address.open(timeout_s)) as connection:
            self._connect(connection)
            try:
                connection.request(method, PREFIX + target, raw, head)
                response = connection.getresponse()
                text = response.read()
            except (OSError, http.client.HTTPException) as error:
                raise ConnectionFailed(
                    f"the service at {self.address} did not answer {method} {target}: "
                    f"{str(error) or type(error).__name__}",
                    remedy="'labctl status' shows whether it runs and what it does",
                ) from error
        if response.status >= 400:
            refuse(response.status, text)
        return _value(text)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except (OSError, ssl.SSLError) as error:
            raise _NotSent(
                f"no service answers at {self.address}: {error}", remedy=_REMEDY
            ) from error


class _NotSent(ConnectionFailed):
    """Report that nothing was sent."""


def refuse(status: int, text: bytes) -> NoReturn:
    """Raise what the service refused a request with, in the class that it has there."""
    try:
        found = json.loads(text)
        kind, message, remedy = found["error"], str(found["message"]), str(found["remedy"])
    except (ValueError, KeyError, TypeError):
        raise LabctlError(f"the service answered {status}: {text[:200]!r}") from None
    known = getattr(errors, kind, None) if isinstance(kind, str) else None
    if not (isinstance(known, type) and issubclass(known, LabctlError)):
        known = LabctlError
    raise known(message, remedy=remedy)


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise LabctlError(f"the service answered what is no JSON: {text[:100]!r}") from None
