"""Carry bytes over VISA, with pyvisa-py in place of a vendor's library."""

import functools
from typing import Any

import pyvisa
from pyvisa.constants import Parity, StatusCode, StopBits

from labctl.core.errors import ConnectionFailed
from labctl.core.link import LinkSettings

_PARITY = {"none": Parity.none, "odd": Parity.odd, "even": Parity.even}
_STOP_BITS = {1: StopBits.one, 2: StopBits.two}


@functools.cache
def _manager() -> pyvisa.ResourceManager:
    return pyvisa.ResourceManager("@py")


class VisaLink:
    """Read and write one VISA resource.

    On message-based buses (GPIB, USBTMC, VXI-11) the END indicator stands for the read
    terminator, and nothing can come unasked. These buses are [unverified]: only serial
    resources have been run.

    Raises
    ------
    ConnectionFailed
        If the resource cannot be opened.
    """

    def __init__(self, resource: str, settings: LinkSettings) -> None:
        self._resource = resource
        self._settings = settings
        self._is_serial = resource.upper().startswith("ASRL")
        options: dict[str, Any] = {"read_termination": None, "write_termination": None}
        if self._is_serial:
            options |= {
                "baud_rate": settings.baud_rate,
                "data_bits": settings.data_bits,
                "parity": _PARITY[settings.parity],
                "stop_bits": _STOP_BITS[settings.stop_bits],
            }
        try:
            self._visa: Any = _manager().open_resource(resource, **options)
        # pyvisa-py lets the errors of pyserial, pyusb and sockets through
        except Exception as error:
            raise self._failed("cannot be opened", error) from error

    def write(self, data: bytes) -> None:
        """Send bytes; raises `ConnectionFailed` if the line has dropped."""
        try:
            self._visa.timeout = round(self._settings.timeout_s * 1000)
            self._visa.write_raw(data)
        except Exception as error:
            raise self._failed("dropped while writing", error) from error

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, or b"" after `timeout_s`; raises `ConnectionFailed`."""
        try:
            self._visa.timeout = max(1, round(timeout_s * 1000))
            return (
                self._read_serial(timeout_s) if self._is_serial else self._read_message(timeout_s)
            )
        except pyvisa.errors.VisaIOError as error:
            if error.error_code == StatusCode.error_timeout:
                return b""
            raise self._failed("dropped while reading", error) from error
        except Exception as error:
            raise self._failed("dropped while reading", error) from error

    def close(self) -> None:
        """Release the resource; closing twice is allowed."""
        self._visa.close()

    def _read_serial(self, timeout_s: float) -> bytes:
        waiting = self._visa.bytes_in_buffer
        if not waiting and timeout_s <= 0:
            return b""
        data = bytes(self._visa.read_bytes(max(1, waiting)))
        while waiting := self._visa.bytes_in_buffer:
            data += self._visa.read_bytes(waiting)
        return data

    def _read_message(self, timeout_s: float) -> bytes:
        if timeout_s <= 0:
            return b""
        data = bytes(self._visa.read_raw())
        end = self._settings.read_terminator
        return data if not data or data.endswith(end) else data + end

    def _failed(self, what: str, error: Exception) -> ConnectionFailed:
        return ConnectionFailed(
            f"{self._resource} {what}: {error}",
            remedy="check cable, power and address, and that no other program uses the instrument",
        )
