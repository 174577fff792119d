"""Show one run: its temperatures, parameters, history and notes."""

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy import QtCore, QtWidgets

from labctl.gui.plural import counted
from labctl.gui.queue.timeline import show_duration
from labctl.gui.runs.notes import NotesEditor
from labctl.gui.runs.reading import temperatures_of
from labctl.gui.runs.search import Entry
from labctl.gui.runs.temperatures import TemperatureTable
from labctl.gui.runs.words import result_words, value_words, when_words


class RunDetail(QtWidgets.QWidget):
    """Show what is known of the chosen run."""

    def __init__(self) -> None:
        super().__init__()
        self.title = QtWidgets.QLabel()
        self.title.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self.title.setWordWrap(True)
        self.temperatures = TemperatureTable()
        self.parameters = _table("Parameters of the run", ("Parameter", "Value"))
        self.history = _table("History of the run", ("When (UTC)", "What", "Why"))
        self.notes = NotesEditor()
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setDocumentMode(True)
        for widget, title in (
            (self.temperatures, "Temperatures"),
            (self.parameters, "Parameters"),
            (self.notes, "Notes"),
            (self.history, "History"),
        ):
            self.tabs.addTab(widget, title)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 0, 0, 0)
        layout.addWidget(self.title)
        layout.addWidget(self.tabs, 1)

    def show_entry(self, entry: Entry) -> None:
        """Show a run."""
        self.title.setText(f"<b>{entry.name}</b>  {' · '.join(_summary(entry.line))}")
        result = entry.result
        found = temperatures_of(result)
        first = str(result.get("problem", "")) if found else result_words(result)
        parts = [first, *(str(one.get("explanation", "")) for one in result.get("verdicts", ()))]
        parts += [str(one) for one in result.get("warnings", ())]
        self.temperatures.show_result(found, " · ".join(part for part in parts if part))
        _fill(self.parameters, _parameters(entry))
        _fill(self.history, _history(entry))
        self.notes.show_notes(entry.name, entry.notes)


def _summary(line: Mapping[str, Any]) -> list[str]:
    """Return what the list may have no room for."""
    begun = when_words(str(line.get("start_utc", "")))
    parts = [str(line.get("state", "")), f"{begun} UTC" if begun else ""]
    parts += [counted(int(line.get("points", 0)), "point")]
    parts += [show_duration(float(line.get("duration_s", 0.0)))]
    return [part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts if part]


def _parameters(entry: Entry) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [
        (name.replace("_", " "), value_words(name, value, entry.units.get(name, "")))
        for name, value in entry.parameters.items()
    ]
    found = entry.detail.get("calibrations", {})
    rows += [(f"calibration {kind}", str(identity)) for kind, identity in found.items()]
    rows.append(("labctl", str(entry.detail.get("labctl_version", ""))))
    rows.append(("folder", str(entry.line.get("folder", ""))))
    return rows


def _history(entry: Entry) -> list[Sequence[str]]:
    return [
        (when_words(str(one.get("utc", ""))), str(one.get("state", "")), str(one.get("reason", "")))
        for one in entry.detail.get("states", ())
    ]


def _table(name: str, titles: Sequence[str]) -> QtWidgets.QTableWidget:
    table = QtWidgets.QTableWidget(0, len(titles))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(list(titles))
    table.horizontalHeader().setStretchLastSection(True)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
    table.setEditTriggers(table.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    return table


def _fill(table: QtWidgets.QTableWidget, rows: Sequence[Sequence[str]]) -> None:
    table.setRowCount(len(rows))
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            item = QtWidgets.QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(row, column, item)
    table.resizeColumnToContents(0)
