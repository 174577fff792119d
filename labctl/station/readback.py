"""Measure the power of a beam in two independent ways, and say how far they are believed."""

import math
from dataclasses import dataclass

from labctl.core.clock import Clock
from labctl.core.errors import InstrumentError
from labctl.core.readings import Reading
from labctl.core.roles import Attenuator, Laser, PowerMeter
from labctl.core.units import format_quantity
from labctl.station.power import PowerCalibration
from labctl.station.sections import BeamSection

_SAMPLES = 4
_CONTRADICTION = 0.5
"""Meter and laser that differ by more than this part make the reading invalid."""
_METER_NM = 0.5
_FAR_OFF = 10
"""So many tolerances from the asked power make a reading uncertain. A smaller error, which a
rotator cannot avoid near its dark end, is in the measured value."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold both read-backs of the power at the sample in W; `meter_w` is None without a meter."""

    meter_w: float | None
    laser_w: float

    @property
    def power_w(self) -> float:
        """Return the better one: the pick-off meter's if there is a meter."""
        return self.laser_w if self.meter_w is None else self.meter_w


class PowerReadback:
    """Read the pick-off meter, and the laser's own meter through the power calibration."""

    def __init__(
        self,
        name: str,
        section: BeamSection,
        *,
        laser: Laser,
        attenuator: Attenuator,
        meter: PowerMeter | None,
        clock: Clock,
    ) -> None:
        self.name = name
        self._section = section
        self._laser = laser
        self._attenuator = attenuator
        self._meter = meter
        self._clock = clock

    def measure(self, calibration: PowerCalibration) -> Measured:
        """Return what would reach the sample; raises `InstrumentError` for what is no number."""
        angle_deg = self._attenuator.angle_deg
        laser_w = calibration.power_w(self._laser.power_w, angle_deg)
        self._finite(laser_w, "the laser")
        if self._meter is None:
            return Measured(None, laser_w)
        if not abs(self._meter.wavelength_nm - self._section.wavelength_nm) <= _METER_NM:
            self._meter.wavelength_nm = self._section.wavelength_nm
        mean_w = sum(self._meter.power_w for _ in range(_SAMPLES)) / _SAMPLES
        self._finite(mean_w, "the pick-off meter")
        return Measured(mean_w * calibration.sample_per_meter, laser_w)

    def judge(
        self, measured: Measured, calibration: PowerCalibration, asked_w: float | None = None
    ) -> Reading:
        """Return the measured power with the quality that both read-backs deserve."""
        reading = Reading.good(measured.power_w, "W", self._clock)
        reasons = []
        far_off = _FAR_OFF * self._section.tolerance
        if asked_w is not None and abs(measured.power_w / asked_w - 1) > far_off:
            reasons.append(
                f"asked {format_quantity(asked_w, 'W')}, "
                f"got {format_quantity(measured.power_w, 'W')} after correction"
            )
        if measured.meter_w is None:
            reasons.append("no pick-off meter: computed from the laser's own reading")
            return reading.doubted("; ".join(reasons))
        part = _difference(measured.meter_w, measured.laser_w, self._leakage_w(calibration))
        words = (
            f"the meter shows {format_quantity(measured.meter_w, 'W')} at the sample, "
            f"laser and calibration give {format_quantity(measured.laser_w, 'W')}"
        )
        if part > self._section.agreement:
            reasons.append(words)
        if part > max(_CONTRADICTION, self._section.agreement):
            return Reading.invalid("; ".join(reasons), "W", self._clock)
        return reading.doubted("; ".join(reasons)) if reasons else reading

    def _leakage_w(self, calibration: PowerCalibration) -> float:
        return calibration.range_w(self._section.laser_power_w)[0]

    def _finite(self, power_w: float, source: str) -> None:
        if not math.isfinite(power_w):
            raise InstrumentError(
                f"{self.name}: {source} gives {power_w} W", remedy="check the power meter"
            )


def _difference(meter_w: float, laser_w: float, leakage_w: float) -> float:
    """Return the relative difference; the leakage is only known to a factor, and is forgiven."""
    excess_w = max(abs(meter_w - laser_w) - leakage_w, 0.0)
    return excess_w / max(meter_w, laser_w, 1e-15)
