"""Hold what a whole queue would do, for people and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from labctl.core.items import ItemId
from labctl.service.queue.spots import Dose


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """Hold what one item would do.

    Times are None for an item that would not start; `skipped` says why. `end_interval_utc` is
    the 90 % interval. `dose_j` is the energy in J by spot and beam. `problems` will keep it from
    starting, `remarks` will not.
    """

    id: ItemId
    summary: str
    kind: str
    start_utc: datetime | None = None
    end_utc: datetime | None = None
    end_interval_utc: tuple[datetime, datetime] | None = None
    duration_s: float = 0.0
    points: int = 0
    dose_j: Dose | None = None
    disk_bytes: int = 0
    skipped: str = ""
    problems: Sequence[str] = ()
    remarks: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NightPlan:
    """Hold what a whole queue would do.

    `end_interval_utc` is the 90 % interval of the end. Behind a pause, times count as if the
    operator went on at once. `problems` keep items from starting, or the disk from sufficing.
    """

    items: Sequence[PlannedItem]
    start_utc: datetime
    end_utc: datetime
    end_interval_utc: tuple[datetime, datetime]
    points: int
    dose_j: Dose
    disk_bytes: int
    free_bytes: int | None
    problems: Sequence[str]
    remarks: Sequence[str]

    @property
    def total_s(self) -> float:
        """Return the time from now to the expected end, in s."""
        return (self.end_utc - self.start_utc).total_seconds()

    @property
    def interval_s(self) -> tuple[float, float]:
        """Return the 90 % interval of `total_s`."""
        low, high = ((end - self.start_utc).total_seconds() for end in self.end_interval_utc)
        return low, high

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain JSON; times in UTC."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain | {"total_s": self.total_s, "interval_s": list(self.interval_s)}


def add_dose(total: dict[str, dict[str, float]], more: Dose) -> None:
    """Add energies by spot and beam."""
    for spot, beams in more.items():
        of_spot = total.setdefault(spot, {})
        for beam, energy_j in beams.items():
            of_spot[beam] = of_spot.get(beam, 0.0) + energy_j


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
