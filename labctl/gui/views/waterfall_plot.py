"""Draw spectra as lines of an image, one above the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy import QtCore, QtWidgets

from labctl.gui import theme
from labctl.gui.views.axes import COUNTS, AxisUnit, SpectralScale
from labctl.gui.views.axis_items import ListedAxis, PlainAxis, SecondAxis, set_label
from labctl.gui.views.colour_bar import ColourBar
from labctl.gui.views.colours import intensity_map
from labctl.gui.views.image_plot import auto_levels
from labctl.gui.views.stack import INDEX, EvenRows, SpectrumStack, in_words


class WaterfallPlot(pg.PlotWidget):  # type: ignore[misc]
    """Show a stack; rows are labelled with the value that was swept."""

    picked = QtCore.Signal(int)
    """Emitted with the row of the stack that a person clicked."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        self._rows_axis = ListedAxis("left")
        axes = {"bottom": PlainAxis("bottom"), "left": self._rows_axis, "top": SecondAxis()}
        super().__init__(parent, axisItems=axes)
        self.setAccessibleName("waterfall")
        self.setMinimumSize(240, 160)
        plot = self.getPlotItem()
        plot.showAxis("top")
        plot.hideButtons()
        plot.setMenuEnabled(False)
        self.getAxis("left").setWidth(90)
        self._image = pg.ImageItem(axisOrder="row-major", autoDownsample=True)
        plot.addItem(self._image)
        self._bar = ColourBar(self._image, beside=plot)
        self._marker = pg.InfiniteLine(angle=0)
        self._marker.hide()
        plot.addItem(self._marker, ignoreBounds=True)
        self.scale_shown = SpectralScale(AxisUnit.CM1)
        self.variable = INDEX
        self._stack = SpectrumStack()
        self._even = EvenRows()
        self._order = np.empty(0, int)
        self._shape: tuple[object, ...] = ()
        self.scene().sigMouseClicked.connect(self._clicked)
        self.restyle()

    @property
    def shown_order(self) -> np.ndarray:
        """Return which row of the stack is shown where, from below."""
        return self._order

    @property
    def labels(self) -> Sequence[str]:
        """Return what the rows are called, from below."""
        return self._stack.labels(self.variable, self._order)

    def show_stack(self, stack: SpectrumStack, variable: str, scale: SpectralScale) -> None:
        """Draw all rows of a stack, sorted by `variable`."""
        self._stack, self.variable, self.scale_shown = stack, variable, scale
        set_label(self.getAxis("bottom"), scale.label(scale.shown))
        quantity = "Point" if variable == INDEX else in_words(variable).capitalize()
        set_label(self.getAxis("left"), quantity)
        self.getAxis("top").show_scale(scale)
        if not len(stack):
            self._image.clear()
            self._bar.hide()
            return
        self._order = stack.order(variable)
        image, first, last = self._even.image(stack, scale)
        image = image[self._order]
        self._bar.show_levels(auto_levels(image), COUNTS)
        self._image.setImage(image, autoLevels=False)
        self._image.setRect(QtCore.QRectF(first, 0.0, last - first, float(len(image))))
        self._rows_axis.show_labels(self.labels)
        shape = (scale, variable, len(image))
        if shape[:2] != self._shape[:2] or not self._is_zoomed():
            self.reset_view()
        self._shape = shape

    def mark(self, row: int | None) -> None:
        """Mark a row of the stack."""
        found = np.flatnonzero(self._order == row) if row is not None else np.empty(0, int)
        self._marker.setVisible(bool(found.size))
        if found.size:
            self._marker.setValue(float(found[0]) + 0.5)

    def reset_view(self) -> None:
        """Show all rows."""
        if len(self._stack):
            rect = self._image.mapRectToParent(self._image.boundingRect())
            self.setRange(rect, padding=0.0)

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme.style_plot(self)
        self._bar.restyle(intensity_map())
        # on the image, whose colours are dark in every theme
        bright = intensity_map().map(1.0, "qcolor")
        self._marker.setPen(pg.mkPen(bright, style=QtCore.Qt.PenStyle.DashLine))

    def _is_zoomed(self) -> bool:
        before = self._shape[2] if len(self._shape) == 3 else 0
        low, high = self.getViewBox().viewRange()[1]
        return bool(before) and abs((high - low) - float(str(before))) > 0.5

    def _clicked(self, event: Any) -> None:
        if event.button() != QtCore.Qt.MouseButton.LeftButton or not self._order.size:
            return
        place = self.getViewBox().mapSceneToView(event.scenePos())
        row = int(np.floor(place.y()))
        if 0 <= row < self._order.size:
            self.picked.emit(int(self._order[row]))
