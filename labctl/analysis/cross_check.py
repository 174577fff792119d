"""Compare what line position and PL say with the anti-Stokes/Stokes temperature.

Only changes with power are compared: the zero of position and PL differs from region to region.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.departure import Departure, is_near_ambient
from labctl.analysis.pl import BandGap
from labctl.analysis.thermometry import RatioCalibration
from labctl.analysis.trend import PowerScale, Trend
from labctl.core.results import PeakPosition

DISAGREEMENT_SIGMA = 3.0
PL_MODEL_RELATIVE = 0.2
PL_MODEL_EV = 1e-3
"""How well PL is known as a thermometer: filling, screening and strain move it too (assumed)."""


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """Compare the change with power that another thermometer shows with that of AS/S."""

    name: str
    ratio: Trend
    other: Trend

    @property
    def disagreement(self) -> float:
        """Return the difference over its error; negative: AS/S goes colder."""
        difference = self.ratio.change - self.other.change
        return difference / float(np.hypot(self.ratio.sigma, self.other.sigma))

    @property
    def text(self) -> str:
        """Say it in words."""
        return (
            f"from the lowest to the highest power AS/S changes by {self.ratio.change:+.1f} ± "
            f"{self.ratio.sigma:.1f} K, {self.name} by {self.other.change:+.1f} ± "
            f"{self.other.sigma:.1f} K ({abs(self.disagreement):.1f} σ apart)"
        )

    def contradicts(self, statement: str) -> bool:
        """Tell whether the difference undermines a claim."""
        if statement == "below ambient":
            return self.disagreement < -DISAGREEMENT_SIGMA
        return statement == "above ambient" and abs(self.disagreement) > DISAGREEMENT_SIGMA + 1


def cross_checks(
    departures: Sequence[Departure],
    calibration: RatioCalibration,
    peaks: Sequence[PeakPosition],
    gap: BandGap,
    ambient_k: float,
) -> list[CrossCheck]:
    """Return one check for each other thermometer that was read at several powers."""
    conditions = [departure.point.condition for departure in departures]
    scale = PowerScale.of(conditions)
    if scale is None:
        return []
    ratio = _ratio_trend(scale, departures, calibration)
    shift = _shift_trend(scale, departures, calibration)
    near = [peak for peak in peaks if is_near_ambient(peak.condition, ambient_k)]
    pl = _pl_trend(scale, near, gap, ambient_k, ratio)
    others = {"the line's position": shift, "PL": pl}
    return [
        CrossCheck(name, ratio, other)
        for name, other in others.items()
        if ratio is not None and other is not None
    ]


def _ratio_trend(
    scale: PowerScale, departures: Sequence[Departure], calibration: RatioCalibration
) -> Trend | None:
    usable = [
        (departure, temperature_k)
        for departure in departures
        if (temperature_k := calibration.temperature_at(departure.point.ln_ratio)) is not None
    ]
    return scale.trend(
        [departure.point.condition for departure, _ in usable],
        [temperature_k for _, temperature_k in usable],
        # equal slope for all: a weight that depends on T would favour the cold ones
        [calibration.slope_k(298.0) * departure.single_sigma for departure, _ in usable],
    )


def _shift_trend(
    scale: PowerScale, departures: Sequence[Departure], calibration: RatioCalibration
) -> Trend | None:
    slope, sigma = calibration.shift_slope_cm1_per_k, calibration.shift_slope_sigma_cm1_per_k
    if not abs(slope) > 3 * sigma:
        return None
    points = [departure.point for departure in departures]
    trend = scale.trend(
        [point.condition for point in points],
        [point.shift_cm1 for point in points],
        [point.shift_sigma_cm1 for point in points],
    )
    return trend.scaled(1 / slope, sigma / abs(slope)) if trend else None


def _pl_trend(
    scale: PowerScale,
    peaks: Sequence[PeakPosition],
    gap: BandGap,
    ambient_k: float,
    ratio: Trend | None,
) -> Trend | None:
    trend = scale.trend(
        [peak.condition for peak in peaks],
        [peak.position_ev for peak in peaks],
        [peak.sigma_ev for peak in peaks],
    )
    if trend is None or ratio is None:
        return None
    slope = gap.slope_ev_per_k(ambient_k)
    in_kelvin = trend.scaled(1 / slope)
    size_k = max(abs(in_kelvin.change), abs(ratio.change))
    model_k = float(np.hypot(PL_MODEL_RELATIVE * size_k, PL_MODEL_EV / slope))
    return Trend(in_kelvin.change, float(np.hypot(in_kelvin.sigma, model_k)))
