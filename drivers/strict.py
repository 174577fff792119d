"""Make PyMeasure's building blocks raise labctl's errors and never return a raw string."""

from collections.abc import Sequence
from typing import Any

from pymeasure.instruments import Channel, validators

from labctl.core.errors import LimitError


class StrictChannel(Channel):  # type: ignore[misc]  # PyMeasure has no py.typed
    """Let the channels of PyMeasure's drivers ask as strictly as their instrument.

    Mix in before PyMeasure's class: `class Input(StrictChannel, LakeShoreTemperatureChannel)`.
    """

    def values(self, command: str, *args: Any, **kwargs: Any) -> list[Any]:
        """Ask through the parent, whose `values` is strict."""
        values: list[Any] = self.parent.values(self.insert_id(command), *args, **kwargs)
        return values

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Ask through the parent."""
        return str(self.parent.ask(self.insert_id(command), query_delay))


def strict_range(value: float, values: Sequence[float]) -> float:
    """Return a number inside [first, last] of `values`, or raise `LimitError`; NaN is outside."""
    try:
        return float(validators.strict_range(value, values))
    except (ValueError, TypeError) as error:
        raise LimitError(
            f"{value!r} is outside {min(values):g} to {max(values):g}",
            remedy="choose a value that the instrument accepts",
        ) from error


def strict_discrete_set(value: Any, values: Any) -> Any:
    """Return a member of `values`, or raise `LimitError`."""
    try:
        return validators.strict_discrete_set(value, values)
    except ValueError as error:
        raise LimitError(
            f"{value!r} is none of {', '.join(map(str, values))}",
            remedy="choose a value that the instrument accepts",
        ) from error
