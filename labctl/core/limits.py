"""Compare numbers with ranges so that NaN never passes."""

from dataclasses import dataclass

from labctl.core.errors import LimitError


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold a closed range [low, high] in a unit."""

    low: float
    high: float
    unit: str

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"limits must be ordered, got {self.low} to {self.high}")

    def __contains__(self, value: float) -> bool:
        # `low <= NaN` is False: a NaN is outside every range
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()

    def check(self, value: float, name: str) -> None:
        """Raise `LimitError` if a value lies outside, or is no number."""
        if value not in self:
            raise LimitError(
                f"{name}: {value:g} {self.unit} is outside {self}",
                remedy=f"choose a value from {self}, or change the limit in the station file",
            )
