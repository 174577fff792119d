"""Open the doors: a Unix socket, the loopback interface, and, only if asked for, the network."""

import contextlib
import os
import socket
import ssl
import stat
import struct
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from labctl.core.errors import ConfigError
from labctl.service.api.guard import PEER
from labctl.service.api.identity import Listener, Peer

LONGEST_SOCKET_PATH = 100
"""The system's limit is 108 bytes, 104 on macOS."""
BACKLOG = 64
HEADER_S = 15.0
"""How long a new connection may take until its first request is there."""


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Say how clients on other machines reach the service; without this they cannot.

    `names` are the host names in the certificate; `key` must be readable by its owner only.
    """

    host: str
    port: int
    certificate: Path
    key: Path
    names: tuple[str, ...]


class LocalProtocol(H11Protocol):
    """Note where a connection comes from, and end one that never asks anything."""

    listener: Listener = "loopback"

    def connection_made(self, transport: Any) -> None:
        """Note the peer."""
        super().connection_made(transport)
        peer = _peer_of(transport.get_extra_info("socket"), self.listener)
        self.app_state = {**self.app_state, PEER: peer}
        self.loop.call_later(HEADER_S, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if getattr(self, "cycle", None) is None and not self.transport.is_closing():
            self.transport.close()


class RemoteProtocol(LocalProtocol):
    """Note that a connection comes from the network."""

    listener: Listener = "remote"


def open_unix(path: Path) -> socket.socket | None:
    """Return a listening Unix socket (mode 0600), or None where there is none.

    The folder must belong to this account alone; the caller holds the lock of the station, so
    that a file that lies there is of a service that has gone.

    Raises
    ------
    ConfigError
        If others could reach the socket through its folder, or it cannot be made.
    """
    if not hasattr(socket, "AF_UNIX") or len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        return None
    folder = path.parent.stat()
    if stat.S_IMODE(folder.st_mode) & 0o077 or folder.st_uid != os.getuid():
        raise ConfigError(
            f"the folder {path.parent} can be entered by other accounts",
            remedy=f"chmod 700 {path.parent}",
        )
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        listening.bind(str(path))
        # the folder keeps everybody else out in between
        path.chmod(0o600)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(f"the socket {path} cannot be made: {error.strerror}") from error
    return listening


def open_loopback(port: int) -> socket.socket:
    """Return a socket that listens to this machine only; port 0 takes a free one.

    Raises
    ------
    ConfigError
        If the port is taken.
    """
    return _open_tcp("127.0.0.1", port)


def open_remote(remote: RemoteSettings) -> socket.socket:
    """Return a socket that listens to the network.

    Raises
    ------
    ConfigError
        If certificate or key cannot be used, the key can be read by others, there is no name,
        or the port is taken.
    """
    if not remote.names:
        raise ConfigError(
            "remote access needs the host names in its certificate",
            remedy="name them, such as --name table.example.org",
        )
    check_private(remote.key)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(remote.certificate, remote.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"certificate {remote.certificate} with key {remote.key} cannot be used: {error}",
            remedy="docs/remote.md says how to make them",
        ) from error
    return _open_tcp(remote.host, remote.port)


def check_private(path: Path) -> None:
    """Raise `ConfigError` unless a file with a secret can be read by its owner only."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise ConfigError(
            f"{path} holds a secret and can be read by others", remedy=f"chmod 600 {path}"
        )


def _open_tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        ip_address(host)
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except (OSError, ValueError, OverflowError) as error:
        listening.close()
        raise ConfigError(
            f"nothing can listen at {host}:{port}: {error}", remedy="choose another port"
        ) from error
    return listening


def _peer_of(connection: Any, listener: Listener) -> Peer:
    if connection.family == getattr(socket, "AF_UNIX", None):
        if not hasattr(socket, "SO_PEERCRED"):
            # the mode of the socket keeps other accounts out
            return Peer("unix", uid=os.getuid())
        size = struct.calcsize("3i")
        packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid, uid, _ = struct.unpack("3i", packed)
        return Peer("unix", uid=uid, pid=pid)
    try:
        return Peer(listener, address=str(connection.getpeername()[0]))
    except OSError:
        return Peer("remote")
