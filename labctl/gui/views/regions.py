"""Draw the Stokes and the anti-Stokes region: a pair of mirror images that people drag."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy import QtCore, QtGui

from labctl.analysis.ratio_fit import WINDOW_CM1
from labctl.gui import theme
from labctl.gui.views.axes import AxisUnit as _Unit
from labctl.gui.views.axes import SpectralScale, to_nm

NARROWEST_CM1 = 5.0

Window = tuple[float, float]


class RegionPair(QtCore.QObject):
    """Hold both regions on a plot.

    They are kept in cm⁻¹, whatever the axis shows. While `is_mirrored`, dragging one moves the
    other. In every theme they differ by letter and hatching, not by colour alone.
    """

    changed = QtCore.Signal(object)
    """Emitted with the window, (low, high) in cm⁻¹, while somebody drags it."""
    committed = QtCore.Signal(object, object)
    """Emitted with the windows before and after, when a drag or an edit has ended."""

    def __init__(self, plot: pg.PlotItem) -> None:
        super().__init__()
        self._scale = SpectralScale()
        self._windows: dict[int, Window] = {1: WINDOW_CM1, -1: WINDOW_CM1}
        self._before: dict[int, Window] = dict(self._windows)
        self.is_mirrored = True
        self._is_wanted = True
        self._items = {side: self._item(plot, side) for side in (1, -1)}
        self.restyle()

    @property
    def window_cm1(self) -> Window | None:
        """Return the common window in cm⁻¹; None if the two are not mirror images."""
        stokes, anti_stokes = self._windows[1], self._windows[-1]
        return stokes if np.allclose(stokes, anti_stokes, atol=0.05) else None

    @property
    def stokes_cm1(self) -> Window:
        """Return the Stokes window in cm⁻¹, (low, high)."""
        return self._windows[1]

    @property
    def anti_stokes_cm1(self) -> Window:
        """Return the anti-Stokes window as (low, high) of its distance to the laser, in cm⁻¹."""
        return self._windows[-1]

    def item(self, side: int) -> pg.LinearRegionItem:
        """Return what is drawn: side +1 is Stokes, −1 anti-Stokes."""
        return self._items[side]

    def set_windows(self, stokes: Window, anti_stokes: Window | None = None) -> None:
        """Move the regions; without the second window they become mirror images."""
        before = dict(self._windows)
        self._windows = {1: _ordered(stokes), -1: _ordered(anti_stokes or stokes)}
        self._place()
        self.changed.emit(self.window_cm1)
        if before != self._windows:
            self.committed.emit(before, dict(self._windows))
            self._before = dict(self._windows)

    def show_scale(self, scale: SpectralScale) -> None:
        """Follow the axis of the plot."""
        self._scale = scale
        self._place()

    def set_wanted(self, wanted: bool) -> None:
        """Show or hide both."""
        self._is_wanted = wanted
        self._place()

    def restyle(self) -> None:
        """Take the colours of the theme."""
        now = theme.current()
        for side, colour, pattern in (
            (1, now.stokes, QtCore.Qt.BrushStyle.FDiagPattern),
            (-1, now.anti_stokes, QtCore.Qt.BrushStyle.BDiagPattern),
        ):
            shade = QtGui.QColor(colour)
            shade.setAlpha(60)
            item = self._items[side]
            item.setBrush(QtGui.QBrush(shade, pattern))
            shade.setAlpha(110)
            item.setHoverBrush(QtGui.QBrush(shade, pattern))
            for line in item.lines:
                line.setPen(pg.mkPen(colour))
                line.setHoverPen(pg.mkPen(now.text))
            item.name_label.setColor(QtGui.QColor(colour))

    def _item(self, plot: pg.PlotItem, side: int) -> Any:
        item = pg.LinearRegionItem(swapMode="sort")
        item.setZValue(-5)
        item.name_label = pg.InfLineLabel(
            item.lines[0],
            text="S" if side > 0 else "aS",
            position=0.94,
            # to the right of the lower edge in either half of the plot: inside
            anchors=[(-0.3, 0.5), (-0.3, 0.5)],
        )
        item.setToolTip(
            f"{'Stokes' if side > 0 else 'Anti-Stokes'} region of the temperature: drag it, "
            "or type it below"
        )
        item.sigRegionChanged.connect(lambda: self._dragged(side))
        item.sigRegionChangeFinished.connect(self._finished)
        plot.addItem(item, ignoreBounds=True)
        return item

    def _dragged(self, side: int) -> None:
        laser_nm = self._scale.laser_nm
        if laser_nm is None:
            return
        edges = [self._scale.nm(value) for value in self._items[side].getRegion()]
        shifts = sorted(side * (1e7 / laser_nm - 1e7 / edge) for edge in edges)
        self._windows[side] = _ordered((shifts[0], shifts[1]))
        if self.is_mirrored:
            self._windows[-side] = self._windows[side]
        self._place(but=side)
        self.changed.emit(self.window_cm1)

    def _finished(self) -> None:
        if self._before != self._windows:
            before, self._before = self._before, dict(self._windows)
            self.committed.emit(before, dict(self._windows))

    def _place(self, but: int = 0) -> None:
        laser_nm = self._scale.laser_nm
        for side, item in self._items.items():
            item.setVisible(self._is_wanted and laser_nm is not None)
            if laser_nm is None or side == but:
                continue
            shifts = [side * edge for edge in self._windows[side]]
            edges = [self._scale.of_one(to_nm(one, _Unit.CM1, laser_nm)) for one in shifts]
            blocker = QtCore.QSignalBlocker(item)
            item.setRegion(sorted(edges))
            blocker.unblock()


def _ordered(window: Window) -> Window:
    low, high = sorted(window)
    low = max(0.0, low)
    return low, max(high, low + NARROWEST_CM1)
