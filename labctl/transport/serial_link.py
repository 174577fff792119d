"""Carry bytes over a serial port."""

import errno
import importlib
import math
import os

import serial

from labctl.core.errors import ConnectionFailed
from labctl.core.link import LinkSettings

_PARITY = {"none": serial.PARITY_NONE, "odd": serial.PARITY_ODD, "even": serial.PARITY_EVEN}
_CHUNK_BYTES = 4096
_WAIT_S = 0.05
# an adapter that was pulled out raises any of these; that of termios is no OSError
_LINE_ERRORS: tuple[type[Exception], ...] = (serial.SerialException, OSError, TypeError)
if os.name == "posix":
    _LINE_ERRORS += (importlib.import_module("termios").error,)

_REMEDIES = {
    errno.ENOENT: "no such port: plug the instrument in, or correct the resource",
    errno.EACCES: "no permission: add the user to the group that owns the port (dialout)",
    errno.EBUSY: "the port is in use: close the other program",
    errno.EAGAIN: "the port is in use: close the other program",
}


class SerialLink:
    """Read and write one serial port.

    Parameters
    ----------
    device
        Name of the port, such as `/dev/ttyUSB0` or `COM3`.
    resource
        How messages call the port.

    Raises
    ------
    ConnectionFailed
        If the port does not exist, is refused or may not be opened.
    """

    def __init__(self, device: str, resource: str, settings: LinkSettings) -> None:
        self._resource = resource
        try:
            self._serial = serial.Serial(
                device,
                baudrate=settings.baud_rate,
                bytesize=settings.data_bits,
                parity=_PARITY[settings.parity],
                stopbits=settings.stop_bits,
                # never changed: pyserial would set up the whole line anew each time
                timeout=_WAIT_S,
                write_timeout=settings.timeout_s,
                # two programs on one port would take each other's replies
                exclusive=True,
            )
        # termios.error, for a line that cannot do seven bits, is no OSError
        except Exception as error:
            raise self._failed("cannot be opened", error) from error

    def write(self, data: bytes) -> None:
        """Send bytes; raises `ConnectionFailed` if the line has dropped."""
        try:
            self._serial.write(data)
            self._serial.flush()
        except _LINE_ERRORS as error:
            raise self._failed("dropped while writing", error) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, or b"" after `timeout_s`; raises `ConnectionFailed`."""
        try:
            first = b""
            if timeout_s > 0 or self._serial.in_waiting:
                for _ in range(max(1, math.ceil(timeout_s / _WAIT_S))):
                    if first := bytes(self._serial.read(1)):
                        break
            return first + self._waiting() if first else b""
        except _LINE_ERRORS as error:
            raise self._failed("dropped while reading", error) from error

    def close(self) -> None:
        """Release the port; closing twice is allowed."""
        self._serial.close()

    def _waiting(self) -> bytes:
        data = b""
        while len(data) < _CHUNK_BYTES and (count := self._serial.in_waiting):
            data += self._serial.read(count)
        return data

    def _failed(self, what: str, error: Exception) -> ConnectionFailed:
        code = _errno(error)
        cause = os.strerror(code) if code else str(error)
        return ConnectionFailed(
            f"{self._resource} {what}: {cause}",
            remedy=_REMEDIES.get(code, "check power and cable of the instrument"),
        )


def _errno(error: BaseException) -> int:
    """Return the system's error number; pyserial hides it in the error it handled."""
    hidden: BaseException | None = error
    while hidden is not None:
        if isinstance(hidden, OSError) and hidden.errno:
            return hidden.errno
        hidden = hidden.__cause__ or hidden.__context__
    return 0
