"""Name the curves of a plot beside its data, never on it."""

from typing import Any

import pyqtgraph as pg
from qtpy import QtCore, QtWidgets

COLUMNS = 4
Policy = QtWidgets.QSizePolicy.Policy


class LegendRows(pg.LegendItem):  # type: ignore[misc]
    """Name curves in rows above a plot, in the place of its title; no room while it is empty."""

    def __init__(self, plot: pg.PlotItem) -> None:
        super().__init__(colCount=COLUMNS, frame=False, horSpacing=8)
        self.setSizePolicy(Policy.Maximum, Policy.Fixed)
        # a long legend is cut rather than the plot below it
        self.setMinimumWidth(0)
        self.layout.setContentsMargins(0, 0, 0, 0)
        grid = plot.layout
        grid.removeItem(plot.titleLabel)
        grid.setRowMinimumHeight(0, 0)
        grid.setRowMaximumHeight(0, 1000)
        grid.setRowStretchFactor(0, 0)
        grid.addItem(self, 0, 1, QtCore.Qt.AlignmentFlag.AlignLeft)
        # where the theme looks for what it paints
        plot.legend = self

    def removeItem(self, item: Any) -> None:  # noqa: N802
        """Forget a curve; those after it move up."""
        super().removeItem(item)
        self.columnCount = 0
        self.setColumnCount(COLUMNS)

    def updateSize(self) -> None:  # noqa: N802
        """Let the layout of the plot decide."""
        self.updateGeometry()

    def hoverEvent(self, event: Any) -> None:  # noqa: N802
        """Offer no drag: the legend has its place."""

    def mouseDragEvent(self, event: Any) -> None:  # noqa: N802
        """Stay."""
        event.ignore()
