"""Play a chain of Zaber axes that speak the Zaber ASCII protocol.

Source: instruments.md section 2, card Zaber ASCII (run with the vendor's client). [unverified]:
device id, serial numbers, and the text of `warnings`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labctl.sim.ports import AxisPort
from labctl.sim.wire.base import LineEmulator, whole

MICROSTEP_UM = 0.047625


@dataclass(slots=True)
class _Device:
    axis: AxisPort
    serial: int
    flag: str = "--"
    stalled: bool = False


class ZaberChain(LineEmulator):
    """Play daisy-chained devices with one axis each.

    A command is `/device axis id words:LRC`, all but the words optional; a wrong checksum is
    not answered.

    Parameters
    ----------
    axes
        The axes of the simulated table by device number.
    microstep_um
        Travel of one microstep in µm.
    """

    terminator = b"\r\n"
    ignored = b""

    def __init__(self, axes: Mapping[int, AxisPort], *, microstep_um: float = MICROSTEP_UM) -> None:
        super().__init__()
        self._microstep_um = microstep_um
        self._devices = {address: _Device(axis, 45000 + address) for address, axis in axes.items()}

    def warn(self, device: int, flag: str) -> None:
        """Raise a warning flag of two letters at a device, such as FS (stalled)."""
        self._devices[device].flag = flag

    def handle(self, line: str, now_s: float) -> None:
        """Carry out one command; one without a device number addresses all."""
        start = line.rfind("/")
        message = _verified(line[start + 1 :]) if start >= 0 else None
        if message is None:
            return
        words = message.split()
        numbers: list[str] = []
        while words and len(numbers) < 3 and whole(words[0]) is not None:
            numbers.append(words.pop(0))
        address = int(numbers[0]) if numbers else 0
        axis = int(numbers[1]) if len(numbers) > 1 else 0
        identifier = f" {int(numbers[2]):02d}" if len(numbers) > 2 else ""
        for number, device in self._devices.items():
            if address in (0, number):
                answer = self._answer(device, axis, words, now_s)
                self.reply(f"@{number:02d} {axis}{identifier} {answer}\r\n", now_s)

    def _answer(self, device: _Device, axis: int, words: list[str], now_s: float) -> str:
        data = self._execute(device, words, now_s) if axis in (0, 1) else "BADAXIS"
        verdict = "RJ" if data.startswith("BAD") else "OK"
        moving = device.stalled or device.axis.is_moving(now_s)
        return f"{verdict} {'BUSY' if moving else 'IDLE'} {device.flag} {data}"

    def _execute(self, device: _Device, words: list[str], now_s: float) -> str:
        if not words:
            return "0"
        if words[0] == "get" and len(words) == 2:
            return self._get(device, words[1], now_s)
        if words[0] == "move" and len(words) == 3:
            return self._move(device, words[1], words[2], now_s)
        if words == ["home"]:
            return self._go(device, 0, now_s)
        if words in (["stop"], ["estop"]):
            device.stalled = False
            device.axis.stop(now_s)
            return "0"
        if words[0] == "warnings" and words[1:] in ([], ["clear"]):
            return self._warnings(device, clear=len(words) == 2)
        return "BADCOMMAND"

    def _get(self, device: _Device, setting: str, now_s: float) -> str:
        low_um, high_um = device.axis.range_um
        values: dict[str, Callable[[], str]] = {
            "pos": lambda: str(self._microsteps(device.axis.position_um(now_s))),
            "deviceid": lambda: "50081",
            "system.serial": lambda: str(device.serial),
            "version": lambda: "7.34",
            "limit.min": lambda: str(math.ceil(low_um / self._microstep_um)),
            "limit.max": lambda: str(math.floor(high_um / self._microstep_um)),
            "system.axiscount": lambda: "1",
        }
        return values[setting]() if setting in values else "BADCOMMAND"

    def _move(self, device: _Device, kind: str, argument: str, now_s: float) -> str:
        value = whole(argument)
        if kind not in ("abs", "rel"):
            return "BADCOMMAND"
        if value is None:
            return "BADDATA"
        here = self._microsteps(device.axis.position_um(now_s)) if kind == "rel" else 0
        return self._go(device, here + value, now_s)

    def _go(self, device: _Device, microsteps: int, now_s: float) -> str:
        position_um = microsteps * self._microstep_um
        low_um, high_um = device.axis.range_um
        if not low_um <= position_um <= high_um:
            return "BADDATA"
        if self.stuck:
            device.stalled = True
        else:
            device.stalled = False
            device.axis.move_to(position_um, now_s)
        return "0"

    def _warnings(self, device: _Device, *, clear: bool) -> str:
        listed = "00" if device.flag == "--" else f"01 {device.flag}"
        if clear:
            device.flag = "--"
        return listed

    def _microsteps(self, position_um: float) -> int:
        return round(position_um / self._microstep_um)


def _verified(message: str) -> str | None:
    """Return a message without its checksum, or None if the checksum is wrong.

    The checksum is the two's complement of the sum of all bytes after the `/`.
    """
    text, colon, checksum = message.partition(":")
    if colon and checksum.strip() != f"{-sum(text.encode('latin-1')) & 0xFF:02X}":
        return None
    return text
