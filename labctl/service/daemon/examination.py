"""Examine items before they are added: names and ranges always, limits if the table is open."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labctl.core.errors import LabctlError
from labctl.core.items import QueueItem
from labctl.core.parameters import parse_parameters
from labctl.core.procedure import get_procedure
from labctl.service.queue.examination import Examined

Estimate = Callable[[QueueItem], Mapping[str, Any] | None]
"""Walk through an item at the open table; None if the table is not open for that."""


class ParameterCheck:
    """Be an `Examiner` that needs no table; the run itself is walked through when it starts."""

    def __init__(self, packages: Sequence[str], estimate: Estimate) -> None:
        self._packages = packages
        self._estimate = estimate

    def __call__(self, item: QueueItem, *, thorough: bool = True) -> Examined:
        """Return what is wrong with an item and, if the table is open, how long it takes."""
        if item.kind == "pause":
            return Examined(points=0)
        try:
            procedure = get_procedure(item.procedure, self._packages)
            parse_parameters(procedure.Parameters, item.parameters, item.procedure)
        except LabctlError as error:
            return Examined((error.message,))
        found = self._estimate(item) if thorough else None
        if found is None:
            return Examined(estimate_s=item.estimate_s, points=item.points)
        return Examined(tuple(found["violations"]), found["total_s"], found["points"])
