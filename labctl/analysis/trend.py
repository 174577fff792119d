"""Say how a quantity changes from the lowest to the highest power."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.core.results import Condition


@dataclass(frozen=True, slots=True)
class Trend:
    """Hold the change from the lowest to the highest power, ± one standard deviation."""

    change: float
    sigma: float

    @property
    def significance(self) -> float:
        """Return the change over its error."""
        return self.change / self.sigma

    def scaled(self, factor: float, relative_sigma: float = 0.0) -> "Trend":
        """Return the change in another unit; the factor has a relative error."""
        change = self.change * factor
        return Trend(change, float(np.hypot(self.sigma * factor, change * relative_sigma)))


@dataclass(frozen=True, slots=True)
class PowerScale:
    """Map total power to 0 (lowest) … 1 (highest), saturating at the middle of the range.

    g = P/(P+P½) with P½ the geometric mean of the range: close to a line for weak and to a
    plateau for strong light, so that one number compares all thermometers.
    """

    low_w: float
    high_w: float

    @classmethod
    def of(cls, conditions: Sequence[Condition]) -> "PowerScale | None":
        """Return the scale of some conditions; None if the power hardly varies."""
        powers_w = [total_power_w(condition) for condition in conditions]
        if not powers_w or min(powers_w) <= 0 or max(powers_w) < 1.5 * min(powers_w):
            return None
        return cls(min(powers_w), max(powers_w))

    def position(self, condition: Condition) -> float:
        """Return the place of a condition on the scale."""
        half_w = float(np.sqrt(self.low_w * self.high_w))
        low, high = self.low_w / (self.low_w + half_w), self.high_w / (self.high_w + half_w)
        power_w = total_power_w(condition)
        return (power_w / (power_w + half_w) - low) / (high - low)

    def trend(
        self, conditions: Sequence[Condition], values: Sequence[float], sigmas: Sequence[float]
    ) -> Trend | None:
        """Fit offset and change, weighted by `sigmas`; None if the power hardly varies."""
        place = np.array([self.position(condition) for condition in conditions])
        if place.size < 2 or np.ptp(place) < 0.2:
            return None
        weight = np.array(sigmas, float) ** -2
        middle = np.average(place, weights=weight)
        information = float(np.sum(weight * (place - middle) ** 2))
        change = float(np.sum(weight * (place - middle) * np.array(values))) / information
        return Trend(change, information**-0.5)


def total_power_w(condition: Condition) -> float:
    """Return probe and pump power together."""
    return condition.power_w + condition.pump_power_w
