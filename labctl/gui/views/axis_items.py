"""Draw spectral axes: never an SI prefix on nm, eV or cm⁻¹, and a second scale on top."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg

from labctl.gui.views.axes import AxisUnit, SpectralScale, from_nm, to_nm

MOST_TICKS = 9


def set_label(axis: pg.AxisItem, text: str) -> None:
    """Write what an axis shows, with its unit, into its middle; the same text costs nothing."""
    if text != axis.labelText:
        axis.setLabel(text)
        # pyqtgraph begins a new text where the old one began
        axis.resizeEvent()


class PlainAxis(pg.AxisItem):  # type: ignore[misc]
    """Show numbers as they are, without SI prefixes."""

    def __init__(self, orientation: str, **options: Any) -> None:
        super().__init__(orientation, **options)
        self.enableAutoSIPrefix(False)


class SecondAxis(PlainAxis):
    """Show the values of the lower axis in another unit, with round numbers in that unit."""

    def __init__(self) -> None:
        super().__init__("top")
        self._scale = SpectralScale()
        self._step = 1.0

    def show_scale(self, scale: SpectralScale) -> None:
        """Follow the lower axis; without a second unit the axis is left blank."""
        self._scale = scale
        second = scale.second
        self.setStyle(showValues=second is not None)
        set_label(self, scale.label(second) if second else "")
        self.picture = None
        self.update()

    def tickValues(  # noqa: N802
        self,
        minVal: float,  # noqa: N803
        maxVal: float,  # noqa: N803
        size: float,
    ) -> list[tuple[float, list[float]]]:
        """Return the places of the ticks on the lower axis."""
        ends = self._ends(minVal, maxVal)
        if ends is None:
            return []
        low, high = ends
        wanted = max(2, min(MOST_TICKS, int(size / 90)))
        self._step = round_step((high - low) / wanted)
        first = np.ceil(low / self._step)
        marks = np.arange(first, np.floor(high / self._step) + 1) * self._step
        places = [self._below(float(mark)) for mark in marks]
        return [(self._step, [place for place in places if np.isfinite(place)])]

    def tickStrings(  # noqa: N802
        self,
        values: Sequence[float],
        scale: float,  # noqa: ARG002
        spacing: float,  # noqa: ARG002
    ) -> list[str]:
        """Return the numbers in the second unit."""
        decimals = max(0, -int(np.floor(np.log10(self._step) + 1e-9)))
        texts = [f"{self._above(value):.{decimals}f}" for value in values]
        return ["0" if float(text) == 0 else text for text in texts]

    def _ends(self, low: float, high: float) -> tuple[float, float] | None:
        if self._scale.second is None or not low < high:
            return None
        ends = sorted((self._above(low), self._above(high)))
        return (ends[0], ends[1]) if np.all(np.isfinite(ends)) and ends[0] < ends[1] else None

    def _above(self, value: float) -> float:
        second = self._scale.second or AxisUnit.NM
        wavelength_nm = self._scale.nm(value)
        if not np.isfinite(wavelength_nm) or wavelength_nm <= 0:
            return float("nan")
        return float(from_nm(np.array([wavelength_nm]), second, self._scale.laser_nm)[0])

    def _below(self, mark: float) -> float:
        wavelength_nm = to_nm(mark, self._scale.second or AxisUnit.NM, self._scale.laser_nm)
        return self._scale.of_one(wavelength_nm) if wavelength_nm > 0 else float("nan")


class ListedAxis(PlainAxis):
    """Label rows by a list of values: row number i shows `labels[i]`."""

    def __init__(self, orientation: str = "left") -> None:
        super().__init__(orientation)
        self._labels: Sequence[str] = ()

    def show_labels(self, labels: Sequence[str]) -> None:
        """Set what the rows are called."""
        self._labels = labels
        self.picture = None
        self.update()

    def tickValues(  # noqa: N802
        self,
        minVal: float,  # noqa: N803
        maxVal: float,  # noqa: N803
        size: float,
    ) -> list[tuple[float, list[float]]]:
        """Return the middles of some rows, as many as there is room for."""
        room = max(2, int(size / 28))
        step = max(1, int(round_step((maxVal - minVal) / room)))
        first = max(0, int(np.floor(minVal / step)) * step)
        rows = range(first, min(int(np.ceil(maxVal)), len(self._labels)), step)
        return [(float(step), [row + 0.5 for row in rows if minVal <= row + 0.5 <= maxVal])]

    def tickStrings(  # noqa: N802
        self,
        values: Sequence[float],
        scale: float,  # noqa: ARG002
        spacing: float,  # noqa: ARG002
    ) -> list[str]:
        """Return the labels of the rows that are marked."""
        return [self._label(value) for value in values]

    def _label(self, value: float) -> str:
        # rows are drawn from i to i + 1: their middle carries the label
        row = int(np.floor(value))
        return self._labels[row] if 0 <= row < len(self._labels) else ""


def round_step(step: float) -> float:
    """Return the next round number: 1, 2 or 5 times a power of ten."""
    if not np.isfinite(step) or step <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(step))
    return float(next(part for part in (1, 2, 5, 10) if part * power >= step * 0.999) * power)
