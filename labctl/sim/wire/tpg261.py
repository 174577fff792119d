"""Play a Pfeiffer TPG 261 gauge controller with a PKR gauge on its first channel.

Source: operating manual BG 5195 BEN/A pages 71-72 and instruments.md section 2, card TPG26x; for
ERR the manual of the related Inficon VGC50x, page 72. [unverified]: the texts of TID and PNR.
"""

from collections.abc import Callable

from labctl.sim.ports import GaugePort
from labctl.sim.wire.base import WireEmulator, whole

_ENQ, _ETX = "\x05", "\x03"
_ACK, _NAK = "\x06\r\n", "\x15\r\n"
_PASCAL_PER_UNIT = (100.0, 133.322, 1.0)
_RANGE_PA = (5e-7, 1e5)
_NO_SENSOR = "5,+2.0000E-02"
_LONGEST_COMMAND = 64


class Tpg261(WireEmulator):
    """Play a TPG 261: a mnemonic is acknowledged, its data come after each ENQ.

    Attributes
    ----------
    gauge_status
        Status digit of gauge 1 beside 0 to 2, such as 3 (sensor error) or 4 (sensor off).
    """

    def __init__(self, port: GaugePort) -> None:
        super().__init__()
        self._port = port
        self._line = ""
        self._asked = ""
        self._error = "0000"
        self._unit = 0
        self.gauge_status = 0

    def feed(self, data: bytes, now_s: float) -> None:
        """Accept bytes; CR ends a mnemonic, ENQ asks for its data, ETX starts afresh."""
        for character in data.decode("latin-1"):
            if character == _ENQ:
                self._line = ""
                self._transmit(now_s)
            elif character == _ETX:
                self._line = ""
            elif character == "\r":
                line, self._line = self._line.strip(), ""
                self._receive(line, now_s)
            elif character != "\n" and len(self._line) < _LONGEST_COMMAND:
                self._line += character

    def _receive(self, line: str, now_s: float) -> None:
        mnemonic, comma, argument = line.partition(",")
        if mnemonic not in ("PR1", "PR2", "PRX", "UNI", "TID", "PNR", "ERR"):
            self._refuse("0001", now_s)
        elif comma and (mnemonic != "UNI" or whole(argument) not in range(3)):
            self._refuse("0010", now_s)
        else:
            if comma:
                self._unit = int(argument)
            self._asked = mnemonic
            self.reply(_ACK, now_s)

    def _refuse(self, error: str, now_s: float) -> None:
        self._error, self._asked = error, "ERR"
        self.reply(_NAK, now_s)

    def _transmit(self, now_s: float) -> None:
        if self._asked == "ERR":
            answer, self._error = self._error, "0000"
        else:
            answers: dict[str, Callable[[], str]] = {
                "PR1": lambda: self._gauge(now_s),
                "PR2": lambda: _NO_SENSOR,
                "PRX": lambda: f"{self._gauge(now_s)},{_NO_SENSOR}",
                "UNI": lambda: str(self._unit),
                "TID": lambda: "PKR,noSEn",
                "PNR": lambda: "BG 805 193-C",
            }
            if self._asked not in answers:
                return
            answer = answers[self._asked]()
        self.reply(answer + "\r\n", now_s)

    def _gauge(self, now_s: float) -> str:
        pressure_pa = self._port.pressure_pa(now_s)
        low_pa, high_pa = _RANGE_PA
        status = self.gauge_status
        if not status and not low_pa <= pressure_pa <= high_pa * 1.1:
            status = 1 if pressure_pa < low_pa else 2
        shown = min(max(pressure_pa, low_pa), high_pa) / _PASCAL_PER_UNIT[self._unit]
        mantissa, exponent = f"{shown:+.2e}".split("e")
        # the manual: the third and fourth decimal of logarithmic gauges are always 0
        return f"{status},{mantissa}00E{int(exponent):+03d}"
