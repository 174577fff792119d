"""Find out what a spectrum says, in a worker thread: its temperature and its peaks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.core.spectra import Spectrum
from labctl.gui.views.exposures import Pool, Shown, pool_of
from labctl.gui.views.markers import Peak, find_peaks, shown_counts
from labctl.gui.views.thermometer import Readout, Thermometer


@dataclass(frozen=True, slots=True)
class Examined:
    """Hold what was found out about an exposure.

    `of` says which point of a run it is, because the next one may be shown by now; `turn` what
    the view showed then: a result of the live view is none of an opened run.
    """

    readout: Readout
    peaks: Sequence[Peak]
    of: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Examination:
    """Hold what is to be examined, so that nothing of it changes meanwhile.

    `exposures` are pooled, or one spectrum of the record; `wavelength_nm` and `counts` are what
    is drawn, for the peaks.
    """

    exposures: Sequence[Shown] | Pool
    darks: Sequence[Spectrum]
    thermometer: Thermometer
    wavelength_nm: np.ndarray
    counts: np.ndarray
    blocked_nm: tuple[float, float] | None
    wants_peaks: bool
    of: str
    turn: int

    def run(self) -> Examined:
        """Return temperature and peaks."""
        pool = self.exposures if isinstance(self.exposures, Pool) else pool_of(self.exposures)
        readout = self.thermometer.measure(pool, self.darks)
        return Examined(readout, self._peaks(), self.of, self.turn)

    def _peaks(self) -> Sequence[Peak]:
        if not self.wants_peaks:
            return ()
        # a cosmic ray is no peak, whether it is shown or not
        level = float(np.median(self.counts))
        clean = shown_counts(self.counts, without_cosmics=True, bias=level)
        return find_peaks(self.wavelength_nm, clean, self.blocked_nm)
