"""Plot spectra against nm, eV or cm⁻¹, with a second axis on top and a cursor."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy import QtCore, QtGui

from labctl.gui import theme
from labctl.gui.views.axes import COUNTS, AxisUnit, CursorReading, SpectralScale, read_at
from labctl.gui.views.axis_items import PlainAxis, SecondAxis, set_label
from labctl.gui.views.legend import LegendRows
from labctl.gui.views.markers import Peak
from labctl.gui.views.regions import RegionPair
from labctl.gui.views.spectrum_cursor import SpectrumCursor

MOST_PINS = 8
LOWEST_LOG_COUNTS = 1.0
HEADROOM = 0.08


class Heights(StrEnum):
    """Say how the count axis is scaled."""

    AUTO = "auto"
    FIXED = "fixed"
    LOG = "log"


@dataclass(slots=True)
class Trace:
    """Hold one curve: data in nm and counts, and what draws them."""

    name: str
    wavelength_nm: np.ndarray
    counts: np.ndarray
    item: pg.PlotDataItem


class SpectrumPlot(pg.PlotWidget):  # type: ignore[misc]
    """Show one live trace, pinned ones, the regions, the notch band, peaks and the cursor."""

    cursor_moved = QtCore.Signal(object)
    """Emitted with a `CursorReading`."""

    def __init__(self, parent: Any = None) -> None:
        axes = {"bottom": PlainAxis("bottom"), "left": PlainAxis("left"), "top": SecondAxis()}
        super().__init__(parent, axisItems=axes)
        self.setAccessibleName("spectrum")
        self.setMinimumSize(240, 160)
        self.scale_shown = SpectralScale(AxisUnit.CM1)
        self.heights = Heights.AUTO
        plot = self.getPlotItem()
        plot.showAxis("top")
        plot.setLabel("left", COUNTS)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.setDownsampling(auto=True, mode="peak")
        self._notch_nm: tuple[float, float] | None = None
        self._notch = pg.LinearRegionItem(movable=False)
        self._notch.setZValue(-8)
        self._notch.setToolTip("blocked by the notch filter")
        plot.addItem(self._notch, ignoreBounds=True)
        self._live = self._add_trace("live")
        self._live.item.setZValue(5)
        self._pins: list[Trace] = []
        self.regions = RegionPair(plot)
        self._legend = LegendRows(plot)
        self._labels: list[pg.TextItem] = []
        self._peaks: Sequence[Peak] = ()
        self._cursor = SpectrumCursor(self)
        self._cursor.moved.connect(self._tell_cursor)
        self.restyle()
        self.show_scale(self.scale_shown)

    # ---- data

    @property
    def live(self) -> Trace:
        """Return the newest spectrum."""
        return self._live

    @property
    def pins(self) -> Sequence[Trace]:
        """Return the pinned traces, the oldest first."""
        return tuple(self._pins)

    def show_spectrum(self, wavelength_nm: np.ndarray, counts: np.ndarray) -> None:
        """Draw the newest spectrum, both of shape (pixels,)."""
        is_new_axis = not _same_axis(self._live.wavelength_nm, wavelength_nm)
        self._live.wavelength_nm = np.asarray(wavelength_nm, float)
        self._live.counts = np.asarray(counts, float)
        self._draw(self._live)
        if is_new_axis:
            self._fit_x()
        if self.heights is not Heights.FIXED:
            self._fit_y()
        if self._cursor.is_shown:
            self._tell_cursor()

    def pin(self, name: str) -> None:
        """Keep the newest spectrum for comparison."""
        if self._live.counts.size:
            self.show_pinned(name, self._live.wavelength_nm, self._live.counts.copy())

    def show_pinned(self, name: str, wavelength_nm: np.ndarray, counts: np.ndarray) -> None:
        """Add a spectrum as a pinned trace; the oldest pin goes if there are too many."""
        if len(self._pins) >= MOST_PINS:
            self._remove(self._pins.pop(0))
        trace = self._add_trace(name)
        trace.wavelength_nm, trace.counts = np.asarray(wavelength_nm), np.asarray(counts, float)
        self._pins.append(trace)
        self._legend.addItem(trace.item, name)
        self._draw(trace)
        self.restyle()

    def clear_pins(self) -> None:
        """Remove all pinned traces."""
        while self._pins:
            self._remove(self._pins.pop())

    def show_peaks(self, peaks: Sequence[Peak]) -> None:
        """Label peaks with their position."""
        self._peaks = peaks
        self._draw_labels()

    # ---- axes

    def show_scale(self, scale: SpectralScale) -> None:
        """Change the unit of the axis or the laser that shifts are relative to."""
        cursor_nm = self._cursor_nm() if self._cursor.is_shown else None
        self.scale_shown = scale
        set_label(self.getAxis("bottom"), scale.label(scale.shown))
        self.getAxis("top").show_scale(scale)
        for trace in (self._live, *self._pins):
            self._draw(trace)
        self.regions.show_scale(scale)
        self._place_notch()
        self._draw_labels()
        self._fit_x()
        if cursor_nm is not None:
            self.set_cursor(cursor_nm)

    def set_heights(self, heights: Heights) -> None:
        """Scale the count axis automatically, keep it, or show logarithms."""
        self.heights = heights
        self.getPlotItem().setLogMode(False, heights is Heights.LOG)
        for trace in (self._live, *self._pins):
            self._draw(trace)
        self._draw_labels()
        if heights is not Heights.FIXED:
            self._fit_y()

    def show_notch(self, band_nm: tuple[float, float] | None) -> None:
        """Hatch what the notch filter blocks, in nm."""
        self._notch_nm = band_nm
        self._place_notch()

    def reset_view(self) -> None:
        """Show the whole spectrum."""
        self._fit_x()
        self._fit_y()

    # ---- cursor

    def toggle_cursor(self) -> None:
        """Show the cursor, following the mouse; or hide it."""
        self._cursor.toggle()

    def set_cursor(self, wavelength_nm: float) -> None:
        """Put the cursor at a wavelength; it stays there."""
        self._cursor.put(self.scale_shown.of_one(wavelength_nm))

    def cursor_reading(self) -> CursorReading | None:
        """Return what the cursor reads; None while it is hidden."""
        if not self._cursor.is_shown:
            return None
        wavelength_nm = self._cursor_nm()
        if not math.isfinite(wavelength_nm) or wavelength_nm <= 0:
            return None
        return read_at(
            wavelength_nm, self.scale_shown.laser_nm, self._live.wavelength_nm, self._live.counts
        )

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme.style_plot(self)
        now = theme.current()
        self._live.item.setPen(pg.mkPen(now.accent))
        for number, trace in enumerate(self._pins):
            colour = now.series[number % len(now.series)]
            trace.item.setPen(pg.mkPen(colour, style=_dashes(number)))
        blocked = QtGui.QColor(now.dim)
        blocked.setAlpha(120)
        self._notch.setBrush(QtGui.QBrush(blocked, QtCore.Qt.BrushStyle.DiagCrossPattern))
        for line in self._notch.lines:
            line.setPen(pg.mkPen(now.dim))
        self._cursor.restyle()
        for label in self._labels:
            label.setColor(now.text)
        self.regions.restyle()

    # ---- drawing

    def _add_trace(self, name: str) -> Trace:
        item = pg.PlotDataItem(skipFiniteCheck=True)
        self.getPlotItem().addItem(item, ignoreBounds=True)
        return Trace(name, np.empty(0), np.empty(0), item)

    def _remove(self, trace: Trace) -> None:
        self._legend.removeItem(trace.item)
        self.getPlotItem().removeItem(trace.item)

    def _draw(self, trace: Trace) -> None:
        if not trace.counts.size:
            return
        x, y = self.scale_shown.of(trace.wavelength_nm), trace.counts
        if self.heights is Heights.LOG:
            y = np.maximum(y, LOWEST_LOG_COUNTS)
        if x[0] > x[-1]:
            x, y = x[::-1], y[::-1]
        trace.item.setData(x, y)

    def _place_notch(self) -> None:
        band = self._notch_nm
        self._notch.setVisible(band is not None)
        if band is not None:
            self._notch.setRegion(sorted(self.scale_shown.of_one(edge) for edge in band))

    def _draw_labels(self) -> None:
        for label in self._labels[len(self._peaks) :]:
            label.hide()
        while len(self._labels) < len(self._peaks):
            label = pg.TextItem(anchor=(0.5, 1.1), color=theme.current().text)
            self.getPlotItem().addItem(label, ignoreBounds=True)
            self._labels.append(label)
        unit = self.scale_shown.shown
        for label, peak in zip(self._labels, self._peaks, strict=False):
            x = self.scale_shown.of_one(peak.wavelength_nm)
            y = peak.counts
            if self.heights is Heights.LOG:
                y = math.log10(max(y, LOWEST_LOG_COUNTS))
            label.setText(f"{x:.{max(unit.decimals - 2, 1)}f}")
            label.setPos(x, y)
            label.show()

    def _fit_x(self) -> None:
        if not self._live.wavelength_nm.size:
            return
        x = self.scale_shown.of(self._live.wavelength_nm[[0, -1]])
        self.setXRange(float(x.min()), float(x.max()), padding=0.0)

    def _fit_y(self) -> None:
        """Follow the data, without a change of the axis for every wiggle of the noise."""
        if not self._live.counts.size:
            return
        low, high = float(np.min(self._live.counts)), float(np.max(self._live.counts))
        if self.heights is Heights.LOG:
            low = math.log10(max(low, LOWEST_LOG_COUNTS))
            high = math.log10(max(high, 10 * LOWEST_LOG_COUNTS))
        span = max(high - low, 1e-3 if self.heights is Heights.LOG else 1.0)
        bottom, top = self.getViewBox().viewRange()[1]
        shown = top - bottom
        fits = bottom <= low and high <= top and shown < 1.6 * span * (1 + 2 * HEADROOM)
        if not fits:
            self.setYRange(low - HEADROOM * span, high + 2.5 * HEADROOM * span, padding=0.0)

    def _cursor_nm(self) -> float:
        return self.scale_shown.nm(self._cursor.place)

    def _tell_cursor(self) -> None:
        self.cursor_moved.emit(self.cursor_reading())


def _dashes(number: int) -> QtCore.Qt.PenStyle:
    styles = (
        QtCore.Qt.PenStyle.SolidLine,
        QtCore.Qt.PenStyle.DashLine,
        QtCore.Qt.PenStyle.DotLine,
        QtCore.Qt.PenStyle.DashDotLine,
    )
    return styles[number % len(styles)]


def _same_axis(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.abs(one[[0, -1]] - other[[0, -1]]).max() < 0.5)
