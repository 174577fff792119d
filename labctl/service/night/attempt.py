"""Carry out one attempt at a queue item: gate, run or resume, and what its end means."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from labctl.core.errors import (
    AnalysisError,
    ConfigError,
    LabctlError,
    LimitError,
    ReplayError,
    RunAborted,
    StorageError,
    UsageError,
)
from labctl.core.items import ItemState, QueueItem
from labctl.core.journal import RunState
from labctl.engine import Control, Event, Observer, Outcome, RunStarted, StateChanged
from labctl.service.evaluation import analyse, export_run
from labctl.service.finished import FinishedRun
from labctl.service.night.doing import TEMPERATURE
from labctl.service.night.ledger import spot_name
from labctl.service.night.meter import DoseMeter
from labctl.service.night.references import reference_entries
from labctl.service.night.restoration import OutOfPatience, Restoration, Tell
from labctl.service.night.settings import NightSettings
from labctl.service.night.suspension import Suspension
from labctl.service.queue.examination import DryRuns
from labctl.service.queue.queue import Queue
from labctl.service.results import save_result
from labctl.service.session import Session
from labctl.store.reader import RunReader

_HOPELESS = (
    UsageError, LimitError, ConfigError, ReplayError, AnalysisError, OutOfPatience,
)  # fmt: skip
"""Errors that the same run would meet again."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Say how an attempt at an item ended.

    `points` are safe on disk. `hopeless`: another attempt would end in the same way. `unsafe`:
    the safe state was not confirmed.
    """

    state: ItemState
    run: str = ""
    reason: str = ""
    points: int = 0
    hopeless: bool = False
    unsafe: bool = False
    details: dict[str, Any] = field(default_factory=dict)


class Attempt:
    """Make attempts at queue items on one table."""

    def __init__(
        self,
        session: Session,
        queue: Queue,
        settings: NightSettings,
        tell: Tell,
        restoration: Restoration,
        suspension: Suspension,
        meter: DoseMeter,
        observer: Observer | None,
        control: Control,
    ) -> None:
        self._session = session
        self._queue = queue
        self._settings = settings
        self._tell = tell
        self._restoration = restoration
        self._suspension = suspension
        self._meter = meter
        self._observer = observer
        self._control = control
        self._dry_runs = DryRuns(session)
        self._item = ""
        self._run = ""

    def examine(self, item: QueueItem) -> str:
        """Warn of limits that an item would exceed; returns why it must not run, or nothing."""
        try:
            walk = self._dry_runs.walk(item)
        except LabctlError as error:
            return error.message
        planned = {self._spot(name): beams for name, beams in walk.dose_j.items()}
        warnings = self._meter.ledger.warnings(planned)
        for warning in warnings:
            self._tell("dose warning", warning)
        return "; ".join(warnings) if self._settings.ledger.enforce else ""

    def once(self, item: QueueItem, run: str) -> Ended:
        """Run an item, or go on with `run`; whatever happens, it is said how it ended."""
        self._item, self._run = item.id, run
        try:
            folder = self._resumable(run)
            self._wait_for_table(item)
            if folder is not None and self._is_finished(folder):
                return self._complete(folder)
            if folder is None and not self._sets_temperature(item):
                self._restoration.bring_to_rest()
            self._bridge(folder)
            with self._suspension.attending():
                if folder is None:
                    finished = self._session.run(
                        item.procedure, item.parameters, label=item.label,
                        observer=self._observe, control=self._control,
                    )  # fmt: skip
                else:
                    finished = self._session.resume(
                        folder, observer=self._observe, control=self._control
                    )
        except RunAborted as error:
            return Ended(ItemState.ABORTED, self._run, error.message, self._points())
        except LabctlError as error:
            return self._failed(error, self._points())
        finally:
            self._guarded(self._meter.flush)
        return self._judge(finished)

    # ---- Before ------------------------------------------------------------------------------

    def _wait_for_table(self, item: QueueItem) -> None:
        """Wait until the conditions of the table hold; others may be begun only then."""
        why = self._restoration.violation(safe=True)
        if not why:
            return
        clock = self._session.station.clock
        begin_s = clock.monotonic_s()
        self._tell("suspended", f"before the start: {why}", run=self._run)
        self._queue.change_state(item.id, ItemState.PAUSED)
        self._restoration.await_hold(self._restoration.deadline_s())
        self._queue.change_state(item.id, ItemState.RUNNING)
        gap_s = clock.monotonic_s() - begin_s
        self._tell("resumed", f"after {gap_s:.0f} s", run=self._run, gap_s=gap_s)

    def _sets_temperature(self, item: QueueItem) -> bool:
        moves = self._dry_runs.walk(item).run.moves
        return any(move.channel == TEMPERATURE for move in moves)

    def _bridge(self, folder: Path | None) -> None:
        """Compare the reference of a run before it goes on, if the gap was long."""
        if folder is None:
            return
        with RunReader(folder) as reader:
            stamps = [change.utc for change in reader.states if change.state != "interrupted"]
            stamps += [reader.point(len(reader) - 1).utc.isoformat()] if len(reader) else []
        last = max(map(datetime.fromisoformat, stamps), default=None)
        if last is None:
            return
        gap_s = (self._session.station.clock.utc() - last).total_seconds()
        if gap_s >= self._settings.sentinel_after_s:
            self._suspension.prepare_resume(folder, gap_s, "the run was cut short")

    def _resumable(self, run: str) -> Path | None:
        """Return the folder of a run that can go on; None if a new one has to be started."""
        if not run:
            return None
        folder = self._session.runs.find(run)
        try:
            with RunReader(folder) as reader:
                return folder if reader.starts else None
        except StorageError as error:
            self._tell("waited", f"{run} never began, a new run is started: {error.message}")
            return None

    def _is_finished(self, folder: Path) -> bool:
        with RunReader(folder) as reader:
            return reader.state is RunState.FINISHED

    # ---- Meanwhile ---------------------------------------------------------------------------

    def _observe(self, event: Event) -> None:
        self._suspension.observe(event)
        if isinstance(event, RunStarted):
            self._run = event.run
            self._guarded(lambda: self._queue.attach_run(self._item, event.run))
            self._tell(
                "started", f"from point {event.first_point}", run=event.run,
                attempt=event.attempt, total=event.total,
            )  # fmt: skip
        elif isinstance(event, StateChanged) and event.state in _ITEM_STATES:
            state = _ITEM_STATES[event.state]
            self._guarded(lambda: self._queue.change_state(self._item, state))
        self._guarded(lambda: self._meter.observe(event))
        if self._observer is not None:
            self._observer(event)

    def _guarded(self, action: Callable[[], object]) -> None:
        """Do what must not take a run down; the database is asked again at the next event."""
        with contextlib.suppress(StorageError, UsageError):
            action()

    # ---- Afterwards --------------------------------------------------------------------------

    def _judge(self, finished: FinishedRun) -> Ended:
        outcome, run = finished.outcome, finished.folder.name
        for warning in outcome.warnings:
            self._tell("waited", f"while ending: {warning}", run=run)
        if finished.export_problem:
            self._tell("export failed", finished.export_problem, run=run)
        self._guarded(lambda: self._enter_references(finished.folder))
        if outcome.state is RunState.FINISHED and not outcome.unconfirmed:
            reason = finished.analysis_problem.partition("\n")[0]
            return Ended(ItemState.FINISHED, run, reason, outcome.points)
        asked = self._control.aborting or self._control.stopping
        if asked and outcome.state in (RunState.STOPPED, RunState.ABORTED):
            words = outcome.reason or self._control.reason
            return Ended(ItemState.ABORTED, run, words, outcome.points, unsafe=_unsafe(outcome))
        if outcome.error is None:
            return Ended(ItemState.FAILED, run, outcome.reason, outcome.points, unsafe=True)
        return self._failed(outcome.error, outcome.points, outcome)

    def _enter_references(self, folder: Path) -> None:
        stage = self._session.station.file.stage
        self._meter.ledger.add(reference_entries(folder, stage.positions if stage else {}))

    def _failed(self, error: LabctlError, points: int, outcome: Outcome | None = None) -> Ended:
        return Ended(
            ItemState.FAILED,
            self._run,
            (error.message if outcome is None else outcome.reason).partition("\n")[0],
            points,
            hopeless=isinstance(error, _HOPELESS),
            unsafe=outcome is not None and _unsafe(outcome),
            details={
                "error": type(error).__name__,
                "remedy": error.remedy,
                "points": points,
                "monotonic_s": self._session.station.clock.monotonic_s(),
                "unconfirmed": [] if outcome is None else list(outcome.unconfirmed),
            },
        )

    def _complete(self, folder: Path) -> Ended:
        """Analyse and export a run that had finished when its process was cut off."""
        with RunReader(folder) as reader:
            procedure, _ = self._session.prepare(reader.procedure, reader.parameters)
            result, problem = analyse(procedure, reader, self._session.calibrations)
            points = len(reader)
            export_run(reader, folder / f"{reader.run}.nxs")
        save_result(folder, result, problem)
        return Ended(ItemState.FINISHED, folder.name, problem, points)

    def _points(self) -> int:
        if not self._run:
            return 0
        with contextlib.suppress(LabctlError), RunReader(self._session.runs.find(self._run)) as run:
            return len(run)
        return 0

    def _spot(self, name: str) -> str:
        stage = self._session.station.file.stage
        place = stage.positions.get(name) if stage is not None else None
        if stage is None or place is None or not {"x_um", "y_um"} <= set(place):
            return name
        return spot_name(place["x_um"], place["y_um"], stage.positions)


_ITEM_STATES: Mapping[RunState, Literal[ItemState.RUNNING, ItemState.PAUSED]] = {
    RunState.PAUSED: ItemState.PAUSED,
    RunState.RUNNING: ItemState.RUNNING,
}


def _unsafe(outcome: Outcome) -> bool:
    return bool(outcome.unconfirmed)
