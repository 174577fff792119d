"""Choose which spectrum of a run is shown."""

from typing import TYPE_CHECKING

from qtpy import QtCore, QtGui, QtWidgets

from labctl.client.frames import LiveFrame
from labctl.core.errors import LabctlError
from labctl.core.spectra import Spectrum, exposure_metadata
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.theme import is_alive
from labctl.gui.views.tools import button, label, row

if TYPE_CHECKING:
    from labctl.store.reader import RunReader

ENDS = ("finished", "stopped", "aborted", "failed", "interrupted")

Found = tuple[int, Spectrum] | None


class PointBox(QtWidgets.QSpinBox):
    """Choose a number of many; the wheel turns it only while it has the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("number of the point")
        self.setToolTip("Number of the point, from 0")
        self.setKeyboardTracking(False)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)

    def show_last(self, last: int) -> None:
        """Allow numbers from 0 to `last`."""
        self.setRange(0, last)
        self.setSuffix(f" (0–{last})" if last else "")

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:  # noqa: N802
        """Turn only when somebody chose the box."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class PastBar(QtWidgets.QWidget):
    """Step through the spectra of a run; hidden until one was opened.

    No point is named before it was read: the live spectrum is shown until then. `found` carries
    the number of a point and its spectrum, `left` tells that the live spectrum is wanted again.
    """

    found = QtCore.Signal(int, object)
    left = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__()
        self.run: OpenedRun | None = None
        self._wanted: int | None = None
        self.point = PointBox()
        self.point.valueChanged.connect(self.show_point)
        self.name = label("opened run")
        self._chooser = QtWidgets.QWidget()
        self._chooser.setLayout(row(label("point", "Point"), self.point))
        live = button("Live", "Go back to what is being measured", self.leave)
        self.setLayout(row(self.name, self._chooser, live))
        self.hide()

    def show_run(self, run: OpenedRun) -> None:
        """Offer the points of a run; one that has ended is shown at once."""
        self.run, self._wanted = run, None
        self._chooser.hide()
        self.name.setText(f"{run.name}: reading …")
        run.changed.connect(self._grow)
        run.destroyed.connect(self._let_go)
        self._grow()
        self.setVisible(run.state in ENDS)
        if run.state in ENDS:
            self.show_point(self._first(run))

    def show_point(self, number: int) -> None:
        """Read a point, and tell its spectrum."""
        run = self.run
        if run is None or not 0 <= number < run.total:
            return
        self._wanted = number
        blocker = QtCore.QSignalBlocker(self.point)
        self.point.setValue(number)
        blocker.unblock()
        run.read(lambda reader: _spectrum_of(reader, number), self._take, self._miss)

    def leave(self) -> None:
        """Go back to the live spectrum."""
        self.run, self._wanted = None, None
        self.hide()
        self.left.emit()

    def _let_go(self) -> None:
        # the window deletes a run when another one begins: nothing can be read of it any more
        if self.run is not None and not is_alive(self.run):
            self.leave()

    def _take(self, found: Found) -> None:
        if found is None:
            self._say(f"point {self.point.value()} holds no spectrum")
        elif found[0] == self._wanted:
            self._say("")
            self.found.emit(*found)

    def _miss(self, error: LabctlError) -> None:
        self._say(f"point {self.point.value()} cannot be read", error.message)

    def _say(self, problem: str, why: str = "") -> None:
        run = "" if self.run is None else self.run.name
        self.name.setText(f"{run}: {problem}" if problem else run)
        self.name.setToolTip(why)
        self._chooser.show()

    def _grow(self) -> None:
        if self.run is not None:
            self.point.show_last(max(self.run.total - 1, 0))

    @staticmethod
    def _first(run: OpenedRun) -> int:
        """Return the number of the first spectrum with light."""
        series = run.main
        if series is None:
            return 0
        lit = [n for n, kind in zip(series.numbers, series.kinds, strict=True) if kind != "dark"]
        return int(lit[0]) if lit else 0


def frame_of(run: str, number: int, spectrum: Spectrum) -> LiveFrame:
    """Return a spectrum of a run like an exposure that is shown."""
    return LiveFrame(
        kind="spectrum",
        counts=spectrum.counts.mean(axis=0),
        wavelength_nm=spectrum.wavelength_nm,
        utc=spectrum.utc.isoformat(),
        quality=spectrum.quality,
        reason=spectrum.reason,
        run=run,
        point=number,
        saved=True,
        metadata=exposure_metadata(spectrum) | {"accumulations": spectrum.accumulations},
    )


def _spectrum_of(reader: "RunReader", number: int) -> Found:
    values = reader.point(number).data.values()
    spectrum = next((value for value in values if isinstance(value, Spectrum)), None)
    return None if spectrum is None else (number, spectrum)
