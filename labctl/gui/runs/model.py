"""Show runs as a table: thumbnail, result, sample, when; sorted and searched."""

from collections.abc import Sequence
from typing import Any

from qtpy import QtCore, QtGui

from labctl.gui import theme
from labctl.gui.list_model import Index, ListModel
from labctl.gui.queue.timeline import show_duration
from labctl.gui.runs.index import RunIndex
from labctl.gui.runs.search import Entry, Term, fits
from labctl.gui.runs.thumbnail import tinted
from labctl.gui.runs.words import result_words, when_words

COLUMNS = (
    "", "Run", "State", "Sample", "Result", "Begun (UTC)", "Points", "Took", "Rating", "Tags"
)  # fmt: skip
PICTURE, RUN, STATE, SAMPLE, RESULT, BEGUN, POINTS, TOOK, RATING, TAGS = range(len(COLUMNS))
SORT_ROLE = QtCore.Qt.ItemDataRole.UserRole + 1
NAME_ROLE = QtCore.Qt.ItemDataRole.UserRole + 2

_Role = QtCore.Qt.ItemDataRole


class RunsModel(ListModel):
    """Hold the entries of an index; what is painted is looked into."""

    columns = COLUMNS

    def __init__(self, index: RunIndex, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.runs = index
        self._names: list[str] = []
        self._rows: dict[str, int] = {}
        self._pixmaps: dict[str, QtGui.QPixmap] = {}
        index.listed.connect(self._list)
        index.learned.connect(self._learn)
        theme.changed().connect(self._repaint)
        self._list()

    def entry(self, row: int) -> Entry:
        """Return the entry of a row."""
        return self.runs.entries[self._names[row]]

    def row_of(self, name: str) -> int | None:
        """Return the row of a run, or None."""
        return self._rows.get(name)

    # ---- what Qt asks for

    def count(self) -> int:
        """Return the number of runs."""
        return len(self._names)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid() or index.row() >= len(self._names):
            return None
        if role == NAME_ROLE:
            # asked for also when the index has let go of the run
            return self._names[index.row()]
        entry = self.entry(index.row())
        if role == _Role.DisplayRole:
            return _text(entry, index.column())
        if role == _Role.DecorationRole and index.column() == PICTURE:
            return self._picture(entry.name)
        if role == SORT_ROLE:
            return _key(entry, index.column())
        if role == _Role.ToolTipRole:
            return _tip(entry)
        if role == _Role.ForegroundRole and index.column() == STATE:
            return _colour(str(entry.line.get("state", "")))
        return None

    def _picture(self, name: str) -> QtGui.QPixmap | None:
        self.runs.want(name)
        if name not in self._pixmaps:
            image = self.runs.picture(name)
            if image is None:
                return None
            self._pixmaps[name] = tinted(image, theme.current().accent)
        return self._pixmaps[name]

    # ---- following the index

    def _list(self) -> None:
        self.beginResetModel()
        self._names = list(self.runs.entries)
        self._rows = {name: row for row, name in enumerate(self._names)}
        self._pixmaps = {name: one for name, one in self._pixmaps.items() if name in self._rows}
        self.endResetModel()

    def _learn(self, name: str) -> None:
        self._pixmaps.pop(name, None)
        row = self._rows.get(name)
        if row is not None:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))

    def _repaint(self, _: object) -> None:
        self._pixmaps.clear()
        if self._names:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._names) - 1, PICTURE))


class RunsFilter(QtCore.QSortFilterProxyModel):
    """Show the runs that fit a query, in the order of a column."""

    def __init__(self, model: RunsModel) -> None:
        super().__init__(model)
        self._model = model
        self._terms: Sequence[Term] = ()
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)
        self.setDynamicSortFilter(True)

    def search(self, terms: Sequence[Term]) -> None:
        """Show only what fulfils all of the terms."""
        self._terms = terms
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:  # noqa: ARG002, N802
        """Tell whether a run is shown."""
        return fits(self._model.entry(row), self._terms)


def _text(entry: Entry, column: int) -> str:
    line = entry.line
    match column:
        case 1:
            number = entry.name.partition("_")[0]
            return f"{number} {line.get('procedure', '')}"
        case 2:
            return str(line.get("state", ""))
        case 3:
            return str(line.get("label", ""))
        case 4:
            return _outcome(entry).partition("\n")[0]
        case 5:
            return when_words(str(line.get("start_utc", "")))
        case 6:
            return str(line.get("points", ""))
        case 7:
            return show_duration(float(line.get("duration_s", 0.0)))
        case 8:
            return "★" * entry.rating
        case 9:
            return ", ".join(entry.tags)
    return ""


def _key(entry: Entry, column: int) -> Any:
    line = entry.line
    keys = {
        RUN: int(entry.name.partition("_")[0]),
        PICTURE: int(entry.name.partition("_")[0]),
        BEGUN: str(line.get("start_utc", "")),
        POINTS: int(line.get("points", 0)),
        TOOK: float(line.get("duration_s", 0.0)),
        RATING: entry.rating,
    }
    return keys.get(column, _text(entry, column).lower())


def _tip(entry: Entry) -> str:
    notes, folder = str(entry.notes.get("text", ""))[:300], str(entry.line.get("folder", ""))
    lines = [entry.name, _outcome(entry), notes, folder]
    return "\n".join(line for line in lines if line)


def _outcome(entry: Entry) -> str:
    """Return what a run found, or what went wrong with it."""
    problem = str(entry.line.get("problem", "")).strip()
    return problem or result_words(entry.result).strip()


def _colour(state: str) -> QtGui.QColor | None:
    colours = theme.current()
    names = {"finished": colours.ok, "running": colours.accent, "failed": colours.bad}
    return QtGui.QColor(names.get(state, colours.warning))
