"""Draw what a calibration was off by, and what the new one leaves."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyqtgraph
from qtpy import QtWidgets

from labctl.gui import theme
from labctl.gui.wizards.kinds import UNITS, Method


class ResidualPlot(pyqtgraph.PlotWidget):  # type: ignore[misc]
    """Draw residuals before (open circles) and after (filled) with a line at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(170)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setAccessibleName("Residuals before and after")
        self._legend = self.addLegend(offset=(-8, 8))
        self._zero = pyqtgraph.InfiniteLine(0.0, angle=0)
        self.addItem(self._zero)
        self._before = pyqtgraph.ScatterPlotItem(size=11, symbol="o")
        self._after = pyqtgraph.ScatterPlotItem(size=9, symbol="d")
        for item, name in ((self._before, "before"), (self._after, "after")):
            self.addItem(item)
            self._legend.addItem(item, name)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        self.setLabel("left", "Residual")
        self.setLabel("bottom", "nothing measured yet")
        theme.changed().connect(self.paint_theme)
        self.paint_theme()

    def clear_points(self) -> None:
        """Show that nothing was measured."""
        self._before.setData([], [])
        self._after.setData([], [])

    def show_numbers(self, method: Method, numbers: Mapping[str, Any]) -> int:
        """Draw the lists of a result; returns how many points there are."""
        key, label = method.x
        stem, unit = method.residual, method.unit
        x = [one * method.scale for one in _numbers(numbers.get(key))]
        before = _numbers(numbers.get(f"{stem}_before_{unit}"))
        after = _numbers(numbers.get(f"{stem}_after_{unit}"))
        size = min(len(x), len(before), len(after))
        places = [math.log10(one) for one in x] if method.is_log and min(x, default=0) > 0 else x
        self._before.setData(places[:size], before[:size])
        self._after.setData(places[:size], after[:size])
        self.setLabel("bottom", label)
        self.setLabel("left", f"Residual ({UNITS[unit]})")
        self.getAxis("bottom").setTicks([_ticks(x)] if method.is_log else None)
        self.autoRange(padding=0.15)
        return size

    def paint_theme(self, *_: object) -> None:
        """Take the colours of the theme; before and after differ by shape too."""
        now = theme.current()
        theme.style_plot(self)
        self._before.setPen(pyqtgraph.mkPen(now.warning, width=1.8))
        self._before.setBrush(None)
        self._after.setPen(pyqtgraph.mkPen(now.accent))
        self._after.setBrush(pyqtgraph.mkBrush(now.accent))
        for _, label in self._legend.items:
            label.setText(label.text, color=now.text)
        self._zero.setPen(pyqtgraph.mkPen(now.dim))


def _ticks(values: Sequence[float]) -> list[tuple[float, str]]:
    """Return a place and a text for each value on an axis of decades."""
    return [(math.log10(one), f"{one:.3g}") for one in values if one > 0]


def _numbers(values: object) -> Sequence[float]:
    if not isinstance(values, list):
        return []
    return [float(one) for one in values if isinstance(one, int | float)]


def comparison(method: Method, numbers: Mapping[str, Any]) -> str:
    """Return before and after in words, with units; empty if the result has neither."""
    unit = UNITS[method.unit]
    before = numbers.get(f"rms_before_{method.unit}")
    after = numbers.get(f"rms_after_{method.unit}")
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return ""
    return f"RMS residual: before {before:.3g} {unit}, after {after:.3g} {unit}"


def finding(numbers: Mapping[str, Any]) -> str:
    """Return what was found in numbers with units; empty for a result of another kind."""

    def has(*names: str) -> bool:
        return all(isinstance(numbers.get(name), int | float) for name in names)

    if has("laser_nm", "laser_sigma_nm", "zero_cm1", "zero_sigma_cm1"):
        return (
            f"Laser at {numbers['laser_nm']:.4f} ± {numbers['laser_sigma_nm']:.4f} nm: shifts are "
            f"off by {numbers['zero_cm1']:+.2f} ± {numbers['zero_sigma_cm1']:.2f} cm⁻¹"
        )
    if has("offset_nm", "offset_sigma_nm", "allowed_nm"):
        return (
            f"Line off by {numbers['offset_nm']:+.4f} ± {numbers['offset_sigma_nm']:.4f} nm; "
            f"{numbers['allowed_nm']:.3f} nm is what fit and positioning explain"
        )
    if has("lines"):
        rejected = ", ".join(f"{one:.2f}" for one in numbers.get("rejected_nm") or ())
        return (
            f"{numbers['lines']} lines fitted, rejected: {f'{rejected} nm' if rejected else 'none'}"
        )
    if has("transmission", "offset_deg", "extinction"):
        return (
            f"Transmission {numbers['transmission']:.4f}, brightest at "
            f"{numbers['offset_deg']:.2f}°, extinction {numbers['extinction']:.2g}; standard: "
            f"{numbers.get('standard', 'unknown')}"
        )
    return ""


def make_note(text: str = "") -> QtWidgets.QLabel:
    """Return a label that wraps."""
    label = QtWidgets.QLabel(text)
    label.setWordWrap(True)
    return label
