"""Keep what happened since the window was opened, and filter it by level and instrument."""

from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from qtpy import QtCore, QtGui, QtWidgets

from labctl.client import Event
from labctl.core.status import StationStatus
from labctl.gui import theme
from labctl.gui.alarm_list import action_button, clock_text, make_table
from labctl.gui.context import Context
from labctl.gui.list_model import ROOT, Index, ListModel
from labctl.gui.panels.fields import QuietCombo

KEPT = 5000
TRIMMED = 500
HEADS = ("UTC", "Level", "From", "Message")
LEVELS = ("info", "warning", "alarm")
EVERYTHING = "everything"
_SHOWN = {"everything": 0, "warnings and alarms": 1, "alarms only": 2}
_NOTICES = {"info": "info", "warning": "warning", "error": "alarm"}

Level = Literal["info", "warning", "alarm"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one line of the log."""

    utc: str
    level: Level
    source: str
    text: str


class LogModel(ListModel):
    """Hold the newest lines, in order."""

    columns = HEADS

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def add(self, entry: Entry) -> None:
        """Add a line; the oldest ones are dropped in lots."""
        if len(self.entries) >= KEPT:
            self.beginRemoveRows(ROOT, 0, TRIMMED - 1)
            del self.entries[:TRIMMED]
            self.endRemoveRows()
        at = len(self.entries)
        self.beginInsertRows(ROOT, at, at)
        self.entries.append(entry)
        self.endInsertRows()

    def count(self) -> int:
        """Return the number of lines."""
        return len(self.entries)

    def data(self, index: Index, role: int = 0) -> Any:
        """Return text and colour."""
        if not index.isValid():
            return None
        entry = self.entries[index.row()]
        roles = QtCore.Qt.ItemDataRole
        if role in (roles.DisplayRole, roles.ToolTipRole):
            return (clock_text(entry.utc), entry.level, entry.source, entry.text)[index.column()]
        if role == roles.ForegroundRole:
            colours = {"alarm": "bad", "warning": "warning", "info": "text"}
            colour = str(getattr(theme.current(), colours[entry.level]))
            return QtGui.QBrush(QtGui.QColor(colour))
        return None


class _Filter(QtCore.QSortFilterProxyModel):
    least = 0
    source = ""
    words = ""

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: N802, ARG002
        """Tell whether a line is to be shown."""
        model = self.sourceModel()
        if not isinstance(model, LogModel):
            return True
        entry = model.entries[row]
        return (
            LEVELS.index(entry.level) >= self.least
            and self.source in ("", entry.source)
            and self.words in entry.text.lower()
        )


class LogPage(QtWidgets.QWidget):
    """Show what happened: states, notes, runs, alarms and what this window said."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._alarms: deque[tuple[str, int]] = deque(maxlen=KEPT)
        self.model = LogModel(self)
        self.shown = _Filter(self)
        self.shown.setSourceModel(self.model)
        self.table = make_table("Log")
        self.table.setModel(self.shown)
        self.level = QuietCombo("Level of the log", tuple(_SHOWN))
        self.source = QuietCombo("Instrument or part that the log is of", (EVERYTHING,))
        self.words = QtWidgets.QLineEdit()
        self.words.setPlaceholderText("words in the message")
        self.words.setAccessibleName("Words to look for in the log")
        self.words.setClearButtonEnabled(True)
        self._lay_out()
        link = context.link
        link.event.connect(self._hear)
        link.status_changed.connect(self._take)
        link.lost.connect(
            lambda reason: self._note("alarm", "service", f"connection lost: {reason}")
        )
        link.connected.connect(lambda: self._note("info", "service", "connected"))
        link.notice.connect(
            lambda level, text: self._note(_NOTICES.get(level, "info"), "window", text)
        )
        if link.status is not None:
            self._take(link.status)

    def add(self, entry: Entry) -> None:
        """Add a line, and offer where it comes from as a filter."""
        bar = self.table.verticalScrollBar()
        is_at_end = bar.value() >= bar.maximum() - 2
        self.model.add(entry)
        if self.source.findText(entry.source) < 0:
            self.source.addItem(entry.source)
        if is_at_end:
            self.table.scrollToBottom()

    def copy(self) -> None:
        """Copy the lines that are shown."""
        lines = [
            "\t".join(str(self.shown.index(row, column).data()) for column in range(len(HEADS)))
            for row in range(self.shown.rowCount())
        ]
        QtWidgets.QApplication.clipboard().setText("\n".join(lines))
        self._context.link.notice.emit("info", f"{len(lines)} lines copied")

    # ---- inside

    def _hear(self, event: Event) -> None:
        found = _entry(event, self._utc())
        if found is not None:
            self.add(found)

    def _take(self, status: StationStatus) -> None:
        for alarm in status.alarms:
            key = (status.boot, alarm.id)
            if key not in self._alarms:
                self._alarms.append(key)
                self.add(Entry(alarm.utc, alarm.level, alarm.source or "station", alarm.text))

    def _note_loss(self, reason: str) -> None:
        self._note("alarm", "service", f"connection lost: {reason}")

    def _note_connection(self) -> None:
        self._note("info", "service", "connected")

    def _note_notice(self, level: str, text: str) -> None:
        self._note(_NOTICES.get(level, "info"), "window", text)

    def _note(self, level: Any, source: str, text: str) -> None:
        self.add(Entry(self._utc(), level, source, text))

    def _utc(self) -> str:
        status = self._context.link.status
        return status.utc if status is not None else ""

    def _filter(self, *_: object) -> None:
        source = self.source.currentText()
        self.shown.least = _SHOWN[self.level.currentText()]
        self.shown.source = "" if source == EVERYTHING else source
        self.shown.words = self.words.text().lower()
        self.shown.invalidate()

    def _lay_out(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(4, 4, 4, 4)
        head = QtWidgets.QHBoxLayout()
        for label, widget in (("Show", self.level), ("from", self.source)):
            head.addWidget(QtWidgets.QLabel(label))
            head.addWidget(widget)
            widget.setMinimumContentsLength(14)
            widget.currentTextChanged.connect(self._filter)
        head.addWidget(self.words, 1)
        self.words.textChanged.connect(self._filter)
        copy = self._context.actions.add(
            "log.copy", "Copy log", self.copy, tooltip="Copy the lines that are shown",
            menu="Help",
        )  # fmt: skip
        head.addWidget(action_button(copy))
        column.addLayout(head)
        column.addWidget(self.table, 1)
        widths = (150, 80, 110)
        for index, width in enumerate(widths):
            self.table.setColumnWidth(index, width)


def _entry(event: Event, utc: str) -> Entry | None:
    """Return the line that an event is worth; None if it is none."""
    data = event.data
    run = str(data.get("run") or "")
    match event.kind:
        case "note":
            return Entry(utc, "info", run or "queue", str(data.get("text", "")))
        case "state":
            reason = str(data.get("reason") or "")
            level: Level = "alarm" if data.get("state") == "failed" else "info"
            text = f"{data.get('state')}: {reason}" if reason else str(data.get("state"))
            return Entry(utc, level, "station", text)
        case "run" if "ended" in data:
            reason = f": {data['reason']}" if data.get("reason") else ""
            bad = data["ended"] in ("failed", "aborted", "interrupted", "quarantined")
            return Entry(utc, "warning" if bad else "info", run, f"{data['ended']}{reason}")
        case "run":
            return Entry(utc, "info", run, f"{data.get('procedure', 'run')} begins")
        case "safety":
            return Entry(utc, "warning", "safety", _safety_text(data))
    return None


def _safety_text(data: Any) -> str:
    who = str(data.get("laser_off_by") or "")
    doubts = "; ".join(str(one) for one in data.get("unconfirmed") or ())
    if who:
        return f"LASER OFF by {who}: {f'NOT CONFIRMED: {doubts}' if doubts else 'confirmed'}"
    return ", ".join(f"{key}: {value}" for key, value in data.items())
