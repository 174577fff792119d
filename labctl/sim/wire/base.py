"""Share what every byte emulator does: collect bytes into commands, answer after a moment."""

import math
import re
from abc import abstractmethod
from typing import ClassVar

from labctl.sim.emulator import Emulator

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_LONGEST_COMMAND = 256


class WireEmulator(Emulator):
    """Play an instrument that answers a moment after it was asked.

    Parameters
    ----------
    latency_s
        Time from the last byte of a command to its reply, in s.

    Attributes
    ----------
    stuck
        While true, no motor finishes a move.
    """

    def __init__(self, latency_s: float = 0.002) -> None:
        super().__init__()
        self.latency_s = latency_s
        self.stuck = False

    def reply(self, text: str, now_s: float, delay_s: float = 0.0) -> None:
        """Send text, one byte per character, after the latency and a delay in s."""
        self.send(text.encode("latin-1"), now_s + self.latency_s + delay_s)


class LineEmulator(WireEmulator):
    """Play an instrument whose commands end with a terminator byte."""

    terminator: ClassVar[bytes] = b"\r"
    ignored: ClassVar[bytes] = b"\n"

    def __init__(self, latency_s: float = 0.002) -> None:
        super().__init__(latency_s)
        self._line = bytearray()

    def feed(self, data: bytes, now_s: float) -> None:
        """Accept bytes and carry out every command that is complete."""
        for byte in data:
            if byte in self.terminator:
                line, self._line = self._line.decode("latin-1"), bytearray()
                self.handle(line, now_s)
            elif byte not in self.ignored and len(self._line) < _LONGEST_COMMAND:
                self._line.append(byte)

    @abstractmethod
    def handle(self, line: str, now_s: float) -> None:
        """Carry out one command, given without its terminator."""


def number(text: str) -> float | None:
    """Return a plain decimal number, or None if the text is none or not finite."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def whole(text: str) -> int | None:
    """Return a whole number of at most 12 digits, or None."""
    text = text.strip()
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,12}", text) else None
