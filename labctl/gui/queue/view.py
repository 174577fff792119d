"""Draw the queue: rows that can be dragged, and progress as a bar."""

from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.items import QueueItem
from labctl.gui import theme
from labctl.gui.queue.model import (
    ENDS,
    FRACTION_ROLE,
    LABEL,
    NUMBER,
    PROGRESS,
    REMARK,
    STATE,
    TAKES,
    WHAT,
    QueueModel,
)

_WIDTHS = {NUMBER: 34, LABEL: 90, STATE: 80, PROGRESS: 90, TAKES: 90, ENDS: 88, REMARK: 120}


class ProgressDelegate(QtWidgets.QStyledItemDelegate):
    """Draw how far an item has come behind its words."""

    def paint(
        self,
        painter: QtGui.QPainter,
        option: QtWidgets.QStyleOptionViewItem,
        index: QtCore.QModelIndex | QtCore.QPersistentModelIndex,
    ) -> None:
        """Draw one cell."""
        fraction = index.data(FRACTION_ROLE)
        if fraction is not None and fraction < 1.0:
            area = option.rect.adjusted(1, 3, -1, -3)
            colour = QtGui.QColor(theme.current().accent)
            painter.setPen(QtGui.QPen(colour))
            painter.drawRect(area)
            colour.setAlpha(110)
            painter.fillRect(area.adjusted(1, 1, int(-area.width() * (1 - fraction)), 0), colour)
        super().paint(painter, option, index)


class QueueView(QtWidgets.QTableView):
    """Show a `QueueModel`; several rows can be selected and dragged."""

    def __init__(self, model: QueueModel) -> None:
        super().__init__()
        self._model = model
        self.setModel(model)
        self.setAccessibleName("Queue")
        self.setSelectionBehavior(self.SelectionBehavior.SelectRows)
        self.setSelectionMode(self.SelectionMode.ExtendedSelection)
        self.setDragDropMode(self.DragDropMode.InternalMove)
        self.setDragDropOverwriteMode(False)
        self.setDropIndicatorShown(True)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setItemDelegateForColumn(PROGRESS, ProgressDelegate(self))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.verticalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        for column, width in _WIDTHS.items():
            header.resizeSection(column, width)
        header.setSectionResizeMode(WHAT, QtWidgets.QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self._kept: list[str] = []
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._restore)

    def selected(self) -> list[QueueItem]:
        """Return the selected items in their order."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._model.item(row) for row in rows]

    def select(self, ids: Sequence[str]) -> None:
        """Select the rows of some items."""
        selection = QtCore.QItemSelection()
        rows = self._model.rows_of(ids)
        for row in rows:
            left, right = self._model.index(row, 0), self._model.index(row, REMARK)
            selection.select(left, right)
        self.selectionModel().select(
            selection, QtCore.QItemSelectionModel.SelectionFlag.ClearAndSelect
        )
        if rows:
            self.selectionModel().setCurrentIndex(
                self._model.index(rows[0], 0), QtCore.QItemSelectionModel.SelectionFlag.NoUpdate
            )

    def _remember(self) -> None:
        self._kept = [item.id for item in self.selected()]
        self._top = self.verticalScrollBar().value()

    def _restore(self) -> None:
        self.select(self._kept)
        self.verticalScrollBar().setValue(self._top)
