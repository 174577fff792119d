"""Relate the angle of the attenuator to the power at the sample.

A half-wave plate turned by Δ in front of a polariser transmits cos²(2Δ) (Malus' law with the
plate doubling the angle), plus the leakage of the polariser.
"""

import math
from dataclasses import dataclass

from labctl.core.calibration import Calibration
from labctl.core.errors import ConfigError

_KEYS = (
    "wavelength_nm",
    "transmission",
    "extinction",
    "offset_deg",
    "sample_per_meter",
    "sigma_relative",
)


@dataclass(frozen=True, slots=True)
class PowerCalibration:
    """Hold what a power meter at the sample has shown for one beam.

    Attributes
    ----------
    transmission
        Power at the sample per watt of laser at the brightest angle.
    extinction
        Darkest over brightest.
    offset_deg
        A brightest angle; the branch in use leads from here down to 45° further.
    sample_per_meter
        Power at the sample over power on the pick-off meter.
    sigma_relative
        Relative standard deviation of the power at the sample.
    """

    identity: str
    wavelength_nm: float
    transmission: float
    extinction: float
    offset_deg: float
    sample_per_meter: float
    sigma_relative: float

    @classmethod
    def from_calibration(cls, calibration: Calibration) -> "PowerCalibration":
        """Return the typed form; raises `ConfigError` if a value is missing or impossible."""
        numbers: dict[str, float] = {}
        for key in _KEYS:
            value = calibration.values.get(key)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise _refusal(calibration, f"{key} must be a number, got {value!r}")
            numbers[key] = float(value)
        positive = ("wavelength_nm", "transmission", "sample_per_meter")
        for key in positive:
            if not (math.isfinite(numbers[key]) and numbers[key] > 0):
                raise _refusal(calibration, f"{key} must be positive, got {numbers[key]}")
        if not 0 <= numbers["extinction"] < 1 or not 0 <= numbers["sigma_relative"] < 1:
            raise _refusal(calibration, "extinction and sigma_relative must be in [0, 1)")
        if not math.isfinite(numbers["offset_deg"]):
            raise _refusal(calibration, "offset_deg must be finite")
        return cls(identity=calibration.identity, **numbers)

    def power_w(self, laser_w: float, angle_deg: float) -> float:
        """Return the power at the sample in W for a laser power in W and an angle in degrees."""
        turned_rad = math.radians(2 * (angle_deg - self.offset_deg))
        malus = self.extinction + (1 - self.extinction) * math.cos(turned_rad) ** 2
        return laser_w * self.transmission * malus

    def range_w(self, laser_w: float) -> tuple[float, float]:
        """Return the lowest and the highest power at the sample in W."""
        highest_w = laser_w * self.transmission
        return highest_w * self.extinction, highest_w

    def angle_deg(self, laser_w: float, power_w: float) -> float:
        """Return the angle in degrees (0 to 360) that gives a power in W.

        A power beyond the range gives the end of the range.
        """
        lowest_w, highest_w = self.range_w(laser_w)
        part = (power_w - lowest_w) / (highest_w - lowest_w)
        turned_deg = math.degrees(math.acos(math.sqrt(min(max(part, 0.0), 1.0)))) / 2
        return (self.offset_deg + turned_deg) % 360.0

    @property
    def darkest_deg(self) -> float:
        """Return the angle in degrees at which least light passes."""
        return (self.offset_deg + 45.0) % 360.0


def _refusal(calibration: Calibration, what: str) -> ConfigError:
    return ConfigError(
        f"power calibration {calibration.kind} ({calibration.identity}): {what}",
        remedy="calibrate the power of this beam with a meter at the sample",
    )
