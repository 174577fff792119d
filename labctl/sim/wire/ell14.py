"""Play Thorlabs ELL14 rotation mounts that share one serial line.

Source: instruments.md section 2, card ELL14/ELL6. The values of the `IN` reply are [mem];
[unverified]: from which duration on a move is announced with status 9, the time after which a
half-sent command is forgotten, and that a rest angle just below 360° reads as a small negative
number.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from labctl.sim.ports import RotatorPort
from labctl.sim.wire.base import WireEmulator

PULSES_PER_TURN = 143360

_ARGUMENT_LENGTH = {
    "in": 0, "gs": 0, "gp": 0, "ma": 8, "mr": 8, "ho": 1, "gv": 0, "sv": 2, "gj": 0, "sj": 8,
    "fw": 0, "bw": 0,
}  # fmt: skip
_OK, _COMMUNICATION, _UNSUPPORTED, _RANGE, _BUSY = 0, 1, 3, 4, 9
_ANNOUNCED_FROM_S = 0.1
_FORGOTTEN_AFTER_S = 1.0


@dataclass(slots=True)
class _Module:
    rotator: RotatorPort
    serial: int
    status: int = _OK
    velocity_percent: int = 100
    jog_pulses: int = PULSES_PER_TURN // 8
    moving_until_s: float = -math.inf


class Ell14Bus(WireEmulator):
    """Play one line with an ELL14 at each address.

    Commands have a fixed length; a CR or LF after a command is ignored.

    Parameters
    ----------
    rotators
        The mounts of the simulated table by address, a capital hexadecimal digit.
    """

    def __init__(self, rotators: Mapping[str, RotatorPort]) -> None:
        super().__init__()
        self._modules = {
            address: _Module(rotator, 11400517 + index)
            for index, (address, rotator) in enumerate(rotators.items())
        }
        self._partial = ""
        self._last_byte_s = 0.0

    def fail(self, address: str, status: int) -> None:
        """Latch a fault at an address, such as 2 (mechanical timeout); reading clears it."""
        self._modules[address].status = status

    def feed(self, data: bytes, now_s: float) -> None:
        """Accept bytes and carry out every command that is complete."""
        if now_s - self._last_byte_s > _FORGOTTEN_AFTER_S:
            self._partial = ""
        self._last_byte_s = now_s
        for character in data.decode("latin-1"):
            self._accept(character, now_s)

    def _accept(self, character: str, now_s: float) -> None:
        if character in "\r\n":
            self._partial = ""
            return
        self._partial += character
        if not re.match(r"[0-9A-F]", self._partial):
            self._partial = ""
        elif len(self._partial) >= 3:
            word = self._partial[1:3]
            if len(self._partial) == 3 + _ARGUMENT_LENGTH.get(word, 0):
                address, argument = self._partial[0], self._partial[3:]
                self._partial = ""
                self._execute(address, word, argument, now_s)

    def _execute(self, address: str, word: str, argument: str, now_s: float) -> None:
        module = self._modules.get(address)
        if module is None:
            return
        moving = self.stuck or now_s < module.moving_until_s
        if word == "gs":
            status = _BUSY if moving and not module.status else module.status
            module.status = _OK
            self._say(address, f"GS{status:02X}", now_s)
        elif word not in _ARGUMENT_LENGTH:
            self._say(address, f"GS{_UNSUPPORTED:02X}", now_s)
        elif not re.fullmatch(r"[0-9A-F]*", argument):
            self._say(address, f"GS{_COMMUNICATION:02X}", now_s)
        elif word in ("in", "gp", "gv", "gj"):
            self._say(address, self._read(module, word, now_s), now_s)
        elif word in ("sv", "sj"):
            self._say(address, f"GS{self._adjust(module, word, int(argument, 16)):02X}", now_s)
        elif moving and not self.stuck:
            self._say(address, f"GS{_BUSY:02X}", now_s)
        else:
            self._move(address, module, self._target_pulses(module, word, argument, now_s), now_s)

    def _say(self, address: str, text: str, now_s: float, delay_s: float = 0.0) -> None:
        self.reply(f"{address}{text}\r\n", now_s, delay_s)

    def _read(self, module: _Module, word: str, now_s: float) -> str:
        if word == "in":
            # type 0E, serial, year, firmware, hardware, travel in °, pulses per turn
            return f"IN0E{module.serial:08d}202317010168{PULSES_PER_TURN:08X}"
        if word == "gv":
            return f"GV{module.velocity_percent:02X}"
        if word == "gj":
            return f"GJ{module.jog_pulses:08X}"
        return f"PO{_hexadecimal(self._pulses(module, now_s))}"

    def _adjust(self, module: _Module, word: str, value: int) -> int:
        if word == "sv":
            if not 1 <= value <= 100:
                return _RANGE
            module.velocity_percent = value
        else:
            module.jog_pulses = value
        return _OK

    def _pulses(self, module: _Module, now_s: float) -> int:
        return _at_rest(module.rotator.angle_deg(now_s))

    def _target_pulses(self, module: _Module, word: str, argument: str, now_s: float) -> int:
        here = self._pulses(module, now_s)
        if word in ("ma", "mr"):
            value = _signed(argument)
            return value if word == "ma" else here + value
        if word == "ho":
            return 0
        return here + (module.jog_pulses if word == "fw" else -module.jog_pulses)

    def _move(self, address: str, module: _Module, pulses: int, now_s: float) -> None:
        if abs(pulses) > PULSES_PER_TURN:
            self._say(address, f"GS{_RANGE:02X}", now_s)
            return
        if self.stuck:
            self._say(address, f"GS{_BUSY:02X}", now_s)
            return
        angle_deg = pulses / PULSES_PER_TURN * 360.0 % 360.0
        duration_s = module.rotator.move_to(angle_deg, now_s)
        module.moving_until_s = now_s + duration_s
        if duration_s >= _ANNOUNCED_FROM_S:
            self._say(address, f"GS{_BUSY:02X}", now_s)
        self._say(address, f"PO{_hexadecimal(_at_rest(angle_deg))}", now_s, duration_s)


def _at_rest(angle_deg: float) -> int:
    """Return the pulses that a mount shows; it undershoots zero rather than show a whole turn."""
    signed_deg = angle_deg - 360.0 if angle_deg > 359.5 else angle_deg
    return round(signed_deg / 360.0 * PULSES_PER_TURN)


def _signed(digits: str) -> int:
    """Return a two's complement number of 32 bits."""
    value = int(digits, 16)
    return value - (1 << 32) if value >> 31 else value


def _hexadecimal(value: int) -> str:
    return f"{value & 0xFFFFFFFF:08X}"
