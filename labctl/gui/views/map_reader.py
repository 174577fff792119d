"""Read a map: its places and recorded signal at once, what has to be fitted bit by bit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy import QtCore

from labctl.core.errors import LabctlError, StorageError
from labctl.core.spectra import Spectrum
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.theme import is_alive
from labctl.gui.views.exposures import Pool
from labctl.gui.views.map_values import MapValue, integrals, positions
from labctl.gui.views.thermometer import StoredCalibration, Thermometer

if TYPE_CHECKING:
    from labctl.store.reader import RunReader

RECORDED = ("row", "column", "x_um", "y_um", "signal_counts")
PASSES = 16
"""Every sixteenth point is read first, over the whole map; then those between."""
SPECTRA_AT_ONCE = 60
FITS_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """Say what a map shows, and of which region."""

    value: MapValue
    window_cm1: tuple[float, float]
    calibrations: Mapping[str, StoredCalibration]


@dataclass(frozen=True, slots=True)
class Part:
    """Hold values of some points; `sigmas` are NaN where a value has no error."""

    points: Sequence[int]
    values: np.ndarray
    sigmas: np.ndarray


class MapReader(QtCore.QObject):
    """Read one run in the link's threads, in pieces short enough for the window to stay smooth.

    `recorded` tells that more of `columns` is known, `computed` that more of `values` is.
    """

    recorded = QtCore.Signal()
    computed = QtCore.Signal()

    def __init__(self, run: OpenedRun, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._run = run
        self._is_closed = False
        self._total = 0
        self.is_reading = False
        """Whether points of the record are still to be read."""
        self._work = 0
        self.columns: dict[str, np.ndarray] = {name: np.empty(0) for name in RECORDED}
        self.values = np.empty(0)
        self.sigmas = np.empty(0)
        self.wanted: Wanted | None = None
        self.left = 0
        """Points that are still to be computed."""
        run.changed.connect(self.grow)
        self.grow()

    def close(self) -> None:
        """Read nothing any more."""
        if not self._is_closed:
            self._is_closed = True
            # the window deletes a run when another one is opened
            if is_alive(self._run):
                self._run.changed.disconnect(self.grow)

    def grow(self) -> None:
        """Read the points that were added since."""
        if self.is_reading or self._is_closed or self._run.total <= self._total:
            return
        first, self._total = self._total, self._run.total
        for name in RECORDED:
            more = np.full(self._total - first, np.nan)
            self.columns[name] = np.concatenate([self.columns[name], more])
        self.is_reading = True
        self._read_next(coarse_to_fine(first, self._total))

    def compute(self, wanted: Wanted) -> None:
        """Compute a value for every point, coarsely first; another one that is under way ends."""
        self.wanted = wanted
        self._work += 1
        self.values = np.full(self._total, np.nan)
        self.sigmas = np.full(self._total, np.nan)
        if wanted.value is MapValue.SIGNAL:
            self.values = self.columns["signal_counts"]
            self.left = 0
            self.computed.emit()
            return
        at_once = FITS_AT_ONCE if wanted.value is MapValue.TEMPERATURE else SPECTRA_AT_ONCE
        batches = [
            list(points[at : at + at_once])
            for points in coarse_to_fine(0, self._total)
            for at in range(0, len(points), at_once)
        ]
        self.left = self._total
        self._compute_next(iter(batches), self._work, wanted)

    # ---- inside

    def _read_next(self, passes: Iterator[Sequence[int]]) -> None:
        points = next(passes, None)
        if points is None or self._is_closed:
            self.is_reading = False
            self.recorded.emit()
            self.grow()
            return

        def take(found: Mapping[str, np.ndarray]) -> None:
            for name, values in found.items():
                self.columns[name][points] = values
            self.recorded.emit()
            self._read_next(passes)

        self._run.read(lambda reader: reader.numbers(RECORDED, points), take, self._stop)

    def _stop(self, _: LabctlError) -> None:
        self.is_reading = False

    def _compute_next(self, batches: Iterator[Sequence[int]], work: int, wanted: Wanted) -> None:
        points = next(batches, None)
        if points is None or self._is_closed or work != self._work:
            return

        def take(found: Part) -> None:
            if work != self._work:
                return
            self.values[list(found.points)] = found.values
            self.sigmas[list(found.points)] = found.sigmas
            self.left -= len(found.points)
            self.computed.emit()
            self._compute_next(batches, work, wanted)

        self._run.read(partial(compute_part, points=points, wanted=wanted), take)


def coarse_to_fine(first: int, last: int, passes: int = PASSES) -> Iterator[Sequence[int]]:
    """Yield all numbers from `first` to before `last`, in passes spread over the whole range."""
    if last - first <= 2 * passes:
        yield range(first, last)
        return
    # 0, 8, 4, 12, … : each pass falls into the middle of what is not known yet
    bits = passes.bit_length() - 1
    for turn in range(passes):
        offset = int(f"{turn:0{bits}b}"[::-1], 2)
        yield range(first + offset, last, passes)


def compute_part(reader: "RunReader", points: Sequence[int], wanted: Wanted) -> Part:
    """Return the wanted value of some points; NaN where it cannot be had."""
    values, sigmas = np.full(len(points), np.nan), np.full(len(points), np.nan)
    for index, number in enumerate(points):
        try:
            data = reader.point(number).data.values()
        except StorageError:
            continue
        spectrum = next((value for value in data if isinstance(value, Spectrum)), None)
        if spectrum is not None and spectrum.laser_nm is not None:
            values[index], sigmas[index] = value_of(spectrum, wanted)
    return Part(points, values, sigmas)


def value_of(spectrum: Spectrum, wanted: Wanted) -> tuple[float, float]:
    """Return value and error of one spectrum; only temperatures have an error."""
    if wanted.value is MapValue.TEMPERATURE:
        found = Thermometer(wanted.window_cm1, wanted.calibrations).measure(Pool(spectrum))
        temperature = found.temperature
        if temperature is None:
            return float("nan"), float("nan")
        return temperature.value_k, temperature.sigma_k
    compute = integrals if wanted.value is MapValue.INTEGRAL else positions
    mean = spectrum.counts.mean(axis=0, keepdims=True)
    return float(compute(spectrum.shift_cm1, mean, wanted.window_cm1)[0]), float("nan")
