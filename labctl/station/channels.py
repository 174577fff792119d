"""Read single values of the table by name."""

from collections.abc import Callable

from labctl.core.clock import Clock
from labctl.core.errors import LabctlError
from labctl.core.readings import Reading, Scalar


class ReadChannel:
    """Read one value of an instrument; a fault gives an invalid reading with the reason."""

    def __init__(self, name: str, unit: str, clock: Clock, source: Callable[[], Scalar]) -> None:
        self.name = name
        self.unit = unit
        self._clock = clock
        self._source = source

    def read(self) -> Reading:
        """Return the present value."""
        try:
            return Reading.good(self._source(), self.unit, self._clock)
        except LabctlError as error:
            return Reading.invalid(f"{self.name}: {error.message}", self.unit, self._clock)
