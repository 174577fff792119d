"""Draw how one value went lately, with what it was set to."""

from collections import deque
from typing import Any

import numpy as np
import pyqtgraph
from qtpy import QtWidgets

from labctl.gui import theme

KEPT = 3000
SPAN_S = 1800.0
LEAST_SPAN = 0.2
"""A chart of a steady value is not stretched until its noise fills it."""


class StripChart(QtWidgets.QWidget):
    """Draw a value against time; what is older than half an hour has gone.

    Times are of the station's clock, in s.
    """

    def __init__(self, name: str, symbol: str, unit: str) -> None:
        super().__init__()
        self._times: deque[float] = deque(maxlen=KEPT)
        self._values: deque[float] = deque(maxlen=KEPT)
        self._target: float | None = None
        self.setAccessibleName(f"{name} against time, {unit}")
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.plot = pyqtgraph.PlotWidget()
        self.plot.setFixedHeight(104)
        self.plot.setMenuEnabled(False)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setLabel("left", f"{symbol} ({unit})")
        self.plot.setLabel("bottom", "Time from now (min)")
        for side in ("left", "bottom"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.getAxis("left").setWidth(58)
        self.plot.setXRange(-SPAN_S / 60, 0, padding=0)
        self._curve = self.plot.plot()
        self._line = pyqtgraph.InfiniteLine(angle=0)
        self._line.setVisible(False)
        self.plot.addItem(self._line)
        column.addWidget(self.plot)
        theme.changed().connect(self.paint)
        self.paint()

    @property
    def times_s(self) -> list[float]:
        """Return the times, ascending, in s."""
        return list(self._times)

    @property
    def values(self) -> list[float]:
        """Return the values that belong to them."""
        return list(self._values)

    def add(self, time_s: float, value: float) -> None:
        """Add a value, unless it is not newer than the last one."""
        if self._times and time_s <= self._times[-1]:
            return
        self._times.append(time_s)
        self._values.append(value)

    def clear(self) -> None:
        """Forget everything: the clock has been started anew."""
        self._times.clear()
        self._values.clear()

    def set_target(self, value: float | None) -> None:
        """Draw what the value was set to as a dashed line."""
        self._target = value

    def draw(self) -> None:
        """Draw what was added."""
        if not self._times:
            return
        times = np.array(self._times)
        shown = times >= times[-1] - SPAN_S
        values = np.array(self._values)[shown]
        self._curve.setData((times[shown] - times[-1]) / 60, values)
        target = self._target
        self._line.setVisible(target is not None)
        if target is not None:
            self._line.setValue(target)
        low = min(float(values.min()), values.min() if target is None else target)
        high = max(float(values.max()), values.max() if target is None else target)
        missing = max(LEAST_SPAN - (high - low), 0.0) / 2
        self.plot.setYRange(low - missing, high + missing, padding=0.1)

    def paint(self, *_: Any) -> None:
        """Take the colours of the theme."""
        colours = theme.current()
        theme.style_plot(self.plot)
        self._curve.setPen(pyqtgraph.mkPen(colours.series[0], width=1.5))
        dashes = pyqtgraph.QtCore.Qt.PenStyle.DashLine
        self._line.setPen(pyqtgraph.mkPen(colours.dim, style=dashes))
