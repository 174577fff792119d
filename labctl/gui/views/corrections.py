"""Correct the counts that are shown as the switches above the spectrum say."""

import numpy as np

from labctl.core.spectra import Detector
from labctl.gui.views.calibrations import Calibrations
from labctl.gui.views.darks import Darks
from labctl.gui.views.exposures import Pooling, Shown
from labctl.gui.views.markers import shown_counts
from labctl.gui.views.spectrum_bar import SpectrumBar


class Corrections:
    """Average, subtract the dark, divide by the response, remove cosmic rays: for the eye only."""

    def __init__(
        self, bar: SpectrumBar, pooling: Pooling, darks: Darks, calibrations: Calibrations
    ) -> None:
        self._bar, self._pooling = bar, pooling
        self._darks, self._calibrations = darks, calibrations

    def counts(self, frame: Shown, detector: Detector) -> np.ndarray:
        """Return the counts to be drawn, shape (pixels,); offers the switches that can be used."""
        bar = self._bar
        mean = self._pooling.mean() if bar.is_on("average") else None
        dark = self._darks.counts_for(frame)
        bar.offer("dark", dark is not None, "No dark of this exposure yet: take one")
        response = self._calibrations.response(frame.wavelength_nm)
        bar.offer("response", response is not None, "There is no response calibration")
        return shown_counts(
            np.asarray(frame.counts, float) if mean is None else mean,
            dark=dark if bar.is_on("dark") else None,
            response=response if bar.is_on("response") else None,
            without_cosmics=bar.is_on("cosmics"),
            read_variance=(detector.read_noise_e / detector.gain_e_per_count) ** 2,
            bias=detector.bias_counts,
        )
