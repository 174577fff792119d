"""Show the alarms of a station: each stays until somebody acknowledges it by name."""

from collections.abc import Sequence
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from labctl.client import Table
from labctl.core.status import Alarm, StationStatus
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.list_model import Index, ListModel

HEADS = ("UTC", "Level", "From", "What happened", "What to do", "Acknowledged")
_ORDER = {"alarm": 0, "warning": 1, "info": 2}
_ICONS = {"alarm": "error", "warning": "warning", "info": "info"}
_COLOURS = {"alarm": "bad", "warning": "warning", "info": "text"}
_WIDTHS = {0: 165, 1: 95, 2: 80, 5: 150}
_WIDE = (3, 4)


class AlarmModel(ListModel):
    """Hold the alarms: those that nobody has seen first, the newest of them on top."""

    columns = HEADS

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.alarms: list[Alarm] = []

    def show(self, alarms: Sequence[Alarm]) -> None:
        """Show these alarms; nothing moves if they are the same."""
        wanted = sorted(alarms, key=lambda one: (bool(one.acknowledged_by), -one.id))
        if wanted != self.alarms:
            self.beginResetModel()
            self.alarms = wanted
            self.endResetModel()

    def count(self) -> int:
        """Return the number of alarms."""
        return len(self.alarms)

    def data(self, index: Index, role: int = 0) -> Any:
        """Return text, colour, icon and the whole text as tooltip."""
        if not index.isValid():
            return None
        alarm = self.alarms[index.row()]
        roles = QtCore.Qt.ItemDataRole
        text = cells(alarm)[index.column()]
        if role in (roles.DisplayRole, roles.ToolTipRole):
            return text
        now = theme.current()
        if role == roles.ForegroundRole:
            seen = bool(alarm.acknowledged_by)
            return QtGui.QBrush(QtGui.QColor(now.dim if seen else _colour(alarm.level)))
        if role == roles.FontRole and not alarm.acknowledged_by:
            font = QtWidgets.QApplication.font()
            font.setBold(alarm.level == "alarm")
            return font
        if role == roles.DecorationRole and index.column() == 1:
            return theme.icon(_ICONS[alarm.level], _colour(alarm.level))
        return None


class AlarmPage(QtWidgets.QWidget):
    """Show all alarms, what to do about each, and who has seen it.

    `counted` carries how many nobody has acknowledged.
    """

    counted = QtCore.Signal(int)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._seen: set[tuple[str, int]] = set()
        self._is_first = True
        self.model = AlarmModel(self)
        self.table = make_table("Alarms")
        self.table.setModel(self.model)
        self.table.selectionModel().selectionChanged.connect(self._enable)
        self.summary = QtWidgets.QLabel("no alarms")
        self.summary.setAccessibleName("Alarms that wait")
        self._one = self._action("alarms.acknowledge", "Acknowledge", self.acknowledge,
                                 "Say that you have seen the selected alarms; your name and the "
                                 "time are kept", "Ctrl+Shift+A")  # fmt: skip
        self._all = self._action("alarms.acknowledge_all", "Acknowledge all",
                                 self.acknowledge_all,
                                 "Say that you have seen every alarm of the list")  # fmt: skip
        self._lay_out()
        context.link.status_changed.connect(self.show_status)
        context.link.event.connect(self._hear)
        theme.changed().connect(self._repaint)
        if context.link.status is not None:
            self.show_status(context.link.status)
        self._enable()

    @property
    def waiting(self) -> list[Alarm]:
        """Return the alarms that nobody has acknowledged."""
        return [one for one in self.model.alarms if not one.acknowledged_by]

    def show_status(self, status: StationStatus) -> None:
        """Show the alarms of a snapshot, and say so in a banner if one is new."""
        self.model.show(status.alarms)
        self._announce(status)
        self.summary.setText(_summary(self.waiting))
        self.counted.emit(len(self.waiting))
        self._enable()

    def acknowledge(self) -> None:
        """Acknowledge the selected alarms; without a selection the one on top."""
        rows = sorted({one.row() for one in self.table.selectionModel().selectedRows()})
        chosen = [self.model.alarms[row] for row in rows] or self.waiting[:1]
        self._send([one for one in chosen if not one.acknowledged_by])

    def acknowledge_all(self) -> None:
        """Acknowledge every alarm."""
        self._send(self.waiting)

    # ---- inside

    def _send(self, alarms: Sequence[Alarm]) -> None:
        numbers = [one.id for one in alarms]

        def work(table: Table) -> StationStatus:
            for number in numbers:
                table.acknowledge(number)
            return table.status()

        if numbers:
            self._context.link.ask(work, self.show_status, lane="alarms")

    def _hear(self, event: Any) -> None:
        if event.kind == "alarm":
            self._context.link.ask(lambda table: table.status(), self.show_status, lambda _: None)

    def _announce(self, status: StationStatus) -> None:
        """Put a banner up for each alarm that this window has not shown yet."""
        notice = self._context.link.notice
        new = [one for one in status.alarms if (status.boot, one.id) not in self._seen]
        self._seen |= {(status.boot, one.id) for one in new}
        waiting = [one for one in new if not one.acknowledged_by and one.level != "info"]
        if self._is_first and len(waiting) > 1:
            notice.emit("warning", f"{_summary(waiting)}: see the dock 'Alarms and log'")
        else:
            for one in waiting:
                remedy = f" – {one.remedy}" if one.remedy else ""
                notice.emit("error" if one.level == "alarm" else "warning", f"{one.text}{remedy}")
        self._is_first = False

    def _repaint(self, *_: object) -> None:
        self.table.viewport().update()

    def _enable(self, *_: object) -> None:
        self._one.setEnabled(bool(self.waiting))
        self._all.setEnabled(bool(self.waiting))

    def _action(
        self, id_: str, text: str, slot: Any, tip: str, shortcut: str | None = None
    ) -> QtGui.QAction:
        return self._context.actions.add(id_, text, slot, shortcut, tooltip=tip, menu="Safety")

    def _lay_out(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        head = QtWidgets.QHBoxLayout()
        head.addWidget(self.summary, 1)
        for action in (self._one, self._all):
            head.addWidget(action_button(action))
        column.addLayout(head)
        column.addWidget(self.table, 1)
        header, modes = self.table.horizontalHeader(), QtWidgets.QHeaderView.ResizeMode
        header.setStretchLastSection(False)
        for index, width in _WIDTHS.items():
            self.table.setColumnWidth(index, width)
        for index in _WIDE:
            header.setSectionResizeMode(index, modes.Stretch)
        # whole sentences are shown: what to do must not hide behind an ellipsis
        self.table.setWordWrap(True)
        self.table.verticalHeader().setSectionResizeMode(modes.ResizeToContents)


def cells(alarm: Alarm) -> tuple[str, ...]:
    """Return an alarm as the texts of its row."""
    by = f"{alarm.acknowledged_by}, {clock_text(alarm.acknowledged_utc)}"
    return (
        clock_text(alarm.utc),
        alarm.level,
        alarm.source or "station",
        alarm.text,
        alarm.remedy or "—",
        by if alarm.acknowledged_by else "not yet",
    )


def clock_text(utc: str) -> str:
    """Return date and time of an ISO stamp, to the second."""
    return utc[:19].replace("T", " ")


def make_table(name: str) -> QtWidgets.QTableView:
    """Return a table of lines that are read and selected, not edited."""
    table = QtWidgets.QTableView()
    table.setAccessibleName(name)
    table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
    table.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
    table.verticalHeader().setVisible(False)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.setWordWrap(False)
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setDefaultAlignment(
        QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter
    )
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
    return table


def action_button(action: QtGui.QAction) -> QtWidgets.QToolButton:
    """Return a button for an action."""
    button = QtWidgets.QToolButton()
    button.setDefaultAction(action)
    button.setAccessibleName(action.text())
    button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


def _summary(alarms: Sequence[Alarm]) -> str:
    if not alarms:
        return "no alarm waits to be acknowledged"
    worst = min((one.level for one in alarms), key=lambda level: _ORDER[level])
    count = len(alarms)
    many = "1 message is" if count == 1 else f"{count} messages are"
    return f"{many} not acknowledged, the worst is of level '{worst}'"


def _colour(level: str) -> str:
    return str(getattr(theme.current(), _COLOURS[level]))
