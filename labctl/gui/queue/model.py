"""Show the queue as a table that paints ten thousand items as fast as ten."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qtpy import QtCore, QtGui

from labctl.core.items import ItemState, QueueItem
from labctl.core.status import RunStatus, StationStatus
from labctl.gui import theme
from labctl.gui.list_model import Index, ListModel
from labctl.gui.plural import counted
from labctl.gui.queue.timeline import Timeline, show_duration, show_time
from labctl.gui.queue.words import Procedures, conditions_of, time_of, tip_of, took_s, what_of

COLUMNS = ("", "What", "Sample", "State", "Progress", "Takes", "Ends (UTC)", "Remark")
NUMBER, WHAT, LABEL, STATE, PROGRESS, TAKES, ENDS, REMARK = range(len(COLUMNS))
MIME = "application/x-labctl-queue-items"
FRACTION_ROLE = QtCore.Qt.ItemDataRole.UserRole + 1
"""Progress of a row from 0 to 1, or None."""

_TIPS = {
    NUMBER: "Place among the items that wait",
    TAKES: "Predicted duration, ? if it is not known; time left for the run that is on; "
    "what it took if it has ended",
    ENDS: "Predicted end in UTC, on the clock of the station; ≥ where something before it is "
    "unknown",
}
_Role = QtCore.Qt.ItemDataRole


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Hold the items as they were fetched; `numbers` are places among those that wait."""

    items: Sequence[QueueItem] = ()
    timeline: Timeline = field(default_factory=Timeline)
    numbers: Sequence[int | None] = ()
    revision: int = -1

    @classmethod
    def of(cls, items: Sequence[QueueItem], revision: int = -1) -> "Snapshot":
        """Prepare what the table needs; for a worker thread."""
        numbers: list[int | None] = []
        waiting = 0
        for item in items:
            waits = item.state is ItemState.WAITING
            numbers.append(waiting if waits else None)
            waiting += waits
        return cls(items, Timeline(items), numbers, revision)


class QueueModel(ListModel):
    """Hold the items of the queue; `dropped` tells which items were dragged in front of a row."""

    columns = COLUMNS
    dropped = QtCore.Signal(list, int)

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._now = Snapshot()
        self._status: StationStatus | None = None
        self.procedures: Procedures = {}
        """What is known of procedures: units and names of their parameters."""

    @property
    def snapshot(self) -> Snapshot:
        """Return what is shown."""
        return self._now

    @property
    def status(self) -> StationStatus | None:
        """Return the station as the table shows it."""
        return self._status

    def show(self, snapshot: Snapshot) -> None:
        """Show other items; rows keep their selection where the same items stay in place."""
        before = [item.id for item in self._now.items]
        if before == [item.id for item in snapshot.items]:
            self._now = snapshot
            self._refresh(NUMBER)
            return
        self.beginResetModel()
        self._now = snapshot
        self.endResetModel()

    def follow(self, status: StationStatus | None) -> None:
        """Take the present run and time, which give progress and ends."""
        self._status = status
        self._refresh(STATE)

    def item(self, row: int) -> QueueItem:
        """Return the item of a row."""
        return self._now.items[row]

    def rows_of(self, ids: Sequence[str]) -> list[int]:
        """Return where items are now; those that have gone are left out."""
        places = {item.id: row for row, item in enumerate(self._now.items)}
        return [places[one] for one in ids if one in places]

    def place_before(self, row: int, moving: Sequence[str]) -> int:
        """Return the place among waiting items, without those that move, in front of a row."""
        above = self._now.items[:row]
        return sum(item.state is ItemState.WAITING and item.id not in moving for item in above)

    # ---- what Qt asks for

    def count(self) -> int:
        """Return the number of items."""
        return len(self._now.items)

    def headerData(  # noqa: N802
        self, section: int, orientation: QtCore.Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        """Return the title of a column, and what it means as a tip."""
        if orientation is QtCore.Qt.Orientation.Horizontal and role == _Role.ToolTipRole:
            return _TIPS.get(section)
        return super().headerData(section, orientation, role)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid() or index.row() >= len(self._now.items):
            return None
        item = self._now.items[index.row()]
        if role == _Role.DisplayRole:
            return self._text(item, index.row(), index.column())
        if role == FRACTION_ROLE:
            return self._fraction(item)
        if role == _Role.ToolTipRole:
            return tip_of(item, self.procedures)
        if role == _Role.ForegroundRole:
            return _colour(item.state, index.column())
        if role == _Role.TextAlignmentRole and index.column() in (NUMBER, TAKES, ENDS):
            return QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter
        return None

    def flags(self, index: Index) -> QtCore.Qt.ItemFlag:
        """Return what can be done with a row: waiting items can be dragged."""
        flags = super().flags(index)
        if not index.isValid():
            return flags | QtCore.Qt.ItemFlag.ItemIsDropEnabled
        if self._now.items[index.row()].state is ItemState.WAITING:
            flags |= QtCore.Qt.ItemFlag.ItemIsDragEnabled
        return flags

    def supportedDropActions(self) -> QtCore.Qt.DropAction:  # noqa: N802
        """Return that items move."""
        return QtCore.Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:  # noqa: N802
        """Return the one type that can be dropped here."""
        return [MIME]

    def mimeData(self, indexes: Sequence[QtCore.QModelIndex]) -> QtCore.QMimeData:  # noqa: N802
        """Return the identities of the items that are dragged."""
        rows = sorted({index.row() for index in indexes})
        data = QtCore.QMimeData()
        data.setData(MIME, json.dumps([self.item(row).id for row in rows]).encode())
        return data

    def dropMimeData(  # noqa: N802
        self,
        data: QtCore.QMimeData,
        action: QtCore.Qt.DropAction,  # noqa: ARG002
        row: int,
        column: int,  # noqa: ARG002
        parent: Index,
    ) -> bool:
        """Announce what was dropped; the rows move when the service has moved them."""
        if not data.hasFormat(MIME):
            return False
        target = row if row >= 0 else parent.row() if parent.isValid() else self.rowCount()
        self.dropped.emit(json.loads(bytes(data.data(MIME).data())), target)
        # False: the view must not remove the rows that it takes for moved
        return False

    # ---- what the cells say

    def _refresh(self, first: int) -> None:
        if self._now.items:
            last = self.index(len(self._now.items) - 1, len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(0, first), last)

    def _run_of(self, item: QueueItem) -> RunStatus | None:
        run = None if self._status is None else self._status.run
        return run if run is not None and run.item == item.id else None

    def _text(self, item: QueueItem, row: int, column: int) -> str:
        match column:
            case 0:
                number = self._now.numbers[row]
                return "" if number is None else str(number + 1)
            case 1:
                return what_of(item, self.procedures)
            case 2:
                return item.label if item.kind == "run" else ""
            case 3:
                return item.state.value
            case 4:
                return self._progress(item)
            case 5:
                return self._takes(item)
            case 6:
                return self._end(item, row)
        return item.reason or ", ".join(item.runs) or conditions_of(item)

    def _progress(self, item: QueueItem) -> str:
        run = self._run_of(item)
        if run is not None:
            return f"{run.point}/{run.total}" if run.total else counted(run.point, "point")
        # those of a run that was cut short are not the ones that were planned
        is_cut = item.state.is_end and item.state is not ItemState.FINISHED
        return counted(item.points, "point") if item.points and not is_cut else ""

    def _takes(self, item: QueueItem) -> str:
        run = self._run_of(item)
        if run is not None:
            return show_duration(run.left_s) or "?"
        if item.state.is_end:
            return show_duration(took_s(item))
        return "" if item.kind == "pause" else show_duration(item.estimate_s) or "?"

    def _fraction(self, item: QueueItem) -> float | None:
        run = self._run_of(item)
        if run is None or self._status is None:
            return 1.0 if item.state is ItemState.FINISHED else None
        if run.left_s is not None and item.estimate_s:
            return min(max(1.0 - run.left_s / item.estimate_s, 0.0), 1.0)
        return run.point / run.total if run.total else None

    def _end(self, item: QueueItem, row: int) -> str:
        if item.state.is_end:
            return time_of(item.ended_utc)
        run = self._run_of(item)
        if run is not None:
            return time_of(run.eta_utc)
        timeline = self._now.timeline
        return "" if timeline.is_blind(row) else show_time(timeline.ending(row, self._status))


def _colour(state: ItemState, column: int) -> QtGui.QColor | None:
    if column != STATE:
        return QtGui.QColor(theme.current().dim) if state in _OVER else None
    names: Mapping[ItemState, str] = {
        ItemState.RUNNING: theme.current().accent,
        ItemState.PAUSED: theme.current().warning,
        ItemState.FINISHED: theme.current().ok,
        ItemState.FAILED: theme.current().bad,
        ItemState.QUARANTINED: theme.current().bad,
        ItemState.ABORTED: theme.current().warning,
        ItemState.INTERRUPTED: theme.current().warning,
    }
    return QtGui.QColor(names[state]) if state in names else None


_OVER = (ItemState.FINISHED, ItemState.SKIPPED, ItemState.ABORTED)
