"""Let people set the regions: by mouse, by number, mirrored or not, and take changes back."""

from collections.abc import Mapping
from typing import Any

from qtpy import QtCore

from labctl.gui.state import State
from labctl.gui.views.regions import RegionPair, Window
from labctl.gui.views.spectrum_bar import SpectrumBar

KEY = "spectrum.region_cm1"
MOST_UNDO = 20


class RegionEditor(QtCore.QObject):
    """Keep regions, boxes and the state in step; `changed` tells that a region moved."""

    changed = QtCore.Signal()

    def __init__(self, regions: RegionPair, bar: SpectrumBar, state: State) -> None:
        super().__init__(bar)
        self._regions, self._bar, self._state = regions, bar, state
        self._undo: list[Mapping[int, Window]] = []
        saved: list[Any] = state.get(KEY, [], list)
        if len(saved) == 2 and all(isinstance(edge, int | float) for edge in saved):
            regions.set_windows((float(saved[0]), float(saved[1])))
        bar.show_window(regions.stokes_cm1)
        regions.set_wanted(bar.is_on("regions"))
        bar.window_typed.connect(lambda low, high: regions.set_windows((low, high)))
        bar.mirror_toggled.connect(self._mirror)
        regions.changed.connect(lambda _: self._moved())
        regions.committed.connect(self._committed)

    def undo(self) -> None:
        """Put the regions back to where they were before the last change."""
        if self._undo:
            before = self._undo.pop()
            blocker = QtCore.QSignalBlocker(self._regions)
            self._regions.set_windows(before[1], before[-1])
            blocker.unblock()
            self._moved()

    def _mirror(self, on: bool) -> None:
        self._regions.is_mirrored = on
        if on:
            self._regions.set_windows(self._regions.stokes_cm1)

    def _moved(self) -> None:
        self._bar.show_window(self._regions.stokes_cm1)
        self._state.set(KEY, list(self._regions.stokes_cm1))
        self.changed.emit()

    def _committed(self, before: Mapping[int, Window], _: object) -> None:
        self._undo.append(before)
        del self._undo[:-MOST_UNDO]
