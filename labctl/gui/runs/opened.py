"""Hold a run that is open in the window: arrays in bounded memory, growing while it is read."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from qtpy import QtCore

from labctl.client import Event, Run, Table
from labctl.core.errors import LabctlError
from labctl.core.results import Temperature
from labctl.gui.link import Link
from labctl.gui.runs.reading import (
    MOST_ROWS,
    Column,
    Rows,
    Series,
    read_points,
    spread,
    temperatures_of,
)

if TYPE_CHECKING:
    from labctl.store.reader import RunReader

T = TypeVar("T")
_Arrays = tuple[list[Series], dict[str, Column], int]
"""Series, columns, and the number of the last point that was read."""
FOLLOW_MS = 500


class OpenedRun(QtCore.QObject):
    """Read a run in worker threads, coarsely first; a run that is on is followed.

    Signals: `changed` (more was read; use the attributes), `complete` (all that will be kept
    was read), `failed` (why it cannot be read).

    Attributes
    ----------
    name
        Name of the run.
    detail
        What the service says of it: procedure, parameters, state, result; empty at first.
    total
        Points of the run, of which at most `most_rows` are kept, evenly spread.
    series
        Spectra by name and axis, the longest first.
    """

    changed = QtCore.Signal()
    complete = QtCore.Signal()
    failed = QtCore.Signal(str)

    def __init__(
        self,
        link: Link,
        name: str,
        parent: QtCore.QObject | None = None,
        *,
        most_rows: int = MOST_ROWS,
    ) -> None:
        super().__init__(parent)
        self._link = link
        self._most = most_rows
        self._rows = Rows()
        self._columns: Mapping[str, Column] = {}
        self._last = -1
        self._run: Run | None = None
        self._is_closed = False
        self._is_reading = False
        self.name = name
        self.detail: Mapping[str, Any] = {}
        self.total = 0
        self.series: Sequence[Series] = ()
        self.is_complete = False
        self._timer = QtCore.QTimer(self, singleShot=True, interval=FOLLOW_MS)
        self._timer.timeout.connect(self._look_again)
        link.event.connect(self._hear)
        self._open()

    # ---- what was read

    @property
    def procedure(self) -> str:
        """Return the name of the procedure; empty at first."""
        return str(self.detail.get("procedure", ""))

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Return the parameters as plain JSON."""
        found: Mapping[str, Any] = self.detail.get("parameters", {})
        return found

    @property
    def state(self) -> str:
        """Return the state of the run in one word."""
        return str(self.detail.get("state", ""))

    @property
    def main(self) -> Series | None:
        """Return the longest series, or None if there is none."""
        return self.series[0] if self.series else None

    @property
    def spectra(self) -> np.ndarray:
        """Return the spectra of the main series, shape (n, pixels), mean counts per exposure."""
        return np.zeros((0, 0), np.float32) if self.main is None else self.main.spectra

    @property
    def axis_nm(self) -> np.ndarray:
        """Return the axis of the main series in nm, shape (pixels,)."""
        return np.zeros(0) if self.main is None else self.main.axis_nm

    @property
    def columns(self) -> Mapping[str, Column]:
        """Return what was recorded beside the spectra, a value for each row, with units."""
        return self._columns if self.main is None else self.main.columns

    @property
    def temperatures(self) -> list[Temperature]:
        """Return what the analysis of the run found; empty while it is on."""
        return temperatures_of(self.detail.get("result", {}))

    def read(
        self,
        work: "Callable[[RunReader], T]",
        done: Callable[[T], None],
        failed: Callable[[LabctlError], None] | None = None,
    ) -> None:
        """Read something else of the run, such as whole points, in a worker thread."""
        run = self._run
        if run is None:
            return

        def with_reader(_: Table) -> T:
            with run.open() as reader:
                return work(reader)

        self._link.ask(with_reader, self._unless_closed(done), failed)

    def close(self) -> None:
        """Let go of everything; allowed repeatedly."""
        if not self._is_closed:
            self._is_closed = True
            self._timer.stop()
            self._link.event.disconnect(self._hear)
            self._rows, self.series, self._columns = Rows(), (), {}

    # ---- reading

    def _open(self) -> None:
        def work(table: Table) -> Run:
            return table.run(self.name)

        self._link.ask(work, self._unless_closed(self._opened), self._fail)

    def _opened(self, run: Run) -> None:
        self._run, self.detail = run, run.detail
        self.total = int(run.detail.get("points", 0))
        steps = spread(self.total, self._most) if self.total else iter(())
        self._step(steps)

    def _step(self, steps: Any) -> None:
        numbers = next(steps, None)
        if numbers is None:
            self._finish()
            return
        self._is_reading = True

        rows, most = self._rows, self._most

        def work(reader: "RunReader") -> _Arrays:
            # one step at a time: nobody else uses the rows meanwhile
            rows.merge(read_points(reader, numbers))
            rows.thin(most)
            return rows.series(), rows.columns(), max(rows.found, default=-1)

        def done(found: _Arrays) -> None:
            self.series, self._columns, self._last = found
            self.changed.emit()
            self._step(steps)

        self.read(work, done, self._fail)

    def _finish(self) -> None:
        self._is_reading = False
        self.is_complete = True
        self.changed.emit()
        self.complete.emit()

    def _fail(self, error: LabctlError) -> None:
        self._is_reading = False
        if not self._is_closed:
            self.failed.emit(error.message)

    # ---- following a run that is on

    def _hear(self, event: Event) -> None:
        same = event.data.get("run") == self.name
        if (same and event.kind in ("point", "run")) or event.kind == "resync":
            if event.kind == "point":
                self.total = max(self.total, int(event.data.get("number", -1)) + 1)
            if not self._timer.isActive():
                self._timer.start()

    def _look_again(self) -> None:
        if self._is_reading or self._run is None:
            self._timer.start()
            return

        def work(table: Table) -> Run:
            return table.run(self.name)

        self._link.ask(work, self._unless_closed(self._grown), self._fail)

    def _grown(self, run: Run) -> None:
        self._run, self.detail = run, run.detail
        self.total = int(run.detail.get("points", 0))
        step = max(1, -(-self.total // self._most))
        fresh = list(range(self._last + 1, self.total, step))
        self._step(iter([fresh] if fresh else []))

    def _unless_closed(self, action: Callable[[T], None]) -> Callable[[T], None]:
        def guarded(value: T) -> None:
            if not self._is_closed:
                action(value)

        return guarded
