"""Hold the byte line to one device without ever waiting for it: TCP, or a POSIX terminal."""

import contextlib
import os
import select
import socket
import sys
from dataclasses import dataclass

CHUNK_BYTES = 4096

if sys.platform != "win32":
    import fcntl
    import termios


@dataclass(frozen=True, slots=True)
class LineSettings:
    """Say how a serial line is set up; TCP needs none of it."""

    baud_rate: int = 9600
    data_bits: int = 8
    parity: str = "none"
    stop_bits: int = 1


class Line:
    """Read and write one line. Every method raises `OSError` if the line is or has gone down.

    Parameters
    ----------
    resource
        `tcp://HOST:PORT` or `serial:///dev/NAME`.
    """

    def __init__(self, resource: str, settings: LineSettings) -> None:
        self._resource = resource
        self._settings = settings
        self._socket: socket.socket | None = None
        self._descriptor = -1

    def fileno(self) -> int:
        """Return the descriptor to wait for; −1 if the line is down."""
        return self._descriptor

    def begin(self) -> None:
        """Begin to open the line."""
        if self._resource.startswith("tcp://"):
            self._begin_tcp(self._resource.removeprefix("tcp://"))
        else:
            self._descriptor = _open_terminal(
                self._resource.removeprefix("serial://"), self._settings
            )

    def is_up(self) -> bool:
        """Tell whether opening has come to its end."""
        if self._socket is None:
            return self._descriptor >= 0
        if not select.select([], [self._socket], [], 0)[1]:
            return False
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        return True

    def write(self, data: bytes) -> None:
        """Send a command; commands are so short that a line takes them whole, or is down."""
        # a device that vanished must not end this process with SIGPIPE: Python ignores it
        sent = self._socket.send(data) if self._socket else os.write(self._descriptor, data)
        if sent != len(data):
            raise OSError("the line takes no more bytes")

    def read(self) -> bytes:
        """Return what has come; b"" if there is nothing."""
        try:
            if self._socket is not None:
                data = self._socket.recv(CHUNK_BYTES)
                if not data:
                    raise OSError("the device has hung up")
                return data
            return os.read(self._descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """Let go of the line; closing twice is allowed."""
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.close()
            elif self._descriptor >= 0:
                os.close(self._descriptor)
        self._socket, self._descriptor = None, -1

    def _begin_tcp(self, address: str) -> None:
        host, _, port = address.strip("/").rpartition(":")
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        family, kind, protocol, _, place = found[0]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._descriptor = self._socket.fileno()
        with contextlib.suppress(BlockingIOError):
            self._socket.connect(place)


def _open_terminal(path: str, settings: LineSettings) -> int:
    if sys.platform == "win32":
        raise OSError("a serial port needs POSIX: use a serial-to-TCP server")
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _set_up(descriptor, settings)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _set_up(descriptor: int, settings: LineSettings) -> None:
    """Switch to raw bytes and the given line settings."""
    if sys.platform == "win32":
        return
    try:
        # two programs on one port would take each other's replies
        fcntl.ioctl(descriptor, termios.TIOCEXCL)
        speed = getattr(termios, f"B{settings.baud_rate}", None)
        if speed is None:
            raise OSError(f"{settings.baud_rate} baud is not offered")
        control = termios.CLOCAL | termios.CREAD
        control |= termios.CS7 if settings.data_bits == 7 else termios.CS8
        control |= termios.CSTOPB if settings.stop_bits == 2 else 0
        parity = {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}
        control |= parity[settings.parity]
        letters = termios.tcgetattr(descriptor)[6]
        letters[termios.VMIN], letters[termios.VTIME] = 0, 0
        attributes = [0, 0, control, 0, speed, speed, letters]
        termios.tcsetattr(descriptor, termios.TCSANOW, attributes)
        termios.tcflush(descriptor, termios.TCIOFLUSH)
    except termios.error as error:
        raise OSError(str(error)) from error
