"""Run a procedure for a wizard and fetch what it found; the window waits for nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy import QtCore

from labctl.client import Event, Job, Table
from labctl.core.errors import LabctlError
from labctl.core.items import QueueItem
from labctl.gui.link import Link

POLL_MS = 1000


@dataclass(frozen=True, slots=True)
class Found:
    """Hold what a calibration run found: its result, and the calibrations it proposes."""

    run: str
    numbers: Mapping[str, Any]
    warnings: Sequence[str]
    problem: str
    proposed: Sequence[Mapping[str, Any]]


class Measurement(QtCore.QObject):
    """Measure once, in front of the queue.

    `told` carries what goes on, `done` a `Found`, `failed` why nothing came of it.
    """

    told = QtCore.Signal(str)
    done = QtCore.Signal(object)
    failed = QtCore.Signal(str)

    def __init__(self, link: Link, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._link = link
        self._job: Job | None = None
        self._is_asking = False
        self._poll = QtCore.QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._look)
        link.event.connect(self._hear)

    @property
    def is_running(self) -> bool:
        """Tell whether a measurement is under way."""
        return self._job is not None or self._is_asking

    def start(self, procedure: str, parameters: Mapping[str, Any], label: str) -> None:
        """Measure now; after the run that is on, if there is one."""
        if self.is_running:
            return
        self._is_asking = True
        self.told.emit("asking the service …")
        self._link.ask(
            lambda table: table.run_now(procedure, dict(parameters), label=label),
            self._begin,
            self._fail,
        )

    def stop(self) -> None:
        """Abort it, if it is the run that is on; if it waits, it is removed."""
        if self._job is None:
            return
        item = self._job.id

        def work(table: Table) -> None:
            run = table.status().run
            if run is not None and run.item == item:
                table.abort("a calibration was stopped by hand")
            else:
                table.queue.remove([item])

        self._link.ask(work, lambda _: self._look())

    # ---- inside

    def _begin(self, job: Job) -> None:
        self._is_asking, self._job = False, job
        self.told.emit("waiting for the table …")
        self._poll.start()

    def _hear(self, event: Event) -> None:
        if self._job is None or event.data.get("item") != self._job.id:
            return
        if event.kind == "run" and "ended" in event.data:
            self._look()
        elif event.kind == "step" and event.data.get("text"):
            self.told.emit(str(event.data["text"]))

    def _look(self) -> None:
        job = self._job
        if job is None or self._is_asking:
            return
        self._is_asking = True
        self._link.ask(lambda _: job.item, self._seen, self._lost)

    def _seen(self, item: QueueItem) -> None:
        self._is_asking = False
        if not item.state.is_end:
            run = self._link.status.run if self._link.status else None
            if run is not None and run.item == item.id and run.step:
                self.told.emit(run.step)
            return
        self._end()
        if not item.runs:
            self.failed.emit(f"{item.state}: {item.reason or 'nothing was measured'}")
            return
        self._is_asking = True
        self.told.emit("fetching the result …")
        self._link.ask(lambda table: fetch_found(table, item), self._show, self._fail)

    def _show(self, found: Found) -> None:
        self._is_asking = False
        self.done.emit(found)

    def _lost(self, error: LabctlError) -> None:
        """Go on asking while the connection is away; a removed item is the end."""
        self._is_asking = False
        if self._link.is_connected:
            self._end()
            self.failed.emit(error.message)

    def _fail(self, error: LabctlError) -> None:
        self._is_asking = False
        self._end()
        self.failed.emit(f"{error.message}{f' – {error.remedy}' if error.remedy else ''}")

    def _end(self) -> None:
        self._job = None
        self._poll.stop()


def fetch_found(table: Table, item: QueueItem) -> Found:
    """Return what the last run of an item found; called in a worker thread."""
    run = table.run(item.runs[-1])
    result = run.detail.get("result") or {}
    proposed = [
        one
        for one in table.calibrations()
        if one["source"] == run.name and one["status"] == "found"
    ]
    problem = str(result.get("problem") or "")
    if item.reason and item.state != "finished":
        problem = problem or f"{item.state}: {item.reason}"
    return Found(
        run=run.name,
        numbers=result.get("numbers") or {},
        warnings=[str(one) for one in result.get("warnings") or ()],
        problem=problem,
        proposed=proposed,
    )
