"""Examine an item against its procedure and the limits of the station, before it may run."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from labctl.core.channels import Station
from labctl.core.errors import LabctlError
from labctl.core.items import QueueItem
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.service.queue.content import canonical_json
from labctl.service.queue.spots import Walk, walk


@dataclass(frozen=True, slots=True)
class Examined:
    """Hold what an examination found; an item with `problems` must not run."""

    problems: tuple[str, ...] = ()
    estimate_s: float | None = None
    points: int | None = None


class Examiner(Protocol):
    """Examine an item; without `thorough`, only its parameters and not the whole plan."""

    def __call__(self, item: QueueItem, *, thorough: bool = True) -> Examined:
        """Return what is wrong with an item and how long it takes; touches no hardware."""
        ...


class Table(Protocol):
    """Give procedures and the station; `labctl.service.Session` does."""

    @property
    def station(self) -> Station:
        """Return the station that the plans are walked through with."""
        ...

    def prepare(self, name: str, values: Mapping[str, Any]) -> tuple[Procedure, ParameterModel]:
        """Return a procedure with validated parameters; raises `UsageError`."""
        ...


class DryRuns:
    """Walk through items without touching hardware, equal ones only once.

    An instance is an `Examiner`.
    """

    def __init__(self, table: Table, kept: int = 1000) -> None:
        self._table = table
        self._kept = kept
        self._walks: OrderedDict[str, Walk] = OrderedDict()

    def __call__(self, item: QueueItem, *, thorough: bool = True) -> Examined:
        """Return what is wrong with an item and how long it takes."""
        if item.kind == "pause":
            return Examined(points=0)
        try:
            procedure, parameters = self._table.prepare(item.procedure, item.parameters)
            if not thorough:
                return Examined()
            found = self._walk(item, procedure, parameters)
        except LabctlError as error:
            return Examined((error.message,))
        run = found.run
        # a walk that ended early on dummy answers gives lower bounds, not a prediction
        estimate_s = run.total_s if run.complete else None
        return Examined(tuple(run.violations), estimate_s, run.points if run.complete else None)

    def walk(self, item: QueueItem) -> Walk:
        """Return the walk through an item.

        Raises
        ------
        UsageError
            If the procedure or a parameter is unknown, missing or out of range.
        """
        return self._walk(item, *self._table.prepare(item.procedure, item.parameters))

    def _walk(self, item: QueueItem, procedure: Procedure, parameters: ParameterModel) -> Walk:
        key = canonical_json([item.procedure, item.parameters])
        if key not in self._walks:
            self._walks[key] = walk(procedure, parameters, self._table.station)
            if len(self._walks) > self._kept:
                self._walks.popitem(last=False)
        return self._walks[key]
