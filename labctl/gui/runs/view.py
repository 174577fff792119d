"""Draw the list of runs: results get the room that is left, and the choice outlives new runs."""

from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui.runs.model import (
    BEGUN,
    NAME_ROLE,
    PICTURE,
    POINTS,
    RATING,
    RESULT,
    RUN,
    SAMPLE,
    STATE,
    TAGS,
    TOOK,
    RunsFilter,
)
from labctl.gui.runs.thumbnail import HEIGHT, WIDTH

_TEXTS = {RUN: "0000 power_series__", STATE: "interrupted", SAMPLE: "flake-700",
          BEGUN: "0000-00-00 00:00", POINTS: "Points ", TOOK: "00 min 00 s", RATING: "Rating ",
          TAGS: "Tags   "}  # fmt: skip
"""What must fit into a column."""
MARGIN = 14
LEAST_RESULT = 160


class RunsView(QtWidgets.QTableView):
    """Show the runs of a filter; several can be chosen."""

    def __init__(self, shown: RunsFilter) -> None:
        super().__init__()
        self._shown = shown
        self._kept: Sequence[str] = ()
        self.setModel(shown)
        self.setAccessibleName("Runs")
        self.setSelectionBehavior(self.SelectionBehavior.SelectRows)
        self.setSelectionMode(self.SelectionMode.ExtendedSelection)
        self.setSortingEnabled(True)
        self.sortByColumn(RUN, QtCore.Qt.SortOrder.DescendingOrder)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setIconSize(QtCore.QSize(WIDTH, HEIGHT))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(HEIGHT + 4)
        header = self.horizontalHeader()
        header.resizeSection(PICTURE, WIDTH + 8)
        for column, text in _TEXTS.items():
            header.resizeSection(column, self.fontMetrics().horizontalAdvance(text) + MARGIN)
        shown.modelAboutToBeReset.connect(self._remember)
        shown.modelReset.connect(self._restore)

    def chosen(self) -> list[str]:
        """Return the names of the chosen runs in the order of the list."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [str(self._shown.index(row, 0).data(NAME_ROLE)) for row in rows]

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802
        """Give the results what the other columns leave."""
        super().resizeEvent(event)
        header = self.horizontalHeader()
        others = header.length() - header.sectionSize(RESULT)
        header.resizeSection(RESULT, max(self.viewport().width() - others, LEAST_RESULT))

    def _remember(self) -> None:
        self._kept = self.chosen()

    def _restore(self) -> None:
        both = QtCore.QItemSelectionModel.SelectionFlag
        for row in range(self._shown.rowCount() if self._kept else 0):
            index = self._shown.index(row, 0)
            if index.data(NAME_ROLE) in self._kept:
                self.selectionModel().select(index, both.Select | both.Rows)
