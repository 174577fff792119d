"""Carry bytes over a TCP connection."""

import errno
import socket

from labctl.core.errors import ConnectionFailed
from labctl.core.link import LinkSettings

_CHUNK_BYTES = 4096
_CONNECT_S = 5.0

_REMEDIES = {
    errno.ECONNREFUSED: "nothing listens there: start the server, or correct host and port",
    errno.ETIMEDOUT: "the host does not answer: check network, host and port",
    errno.EHOSTUNREACH: "no route to the host: check network and address",
    errno.ENETUNREACH: "no route to the network: check network and address",
}


class TcpLink:
    """Read and write one TCP connection; fulfils `labctl.core.link.Link`.

    Timeouts are in s of the machine's time, whatever clock the station has: the network knows no
    other.

    Parameters
    ----------
    address
        `HOST:PORT`; an IPv6 address stands in brackets.
    resource
        How messages call the port.

    Raises
    ------
    ConnectionFailed
        If nobody accepts the connection.
    """

    def __init__(self, address: str, resource: str, settings: LinkSettings) -> None:
        self._resource = resource
        self._write_timeout_s = max(settings.timeout_s, _CONNECT_S)
        host, _, port = address.rstrip("/").rpartition(":")
        try:
            self._socket = socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (OSError, ValueError) as error:
            raise self._failed("cannot be opened", error) from error

    def write(self, data: bytes) -> None:
        """Send bytes; raises `ConnectionFailed` if the line has dropped."""
        try:
            self._socket.settimeout(self._write_timeout_s)
            self._socket.sendall(data)
        except OSError as error:
            raise self._failed("dropped while writing", error) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, or b"" after `timeout_s`; raises `ConnectionFailed`."""
        try:
            self._socket.settimeout(max(0.0, timeout_s))
            data = self._socket.recv(_CHUNK_BYTES)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._failed("dropped while reading", error) from error
        if not data:
            raise self._failed("dropped while reading", "the other side has hung up")
        return data

    def close(self) -> None:
        """Release the port; closing twice is allowed."""
        self._socket.close()

    def _failed(self, what: str, cause: object) -> ConnectionFailed:
        code = getattr(cause, "errno", None) or 0
        text = str(cause).removeprefix(f"[Errno {code}] ")
        return ConnectionFailed(
            f"{self._resource} {what}: {text}",
            remedy=_REMEDIES.get(code, "check network and power of the instrument"),
        )
