"""Draw a map over the sample: values, crosshair, soft limits, named places, path of a raster."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.views.axis_items import PlainAxis
from labctl.gui.views.colour_bar import ColourBar
from labctl.gui.views.colours import diverging_map, intensity_map
from labctl.gui.views.map_grid import MapGrid

SMALLEST_VIEW_UM = 40.0
ABOVE, BELOW = (0.5, 1.2), (0.5, -0.2)
"""Where a text stands: the names of places above them, that of the stage below it."""
LEVEL_PERCENT = (1.0, 99.0)

Limits = tuple[float, float]


class MapPlot(pg.PlotWidget):  # type: ignore[misc]
    """Show the plane of the stage, x to the right and y upwards, in µm."""

    picked = QtCore.Signal(float, float)
    """Emitted with the place of the crosshair, in µm."""
    go_to = QtCore.Signal(float, float)
    """Emitted when a person asks for a move there, in µm."""
    planned = QtCore.Signal(object)
    """Emitted with left, low, width, height in µm of the rectangle to map."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        axes = {"bottom": PlainAxis("bottom"), "left": PlainAxis("left")}
        super().__init__(parent, axisItems=axes)
        self.setAccessibleName("map")
        self.setMinimumSize(240, 200)
        plot = self.getPlotItem()
        plot.setLabel("bottom", "x (µm)")
        plot.setLabel("left", "y (µm)")
        plot.setAspectLocked(True)
        # a tick at the upper end reaches above the axis by half a line
        plot.layout.setContentsMargins(1, 8, 1, 1)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        self.grid: MapGrid | None = None
        self.limits: tuple[Limits, Limits] | None = None
        self._image = pg.ImageItem(axisOrder="row-major")
        plot.addItem(self._image)
        self._bar = ColourBar(self._image, beside=plot)
        self._fence = self._add(pg.PlotCurveItem())
        self._path = self._add(pg.PlotCurveItem())
        self._here = self._add(pg.ScatterPlotItem(symbol="+", size=16))
        self._stage = self._add(pg.TextItem("stage", anchor=BELOW))
        self._stage.hide()
        self._dots = self._add(pg.ScatterPlotItem(symbol="o", size=6))
        self._lines = [self._add(pg.InfiniteLine(angle=angle)) for angle in (0, 90)]
        for line in self._lines:
            line.hide()
        self._plan = pg.RectROI((0, 0), (10, 10), movable=True)
        self._plan.hide()
        self._plan.sigRegionChanged.connect(lambda _: self.planned.emit(self.plan_um))
        plot.addItem(self._plan, ignoreBounds=True)
        self._names: list[pg.TextItem] = []
        self._places: Mapping[str, tuple[float, float]] = {}
        self.scene().sigMouseClicked.connect(self._clicked)
        self.reset_view()
        self.restyle()

    # ---- what is drawn

    def show_map(
        self, grid: MapGrid, image: np.ndarray, label: str, centre: float | None = None
    ) -> None:
        """Draw an image of shape (rows, columns), NaN where nothing is known.

        With `centre` the colours diverge from that value; what is unknown stays transparent.
        """
        is_new = self.grid is None or self.grid.outline_um != grid.outline_um
        self.grid = grid
        self._bar.setColorMap(intensity_map() if centre is None else diverging_map())
        if np.isfinite(image).any():
            self._bar.show_levels(_levels(image, centre), label)
        else:
            self._bar.hide()
        self._image.setImage(image, autoLevels=False)
        left, bottom, width, height = grid.outline_um
        self._image.setRect(QtCore.QRectF(left, bottom, width, height))
        if is_new:
            self.reset_view()

    def show_limits(self, limits: tuple[Limits, Limits] | None) -> None:
        """Draw the soft limits of x and y in µm."""
        self.limits = limits
        if limits is None:
            self._fence.setData([], [])
            return
        (left, right), (low, high) = limits
        self._fence.setData([left, right, right, left, left], [low, low, high, high, low])

    def show_here(self, x_um: float | None, y_um: float | None) -> None:
        """Mark where the stage is."""
        is_known = x_um is not None and y_um is not None
        is_first = is_known and not self._stage.isVisible()
        self._here.setData([x_um] if is_known else [], [y_um] if is_known else [])
        self._stage.setVisible(is_known)
        self._stage.setPos(x_um or 0.0, y_um or 0.0)
        if is_first and self.grid is None:
            self.reset_view()

    def show_places(self, places: Mapping[str, tuple[float, float]]) -> None:
        """Mark places, and write their names."""
        if places == self._places:
            return
        self._places = places
        x, y = np.array(list(places.values()), float).reshape(-1, 2).T
        self._dots.setData(x, y)
        while self._names:
            self.getPlotItem().removeItem(self._names.pop())
        for name, (x_um, y_um) in places.items():
            item = pg.TextItem(name, anchor=ABOVE, color=theme.current().dim)
            item.setPos(x_um, y_um)
            self._names.append(self._add(item))
        if self.grid is None:
            self.reset_view()

    def show_path(self, path: Sequence[tuple[float, float]]) -> None:
        """Draw the way that a raster takes."""
        x = np.array([place[0] for place in path])
        y = np.array([place[1] for place in path])
        self._path.setData(x, y)

    # ---- the rectangle to map

    @property
    def plan_um(self) -> tuple[float, float, float, float]:
        """Return left, low, width and height of the rectangle to map in µm."""
        place, size = self._plan.pos(), self._plan.size()
        return float(place.x()), float(place.y()), float(size.x()), float(size.y())

    def show_plan(self, on: bool) -> None:
        """Show the rectangle in the middle of what is seen, or hide it."""
        if on and not self._plan.isVisible():
            (left, right), (low, high) = self.getViewBox().viewRange()
            width, height = 0.5 * (right - left), 0.5 * (high - low)
            self.set_plan(left + width / 2, low + height / 2, width, height)
        self._plan.setVisible(on)
        self._path.setVisible(on)

    def set_plan(self, left_um: float, low_um: float, width_um: float, height_um: float) -> None:
        """Put the rectangle somewhere."""
        self._plan.setSize((width_um, height_um), update=False)
        self._plan.setPos((left_um, low_um))

    # ---- view

    @property
    def crosshair_um(self) -> tuple[float, float] | None:
        """Return where the crosshair is, in µm; None before the first click."""
        if not self._lines[0].isVisible():
            return None
        return float(self._lines[1].value()), float(self._lines[0].value())

    def put_crosshair(self, x_um: float, y_um: float) -> None:
        """Put the crosshair somewhere."""
        for line, value in zip(self._lines, (y_um, x_um), strict=True):
            line.setValue(value)
            line.show()
        self.picked.emit(x_um, y_um)

    def reset_view(self) -> None:
        """Show the whole map; before there is one, all named places and the stage."""
        if self.grid is not None:
            self.setRange(QtCore.QRectF(*self.grid.outline_um), padding=0.02)
        else:
            self.setRange(self._surroundings(), padding=0.0)

    def _surroundings(self) -> QtCore.QRectF:
        shown = np.hstack([self._dots.getData(), self._here.getData()])
        if not shown.size:
            shown = np.zeros((2, 1))
        low, high = shown.min(axis=1), shown.max(axis=1)
        size = np.maximum(1.2 * (high - low), SMALLEST_VIEW_UM)
        return QtCore.QRectF(*((low + high - size) / 2), *size)

    def is_allowed(self, x_um: float, y_um: float) -> bool:
        """Tell whether a place lies within the soft limits."""
        if self.limits is None:
            return False
        (left, right), (low, high) = self.limits
        return left <= x_um <= right and low <= y_um <= high

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme.style_plot(self)
        now = theme.current()
        dashed = QtCore.Qt.PenStyle.DashLine
        self._fence.setPen(pg.mkPen(now.bad, width=2, style=dashed))
        self._path.setPen(pg.mkPen(now.accent))
        self._here.setPen(pg.mkPen(now.beam, width=2))
        self._here.setBrush(pg.mkBrush(now.beam))
        self._stage.setColor(QtGui.QColor(now.beam))
        self._dots.setPen(pg.mkPen(None))
        self._dots.setBrush(pg.mkBrush(now.dim))
        for line in self._lines:
            line.setPen(pg.mkPen(now.text, style=dashed))
        self._plan.setPen(pg.mkPen(now.accent, width=2))
        for handle in self._plan.getHandles():
            handle.pen = handle.currentPen = pg.mkPen(now.accent, width=2)
            handle.hoverPen = pg.mkPen(now.text)
        self._bar.restyle(intensity_map())
        for name in self._names:
            name.setColor(QtGui.QColor(now.dim))

    def _add(self, item: Any) -> Any:
        self.getPlotItem().addItem(item, ignoreBounds=True)
        return item

    def _clicked(self, event: Any) -> None:
        if not self.getPlotItem().sceneBoundingRect().contains(event.scenePos()):
            return
        place = self.getViewBox().mapSceneToView(event.scenePos())
        x_um, y_um = float(place.x()), float(place.y())
        self.put_crosshair(x_um, y_um)
        if event.button() == QtCore.Qt.MouseButton.RightButton:
            self.menu_at(x_um, y_um).popup(event.screenPos().toPoint())
        elif event.double():
            self.go_to.emit(x_um, y_um)

    def menu_at(self, x_um: float, y_um: float) -> QtWidgets.QMenu:
        """Return the menu of a place; moves beyond the soft limits are not offered."""
        menu = QtWidgets.QMenu(self)
        menu.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        where = f"({x_um:.2f}, {y_um:.2f}) µm"
        move = menu.addAction(f"Move here: {where}")
        if self.is_allowed(x_um, y_um):
            move.triggered.connect(lambda: self.go_to.emit(x_um, y_um))
        else:
            move.setEnabled(False)
            move.setText(f"{where} is beyond the soft limits")
        menu.addAction("Show all").triggered.connect(self.reset_view)
        return menu


def _levels(image: np.ndarray, centre: float | None) -> Limits:
    known = image[np.isfinite(image)]
    low, high = (float(one) for one in np.percentile(known, LEVEL_PERCENT))
    if centre is not None:
        reach = max(abs(low - centre), abs(high - centre), 1e-9)
        return centre - reach, centre + reach
    return low, max(high, low + 1e-9)
