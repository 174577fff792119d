"""Ask, while parameters are typed, what a run would take: time, dose, limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from qtpy import QtCore

from labctl.core.errors import LabctlError, UsageError
from labctl.core.status import StationStatus
from labctl.core.units import format_quantity
from labctl.gui.link import Link
from labctl.gui.plural import counted
from labctl.gui.queue.timeline import Ending, show_duration, show_moment

PAUSE_MS = 350
"""Pause in the typing after which the service is asked."""

AGAIN_MS = 2500
"""Pause before the service is asked again, while it cannot tell."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hold what a walk through a plan found.

    `total_s` and `points` are None if the plan depends on what it measures. `unknown` says why
    there is no estimate, `refusal` what is wrong with the parameters.
    """

    total_s: float | None = None
    points: int | None = None
    dose_j: Mapping[str, float] = field(default_factory=dict)
    violations: tuple[str, ...] = ()
    unknown: str = ""
    refusal: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Estimate":
        """Return the estimate that the service gives."""
        return cls(
            fields.get("total_s"),
            fields.get("points"),
            dict(fields.get("dose_j", {})),
            tuple(map(str, fields.get("violations", ()))),
        )

    def words(self, begin: Ending | None, status: StationStatus | None) -> str:
        """Return duration, end, points and dose on one line; `begin` is when it could start."""
        if self.refusal:
            return ""
        if self.unknown:
            return self.unknown
        parts = [show_duration(self.total_s) or "duration depends on what is measured"]
        if begin is not None and self.total_s is not None:
            end = Ending(begin.utc + timedelta(seconds=self.total_s), begin.is_least)
            now = None if status is None or not status.utc else datetime.fromisoformat(status.utc)
            parts.append(f"ends {show_moment(end, now)}")
        if self.points is not None:
            parts.append(counted(self.points, "point"))
        doses = [f"{name} {format_quantity(dose, 'J', 3)}" for name, dose in self.dose_j.items()]
        if doses:
            parts.append("dose " + ", ".join(doses))
        return " · ".join(parts)


class Estimator(QtCore.QObject):
    """Keep the estimate of what the form asks for; `changed` carries it, None while it is asked.

    Answers to questions that were overtaken are dropped.
    """

    changed = QtCore.Signal(object)

    def __init__(self, link: Link, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._wanted: tuple[str, Mapping[str, Any]] = ("", {})
        self._number = 0
        self.estimate: Estimate | None = None
        self._timer = QtCore.QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self._ask)
        self._again = QtCore.QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._again.timeout.connect(self._ask)

    def ask(self, procedure: str, parameters: Mapping[str, Any]) -> None:
        """Ask for an estimate when the typing pauses."""
        self.forget()
        self._wanted = (procedure, parameters)
        self._timer.start()

    def forget(self) -> None:
        """Drop what is known: the parameters have changed."""
        self._number += 1
        self._timer.stop()
        self._again.stop()
        self._tell(None)

    def _ask(self) -> None:
        number = self._number
        procedure, parameters = self._wanted

        def done(found: Mapping[str, Any]) -> None:
            if number == self._number:
                self._tell(Estimate.of(found))

        def failed(error: LabctlError) -> None:
            if number != self._number:
                return
            busy = isinstance(error, UsageError) and not error.message.startswith(procedure)
            if busy or not isinstance(error, UsageError):
                self._tell(Estimate(unknown=f"No estimate yet: {error.message}"))
                self._again.start()
            else:
                self._tell(Estimate(refusal=error.message))

        self._link.ask(lambda table: table.estimate(procedure, parameters), done, failed)

    def _tell(self, estimate: Estimate | None) -> None:
        self.estimate = estimate
        self.changed.emit(estimate)
