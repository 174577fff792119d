"""Follow the mouse with a vertical line, until a click pins it to its place."""

from typing import Any

import pyqtgraph as pg
from qtpy import QtCore

from labctl.gui import theme


class SpectrumCursor(QtCore.QObject):
    """Hold the cursor of a plot; its place is in the units of the axis that is shown.

    It follows the mouse from `toggle` until a click of the left button or `put`, and can be
    dragged then.
    """

    moved = QtCore.Signal()
    """Emitted when it was moved, shown or hidden."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        super().__init__(plot)
        self._plot = plot.getPlotItem()
        self._line = pg.InfiniteLine(angle=90, movable=True)
        self._line.setZValue(8)
        self._line.hide()
        self._line.sigPositionChanged.connect(self._tell)
        self._plot.addItem(self._line, ignoreBounds=True)
        self._follows_mouse = False
        scene = plot.scene()
        self._mouse = pg.SignalProxy(scene.sigMouseMoved, rateLimit=30, slot=self._mouse_moved)
        scene.sigMouseClicked.connect(self._clicked)

    @property
    def is_shown(self) -> bool:
        """Tell whether it can be seen."""
        return bool(self._line.isVisible())

    @property
    def place(self) -> float:
        """Return where it is on the axis."""
        return float(self._line.value())

    def toggle(self) -> None:
        """Show it in the middle, following the mouse; or hide it."""
        self._follows_mouse = not self.is_shown
        if self._follows_mouse:
            low, high = self._plot.getViewBox().viewRange()[0]
            self._line.setValue((low + high) / 2)
        self._line.setVisible(self._follows_mouse)
        self.moved.emit()

    def put(self, place: float) -> None:
        """Show it at a place, where it stays."""
        self._line.show()
        self._follows_mouse = False
        self._line.setValue(place)
        self.moved.emit()

    def restyle(self) -> None:
        """Take the colours of the theme."""
        self._line.setPen(pg.mkPen(theme.current().text, style=QtCore.Qt.PenStyle.DashLine))

    def _tell(self) -> None:
        self.moved.emit()

    def _mouse_moved(self, event: tuple[Any, ...]) -> None:
        place = event[0]
        if self._follows_mouse and self._plot.sceneBoundingRect().contains(place):
            self._line.setValue(self._plot.getViewBox().mapSceneToView(place).x())

    def _clicked(self, event: Any) -> None:
        if self.is_shown and event.button() == QtCore.Qt.MouseButton.LeftButton:
            self._follows_mouse = False
