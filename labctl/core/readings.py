"""Say what was measured, in which unit, when, and how far it can be trusted."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from labctl.core.clock import Clock

Scalar = float | int | str | bool


class Quality(StrEnum):
    """Say how far a value can be trusted."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold one value with its unit, its times and its quality.

    `value` is None exactly when `quality` is invalid; `reason` says why a reading is not good.
    `utc` and `monotonic_s` are the moment at which the value was known.
    """

    value: Scalar | None
    unit: str
    utc: datetime
    monotonic_s: float
    quality: Quality = Quality.GOOD
    reason: str = ""

    def __post_init__(self) -> None:
        value, quality = self.value, self.quality
        if (value is None) != (quality is Quality.INVALID):
            raise ValueError("a reading has no value if, and only if, it is invalid")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no reading: mark it invalid and say why")
        if quality is not Quality.GOOD and not self.reason:
            raise ValueError(f"a reading that is {quality} needs a reason")

    @classmethod
    def good(cls, value: Scalar, unit: str, clock: Clock) -> "Reading":
        """Stamp a trusted value; a number that is not finite becomes an invalid reading."""
        if isinstance(value, float) and not math.isfinite(value):
            return cls.invalid(f"not a finite number: {value}", unit, clock)
        return cls(value, unit, clock.utc(), clock.monotonic_s())

    @classmethod
    def invalid(cls, reason: str, unit: str, clock: Clock) -> "Reading":
        """Stamp the fact that there is no value, and why."""
        return cls(None, unit, clock.utc(), clock.monotonic_s(), Quality.INVALID, reason)

    def doubted(self, reason: str) -> "Reading":
        """Return this reading marked uncertain; an invalid one stays invalid."""
        if self.quality is Quality.INVALID:
            return self
        return replace(self, quality=Quality.UNCERTAIN, reason=reason)

    @property
    def number(self) -> float:
        """Return the value as a float.

        Raises
        ------
        ValueError
            If the reading is invalid or holds text.
        """
        if self.value is None or isinstance(self.value, str):
            raise ValueError(f"no number in this reading: {self.reason or self.value!r}")
        return float(self.value)
