"""Read Pfeiffer TPG 261 and TPG 262 gauge controllers."""

import re
from typing import ClassVar

from pymeasure.adapters import Adapter

from drivers.base import READ_RETRIES, PortInstrument
from labctl.core.clock import Clock
from labctl.core.errors import BadReply, CommandRefused, ConfigError, InvalidReading, NoReply
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

PRESSURE_LIMITS_PA = (1e-10, 2e5)
"""What any gauge of the family can show [unverified]."""

_ENQ = b"\x05"
_ACK, _NAK = "\x06", "\x15"
_PASCAL_PER_UNIT = {"0": 100.0, "1": 101325.0 / 760.0, "2": 1.0}
_STATUS_WORDS = {
    "1": "underrange",
    "2": "overrange",
    "3": "sensor error",
    "4": "sensor off",
    "5": "no sensor",
    "6": "identification error",
}
_ERROR_WORDS = {
    "1000": "controller error",
    "0100": "no hardware",
    "0010": "inadmissible parameter",
    "0001": "syntax error",
}
_BACK_OFF_S = 0.1
_FIRMWARE = r"[A-Z]{2} ?[0-9][0-9A-Z .-]*"


class Tpg26x(PortInstrument):
    """Measure a pressure with one gauge of a TPG 261 or TPG 262.

    A mnemonic with CR LF is acknowledged by ACK CR LF (NAK if refused); only the enquiry that
    follows, the byte ENQ alone, brings the data. The unit is asked for with each pressure,
    because anybody can change it at the front panel.

    Sources: Pfeiffer TPG 261 operating manual BG 5195 BEN/A, p. 71-72 (handshake, status digit,
    format); pylablib; `ERR` from the Inficon VGC50x manual, p. 72. The form of the reply to
    `PNR` is [unverified], and no reply tells TPG 261 from TPG 262.

    Parameters
    ----------
    gauge
        Number of the gauge, 1 or 2.
    """

    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=9600, write_terminator=b"\r\n", read_terminator=b"\r\n", timeout_s=1.0
    )
    # the second asks for the data that the first has selected
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"PNR\r\n", rb"\x06\r\n"),
        Proof(_ENQ, _FIRMWARE.encode() + rb"\r\n"),
    )

    def __init__(
        self, connection: Adapter, name: str = "TPG 26x", *, clock: Clock, gauge: int = 1
    ) -> None:
        super().__init__(connection, name, clock=clock)
        if gauge not in (1, 2):
            raise ConfigError(
                f"{name}: gauge {gauge} is neither 1 nor 2",
                remedy="correct gauge in the station file",
            )
        self.gauge = gauge

    def read_identity(self) -> Identity:
        """Get the firmware and the type of the gauge; the controller tells no serial number."""
        with self.exchange():
            firmware = self._ask("PNR", _FIRMWARE)[0]
            gauges = self._ask("TID", r"([0-9A-Za-z ]+)(?:,([0-9A-Za-z ]+))?")
        kind = gauges[self.gauge] or "noSEn"
        return Identity("Pfeiffer", f"TPG 26x with {kind.strip()}", firmware=firmware)

    @property
    def pressure_pa(self) -> float:
        """Measure the pressure in Pa, from 1e-10 to 2e5.

        Raises
        ------
        InvalidReading
            If the status digit says that the gauge has no valid value, or the value is absurd.
        """
        with self.exchange():
            pascal = _PASCAL_PER_UNIT[self._ask("UNI", "[0-2]")[0]]
            command = f"PR{self.gauge}"
            found = self._ask(command, r"([0-6]),([+-]?\d\.\d{2,4}E[+-]\d{2})")
        if found[1] != "0":
            raise InvalidReading(
                f"{self.name}: asked {command}, got {found[0]!r}: {_STATUS_WORDS[found[1]]}",
                remedy="check gauge, cable and whether the pressure is in the range of the gauge",
            )
        pressure_pa = float(found[2]) * pascal
        low, high = PRESSURE_LIMITS_PA
        if not low <= pressure_pa <= high:
            raise InvalidReading(
                f"{self.name}: asked {command}, got {found[0]!r}: {pressure_pa:g} Pa is outside "
                f"{low:g} to {high:g} Pa",
                remedy="check the gauge and the unit of the controller",
            )
        return pressure_pa

    def safe(self) -> None:
        """Set nothing: a gauge harms nobody."""

    def _ask(self, mnemonic: str, pattern: str) -> re.Match[str]:
        """Select data, enquire, and repeat both after a fault: ENQ alone could bring other data."""
        for _ in range(READ_RETRIES):
            try:
                return self._handshake(mnemonic, pattern)
            except (NoReply, BadReply):
                self.clock.sleep(_BACK_OFF_S)
        return self._handshake(mnemonic, pattern)

    def _handshake(self, mnemonic: str, pattern: str) -> re.Match[str]:
        with self.exchange():
            answer = self.query(mnemonic, f"{_ACK}|{_NAK}")[0]
            if answer == _ACK:
                return self.query(_ENQ, pattern)
            word = self.query(_ENQ, "[01]{4}")[0]
        raise CommandRefused(
            f"{self.name}: asked {mnemonic!r}, got NAK and the error word {word}: "
            f"{_ERROR_WORDS.get(word, 'several errors')}",
            remedy="check the model of the controller and the number of the gauge",
        )
