"""Show the chip with the rows that are binned, and the spectrum that they give."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.views.axes import COUNTS
from labctl.gui.views.axis_items import PlainAxis
from labctl.gui.views.colour_bar import ColourBar
from labctl.gui.views.colours import intensity_map

FIRST_CHIP = (400, 1340)
MOST_SAMPLES = 10_000
LEVEL_PERCENT = (1.0, 99.8)
APART = 12
"""Pixels between both plots: half a line of text, so that their axes do not write on each other."""
HOT_SIGMA = 12.0
"""A pixel is hot if it stands above its neighbours by so many standard deviations of them."""

Rows = tuple[int, int]


class ImagePlot(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """Show an image with a draggable band of rows, and below it the band's spectrum."""

    rows_changed = QtCore.Signal(int, int)
    """Emitted with the first and the last row of the band, while it is dragged."""
    pixel_read = QtCore.Signal(int, int, float)
    """Emitted with row, column and counts under the mouse."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("CCD image")
        self.setMinimumSize(240, 200)
        self.counts = np.zeros((1, 1), np.float32)
        self.levels = (0.0, 1.0)
        self.is_auto = True
        self.masks_hot = False
        self._hot: np.ndarray | None = None
        self.chip = self.addPlot(0, 0, axisItems=_axes())
        self.chip.setLabel("left", "Row (pixel)")
        self.chip.hideButtons()
        self.chip.setMenuEnabled(False)
        self.chip.getAxis("bottom").setStyle(showValues=False)
        self._image = pg.ImageItem(axisOrder="row-major", autoDownsample=True)
        self.chip.addItem(self._image)
        self._bar = ColourBar(self._image)
        self.addItem(self._bar, 0, 1)
        self._band = pg.LinearRegionItem((0, 1), orientation="horizontal", swapMode="sort")
        self._band.setToolTip("Rows that are added up to the spectrum below: drag them")
        self._band.sigRegionChanged.connect(self._dragged)
        self.chip.addItem(self._band, ignoreBounds=True)
        self.binned = self.addPlot(1, 0, axisItems=_axes())
        self.binned.setLabel("bottom", "Column (pixel)")
        self.binned.setLabel("left", "Sum (counts)")
        self.binned.hideButtons()
        self.binned.setMenuEnabled(False)
        self.binned.setXLink(self.chip)
        self._curve = pg.PlotDataItem(skipFiniteCheck=True)
        self.binned.addItem(self._curve, ignoreBounds=True)
        self.ci.layout.setRowSpacing(0, APART)
        self.ci.layout.setRowStretchFactor(0, 3)
        self.ci.layout.setRowStretchFactor(1, 2)
        for plot in (self.chip, self.binned):
            plot.getAxis("left").setWidth(70)
        self.show_chip(*FIRST_CHIP)
        self._mouse = pg.SignalProxy(self.scene().sigMouseMoved, rateLimit=20, slot=self._moved)
        self.restyle()

    @property
    def rows(self) -> Rows:
        """Return the first and the last row of the band."""
        low, high = self._band.getRegion()
        last = self.counts.shape[0] - 1
        first = min(max(round(low), 0), last)
        return first, min(max(round(high) - 1, first), last)

    @property
    def binned_counts(self) -> np.ndarray:
        """Return the spectrum below: the rows of the band added up, shape (columns,)."""
        first, last = self.rows
        band = self._shown()[first : last + 1]
        return np.asarray(band.sum(axis=0, dtype=np.float64))

    @property
    def hot_pixels(self) -> int:
        """Return how many pixels are masked."""
        return 0 if self._hot is None else int(self._hot.sum())

    def show_image(self, counts: np.ndarray) -> None:
        """Show an image of shape (rows, columns)."""
        is_new = counts.shape != self.counts.shape
        self.counts = counts
        if is_new:
            self._fit()
        if self.masks_hot and (self._hot is None or is_new):
            self._hot = hot_pixels(counts)
        if self.is_auto:
            self.levels = _settled(self.levels, auto_levels(counts))
        if counts.size > 1:
            self._bar.show_levels(self.levels, COUNTS)
        self._image.setImage(self._shown(), autoLevels=False)
        self._draw_binned()

    def show_chip(self, rows: int, columns: int) -> None:
        """Show a chip of a size before there is an image of it."""
        self.chip.setRange(xRange=(0, columns), yRange=(0, rows), padding=0.0)

    def set_rows(self, first: int, last: int) -> None:
        """Put the band on rows, the last one included."""
        self._band.setRegion((min(first, last), max(first, last) + 1))

    def set_levels(self, low: float, high: float) -> None:
        """Show counts between two levels from now on."""
        self.is_auto = False
        self.levels = (low, max(high, low + 1.0))
        self._bar.show_levels(self.levels, COUNTS)

    def set_auto(self, on: bool) -> None:
        """Follow the counts with the levels."""
        self.is_auto = on
        self.show_image(self.counts)

    def mask_hot(self, on: bool) -> None:
        """Replace hot pixels by the median of their neighbours in what is shown."""
        self.masks_hot, self._hot = on, None
        self.show_image(self.counts)

    def reset_view(self) -> None:
        """Show the whole chip."""
        self._fit()
        self.binned.enableAutoRange(y=True)

    def restyle(self) -> None:
        """Take the colours of the theme."""
        now = theme.current()
        self.setBackground(now.plot_background)
        for plot in (self.chip, self.binned):
            theme.style_plot(plot)
        self._bar.restyle(intensity_map())
        self._curve.setPen(pg.mkPen(now.accent))
        shade = QtGui.QColor(now.stokes)
        shade.setAlpha(45)
        self._band.setBrush(shade)
        self._band.setHoverBrush(shade)
        for line in self._band.lines:
            line.setPen(pg.mkPen(now.stokes, width=2))
            line.setHoverPen(pg.mkPen(now.text, width=2))

    def _shown(self) -> np.ndarray:
        if not self.masks_hot or self._hot is None or not self._hot.any():
            return self.counts
        return without(self.counts, self._hot)

    def _fit(self) -> None:
        self.show_chip(*self.counts.shape)

    def _draw_binned(self) -> None:
        binned = self.binned_counts
        self._curve.setData(np.arange(binned.size) + 0.5, binned)
        low, high = float(binned.min()), float(binned.max())
        bottom, top = self.binned.getViewBox().viewRange()[1]
        span = max(high - low, 1.0)
        if low < bottom or high > top or top - bottom > 2.0 * span:
            self.binned.setYRange(low - 0.08 * span, high + 0.15 * span, padding=0.0)

    def _dragged(self) -> None:
        self._draw_binned()
        self.rows_changed.emit(*self.rows)

    def _moved(self, event: tuple[Any, ...]) -> None:
        if self.chip.sceneBoundingRect().contains(event[0]):
            place = self.chip.getViewBox().mapSceneToView(event[0])
            row, column = int(np.floor(place.y())), int(np.floor(place.x()))
            if 0 <= row < self.counts.shape[0] and 0 <= column < self.counts.shape[1]:
                self.pixel_read.emit(row, column, float(self.counts[row, column]))


def auto_levels(counts: np.ndarray) -> tuple[float, float]:
    """Return the levels between which nearly all of a part of the pixels lie."""
    step = max(1, counts.size // MOST_SAMPLES)
    low, high = np.percentile(counts.reshape(-1)[::step], LEVEL_PERCENT)
    return float(low), float(max(high, low + 1.0))


def hot_pixels(counts: np.ndarray) -> np.ndarray:
    """Return which pixels stand far above their neighbours in the row, shape as the image.

    One image cannot tell a hot pixel from a cosmic ray; both are masked, in the display only.
    """
    from scipy.ndimage import median_filter

    excess = counts.astype(np.float32) - median_filter(counts.astype(np.float32), size=(1, 5))
    sigma = 1.4826 * float(np.median(np.abs(excess))) or 1.0
    level = np.sqrt(np.maximum(counts - np.median(counts), 0.0))
    return np.asarray(excess > HOT_SIGMA * np.maximum(sigma, level))


def without(counts: np.ndarray, hot: np.ndarray) -> np.ndarray:
    """Return an image whose hot pixels have the mean of their neighbours in the row."""
    shown = counts.astype(np.float32)
    rows, columns = np.nonzero(hot)
    left = np.maximum(columns - 2, 0)
    right = np.minimum(columns + 2, counts.shape[1] - 1)
    shown[rows, columns] = 0.5 * (shown[rows, left] + shown[rows, right])
    return shown


def _settled(shown: tuple[float, float], fresh: tuple[float, float]) -> tuple[float, float]:
    """Keep levels that still fit, so that noise does not make the image flicker."""
    span = fresh[1] - fresh[0]
    fits = all(abs(one - other) < 0.15 * span for one, other in zip(shown, fresh, strict=True))
    return shown if fits else fresh


def _axes() -> dict[str, PlainAxis]:
    return {"bottom": PlainAxis("bottom"), "left": PlainAxis("left")}
