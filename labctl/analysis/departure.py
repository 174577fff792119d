"""Measure how far a condition is from ambient, in standard deviations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration, check_fit_for
from labctl.core.results import Condition

AMBIENT_TOLERANCE_K = 2.0


def is_near_ambient(condition: Condition, ambient_k: float) -> bool:
    """Tell whether the cryostat was at ambient, or not controlled."""
    cryostat_k = ambient_k if condition.cryostat_k is None else condition.cryostat_k
    return abs(cryostat_k - ambient_k) <= AMBIENT_TOLERANCE_K


@dataclass(frozen=True, slots=True)
class Departure:
    """Hold how far ln(AS/S) is from its value at ambient.

    `single_sigma` is of counting, `common_sigma` of the calibration, shared by all conditions.
    """

    point: RatioPoint
    excess: float
    single_sigma: float
    common_sigma: float

    @property
    def significance(self) -> float:
        """Return (T − ambient)/σ, taken in ln(AS/S), where the error is Gaussian."""
        return self.excess / float(np.hypot(self.single_sigma, self.common_sigma))


def departures_from_ambient(
    points: Sequence[RatioPoint], calibration: RatioCalibration, ambient_k: float
) -> list[Departure]:
    """Return the departures of the conditions near ambient that have a temperature."""
    expected = calibration.ln_ratio_at(ambient_k)
    found = []
    for point in points:
        check_fit_for(point, calibration)
        if point.reason or not is_near_ambient(point.condition, ambient_k):
            continue
        sigma = point.sigma_expecting(point.ln_ratio)
        found.append(Departure(point, point.ln_ratio - expected, sigma, calibration.ln_c_sigma))
    return found


def claim_threshold(conditions: int) -> float:
    """Return the σ needed so that the chance of a false claim stays that of 3σ in one look."""
    from scipy.stats import norm

    return float(norm.isf(norm.sf(3.0) / max(conditions, 1)))


def combined_significance(departures: Sequence[Departure]) -> float:
    """Return the mean departure over its error; the calibration's error does not average out."""
    weight = np.array([departure.single_sigma**-2 for departure in departures])
    mean = float(np.average([d.excess for d in departures], weights=weight))
    common = departures[0].common_sigma
    return mean / float(np.sqrt(1 / weight.sum() + common**2))
