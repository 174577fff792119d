"""Hold the connections of clients: who they are, what they sent, what they have not read yet."""

import contextlib
import hashlib
import hmac
import os
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labctl.service.safety.protocol import Requests, line_of

MOST_CLIENTS = 64
_MOST_UNREAD = 1 << 20
_CHUNK_BYTES = 65536


def listen(address: str) -> socket.socket:
    """Return a listening socket: a Unix socket of mode 0600 in a folder of mode 0700, or loopback.

    Raises
    ------
    OSError
        If it cannot be made, or the folder can be entered by others.
    """
    if address.startswith("tcp://"):
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        server = socket.create_server((host, int(port)))
    else:
        server = _listen_unix(Path(address.removeprefix("unix:")))
    server.setblocking(False)
    return server


def _listen_unix(path: Path) -> socket.socket:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.parent.stat().st_mode & 0o077:
        raise OSError(f"{path.parent} can be entered by others: its mode must be 0700")
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        server.bind(str(path))
    finally:
        os.umask(mask)
    server.listen(128)
    return server


class Client:
    """Be one connection: for control, or after `open` the relay of one port.

    Fulfils `labctl.service.safety.relay.Channel`.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._unsent = b""
        self.requests = Requests()
        self.is_alive = True
        self.is_local = connection.family != socket.AF_INET
        """Whether the operating system vouches for the user on the other side."""
        self.epoch = -1
        self.port = ""
        self.is_following = False
        self.mistakes = 0

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._socket.fileno()

    @property
    def is_foreign(self) -> bool:
        """Tell whether another user than ours, or root, is on the other side."""
        if not sys.platform.startswith("linux") or self._socket.family != socket.AF_UNIX:
            return False
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, user, _ = struct.unpack("3i", raw)
        return user not in (0, os.getuid())

    def read(self) -> bytes:
        """Return what came; b"" and `is_alive` false once the client is gone."""
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self.is_alive = False
        return data

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; a client that does not read is given up."""
        self._unsent += line_of(dict(message))
        self.flush()

    def flush(self) -> None:
        """Send what is left."""
        if not self._unsent or not self.is_alive:
            return
        try:
            sent = self._socket.send(self._unsent)
            self._unsent = self._unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self.is_alive = False
        if len(self._unsent) > _MOST_UNREAD:
            self.is_alive = False

    def close(self) -> None:
        """Hang up."""
        self.is_alive = False
        self._socket.close()

    # -- what a port tells its holder

    def deliver(self, data: bytes) -> None:
        """Pass on what the device sent."""
        self.send({"data": data.decode("latin-1")})

    def accept(self) -> None:
        """Say that a write went out."""
        self.send({"ok": True})

    def refuse(self, reason: str) -> None:
        """Say why a write did not go out."""
        self.send({"ok": False, "refused": reason})

    def drop(self, reason: str) -> None:
        """Say that the line is gone, and hang up."""
        self.send({"dropped": reason})
        self.is_alive = False


def is_token(token: str, digest: str) -> bool:
    """Tell whether a secret has a SHA-256 sum."""
    found = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    return hmac.compare_digest(found, digest)
