"""Draw values with their errors against time or a condition."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.views.axis_items import PlainAxis, set_label
from labctl.gui.views.legend import LegendRows
from labctl.gui.views.trend_data import Against, Series

MOST_BARS = 1500
"""Error bars that can be told apart on a screen; of more, evenly chosen ones are drawn."""
MOST_MARKS = 3000
_MARKS = ("o", "s", "t", "d", "+", "x", "star")


class UtcAxis(pg.DateAxisItem):  # type: ignore[misc]
    """Show UTC, whatever the zone of the machine."""

    def __init__(self) -> None:
        super().__init__("bottom", utcOffset=0)
        self.enableAutoSIPrefix(False)


class TrendPlot(pg.PlotWidget):  # type: ignore[misc]
    """Show several series; each has a mark and a line of its own beside its colour."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent, axisItems={"bottom": UtcAxis(), "left": PlainAxis("left")})
        self.setAccessibleName("trend")
        self.setMinimumSize(240, 160)
        plot = self.getPlotItem()
        plot.hideButtons()
        plot.setMenuEnabled(False)
        # of the plot, which overrides those of its curves
        plot.setDownsampling(auto=True, mode="peak")
        plot.setClipToView(True)
        self._legend = LegendRows(plot)
        self._curves: dict[str, pg.PlotDataItem] = {}
        self._bars: dict[str, pg.ErrorBarItem] = {}
        self._names: list[str] = []
        self._against = Against.TIME
        self.restyle()

    @property
    def names(self) -> Sequence[str]:
        """Return the names of what is drawn."""
        return tuple(self._names)

    def points_of(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return what is drawn of a series."""
        x, y = self._curves[name].getOriginalDataset()
        return (np.empty(0), np.empty(0)) if x is None else (x, y)

    def show_series(self, series: Sequence[Series], against: Against, unit: str) -> None:
        """Draw series, all of one unit, against something."""
        if against is not self._against:
            self._change_axis(against)
        set_label(self.getAxis("bottom"), against.label)
        quantity = "Temperature" if unit == "K" else "Value"
        set_label(self.getAxis("left"), f"{quantity} ({unit})")
        for name in set(self._names) - {one.name for one in series}:
            self._drop(name)
        for one in series:
            self._draw(one)

    def reset_view(self) -> None:
        """Show all values."""
        self.getViewBox().enableAutoRange()

    def restyle(self) -> None:
        """Take the colours of the theme."""
        theme.style_plot(self)
        for number, name in enumerate(self._names):
            self._paint(number, name)

    def _draw(self, one: Series) -> None:
        if one.name not in self._curves:
            self._add(one.name)
        marked = one.x.size <= MOST_MARKS
        curve = self._curves[one.name]
        curve.setData(one.x, one.y)
        curve.setSymbol(_mark(self._names.index(one.name)) if marked else None)
        step = max(1, one.x.size // MOST_BARS)
        known = np.flatnonzero(np.isfinite(one.sigma))[::step]
        bars = self._bars[one.name]
        bars.setVisible(bool(known.size))
        if known.size:
            sigma = one.sigma[known]
            bars.setData(x=one.x[known], y=one.y[known], top=sigma, bottom=sigma)

    def _add(self, name: str) -> None:
        curve = pg.PlotDataItem(symbolSize=7)
        bars = pg.ErrorBarItem(beam=0.0)
        plot = self.getPlotItem()
        plot.addItem(curve)
        plot.addItem(bars)
        self._legend.addItem(curve, name)
        self._curves[name], self._bars[name] = curve, bars
        self._names.append(name)
        self._paint(len(self._names) - 1, name)

    def _drop(self, name: str) -> None:
        plot = self.getPlotItem()
        curve, bars = self._curves.pop(name), self._bars.pop(name)
        self._legend.removeItem(curve)
        plot.removeItem(curve)
        plot.removeItem(bars)
        self._names.remove(name)
        for number, other in enumerate(self._names):
            self._paint(number, other)

    def _paint(self, number: int, name: str) -> None:
        now = theme.current()
        colour = QtGui.QColor(now.series[number % len(now.series)])
        if now.name == "red":
            # smooth edges are rounded up: just above what spares the rods
            colour = colour.darker(105)
        curve = self._curves[name]
        curve.setPen(pg.mkPen(colour, style=_style(number)))
        curve.setSymbolPen(pg.mkPen(colour))
        curve.setSymbolBrush(pg.mkBrush(now.plot_background if number % 2 else colour))
        self._bars[name].setData(pen=pg.mkPen(colour))

    def _change_axis(self, against: Against) -> None:
        self._against = against
        axis = UtcAxis() if against is Against.TIME else PlainAxis("bottom")
        self.getPlotItem().setAxisItems({"bottom": axis})
        theme.style_plot(self)
        self.reset_view()


def _mark(number: int) -> str:
    return _MARKS[number % len(_MARKS)]


def _style(number: int) -> QtCore.Qt.PenStyle:
    styles = (
        QtCore.Qt.PenStyle.SolidLine,
        QtCore.Qt.PenStyle.DashLine,
        QtCore.Qt.PenStyle.DotLine,
        QtCore.Qt.PenStyle.DashDotLine,
    )
    return styles[number % len(styles)]
