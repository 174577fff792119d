"""Measure optical power with Thorlabs PM100D and PM100USB meters."""

import math
from typing import ClassVar

from pymeasure.adapters import Adapter
from pymeasure.instruments.thorlabs import ThorlabsPM100USB

from drivers.base import READ_RETRIES, PortInstrument
from labctl.core.clock import Clock
from labctl.core.errors import CommandRefused, InvalidReading
from labctl.core.limits import Limits
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity

MAX_POWER_W = 300.0
"""No sensor head of the family takes more [unverified]."""

_OVERRANGE_W = 9.0e37
_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_NOT_A_NUMBER = r"[+-]?(?:[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
_WAVELENGTH_TOLERANCE_NM = 0.01
_POWER_SENSOR, _WAVELENGTH_SETTABLE = 1, 32


class Pm100d(PortInstrument):
    """Measure optical power with a PM100D or PM100USB and a power head.

    Of PyMeasure's `ThorlabsPM100USB` (0.16) the commands and the getters of the wavelength and
    its range are reused, on the strict `values` of `PortInstrument`. The class itself is not
    subclassed: its constructor talks to the device, fixes the sensor flags for good although
    heads are exchanged in operation, and raises a `FutureWarning`; its setter clamps a
    wavelength out of range without a word and reads nothing back; and its power getter passes
    the overrange mark 9.9E37 on as a power.

    The wavelength must be that of the beam, or the power is wrong by the responsivity of the
    head: set it for each laser line.

    Sources: PM100D operation manual, remote commands, as implemented by PyMeasure, pylablib and
    QMI; flags of the sensor, manual p. 49 as cited by PyMeasure. Formats of numbers and of
    serial numbers are [unverified].
    """

    link: ClassVar[LinkSettings] = LinkSettings(
        baud_rate=115200, write_terminator=b"\n", read_terminator=b"\n", timeout_s=2.0
    )
    proofs: ClassVar[tuple[Proof, ...]] = (
        Proof(b"*IDN?\n", rb"(?i:thorlabs),PM[0-9A-Z]+,[^,\n]*,[^,\n]*\n"),
        Proof(b"SYST:SENSOR:IDN?\n", rb"[^,\n]+(?:,[^,\n]*){4},\d{1,3}\n"),
    )

    def __init__(self, connection: Adapter, name: str = "PM100D", *, clock: Clock) -> None:
        super().__init__(connection, name, clock=clock)

    def read_identity(self) -> Identity:
        """Get model, serial number and firmware of the meter."""
        found = self.query(
            "*IDN?",
            r"(?i:thorlabs),(PM[0-9A-Z]+),([0-9A-Z]+),([0-9A-Za-z.]+)",
            retries=READ_RETRIES,
        )
        return Identity("Thorlabs", found[1], found[2], found[3])

    @property
    def sensor(self) -> Identity:
        """Get model and serial number of the head that is plugged in now.

        Raises
        ------
        InvalidReading
            If there is none, or it measures no power, or its wavelength cannot be set.
        """
        found = self.query(
            "SYST:SENSOR:IDN?",
            r"([^,\n]+),([^,\n]*)(?:,[^,\n]*){3},(\d{1,3})",
            retries=READ_RETRIES,
        )
        flags = int(found[3])
        if not (flags & _POWER_SENSOR and flags & _WAVELENGTH_SETTABLE):
            raise InvalidReading(
                f"{self.name}: asked 'SYST:SENSOR:IDN?', got {found[0]!r}: no power head whose "
                "wavelength can be set",
                remedy="plug in a photodiode or thermal power head",
            )
        return Identity("Thorlabs", found[1], found[2])

    @property
    def wavelength_range(self) -> Limits:
        """Get the range of wavelengths in nm that the head covers.

        Raises
        ------
        InvalidReading
            If the ends are not in order.
        """
        with self.exchange():
            low_nm = float(ThorlabsPM100USB.wavelength_min.fget(self))
            high_nm = float(ThorlabsPM100USB.wavelength_max.fget(self))
        if not 0.0 < low_nm <= high_nm:
            raise InvalidReading(
                f"{self.name}: asked 'SENS:CORR:WAV? MIN' and 'MAX', got {low_nm:g} and "
                f"{high_nm:g} nm",
                remedy="check the head",
            )
        return Limits(low_nm, high_nm, "nm")

    @property
    def wavelength_nm(self) -> float:
        """Control the wavelength in nm that the power is corrected for, in the head's range.

        Raises
        ------
        LimitError
            If the head does not cover the wavelength.
        CommandRefused
            If the meter reports an error or reads back another wavelength.
        """
        return float(ThorlabsPM100USB.wavelength.fget(self))

    @wavelength_nm.setter
    def wavelength_nm(self, value: float) -> None:
        with self.exchange():
            _ = self.sensor
            wanted_nm = float(value)
            self.wavelength_range.check(wanted_nm, f"{self.name}, wavelength")
            self._drain_errors()
            self.tell(f"SENS:CORR:WAV {wanted_nm:g}")
            code, text = self._next_error()
            if code:
                raise CommandRefused(
                    f"{self.name}: asked 'SENS:CORR:WAV {wanted_nm:g}', got error {code}: {text}",
                    remedy="choose a wavelength that the head covers",
                )
            self.confirm(
                "wavelength",
                wanted_nm,
                self.wavelength_nm,
                tolerance=_WAVELENGTH_TOLERANCE_NM,
                unit="nm",
            )

    @property
    def power_w(self) -> float:
        """Measure the power in W, from 0 to what the head takes; noise may go below 0.

        Raises
        ------
        InvalidReading
            If the meter is over its range (9.9E37) or has no number (NAN).
        """
        with self.exchange():
            text = self.query("MEAS:POW?", f"{_NUMBER}|{_NOT_A_NUMBER}", retries=READ_RETRIES)[0]
        power_w = float(text)
        # written so that NaN is refused
        if not -MAX_POWER_W <= power_w <= MAX_POWER_W:
            over = math.isfinite(power_w) and abs(power_w) >= _OVERRANGE_W
            raise InvalidReading(
                f"{self.name}: asked 'MEAS:POW?', got {text!r}: "
                + ("over the range of the meter" if over else "no power"),
                remedy="attenuate the beam, select automatic range, check the head",
            )
        return power_w

    def safe(self) -> None:
        """Set nothing: a meter harms nobody."""

    def _next_error(self) -> tuple[int, str]:
        """Return the oldest error of the queue, (0, …) if it is empty; reading removes it."""
        found = self.query("SYST:ERR?", r'([+-]?\d{1,4}),"([^"\n]*)"')
        return int(found[1]), found[2]

    def _drain_errors(self) -> None:
        """Empty the error queue, so that the next error belongs to the next command."""
        for _ in range(32):
            if not self._next_error()[0]:
                return
        raise CommandRefused(
            f"{self.name}: the error queue (SYST:ERR?) does not become empty",
            remedy="switch the meter off and on",
        )
