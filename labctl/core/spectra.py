"""Hold what the camera counted, untouched, with all that is needed to make sense of it later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from labctl.core.readings import Quality, Scalar

HC_EV_NM = 1239.841984
"""Planck constant times speed of light, in eV nm (CODATA 2018, exact)."""


@dataclass(frozen=True, slots=True)
class Detector:
    """Describe how counts relate to photoelectrons.

    `bias_counts` is the nominal offset of one readout; `read_noise_e` is rms per readout.
    A pixel (or binned register) at `saturation_counts` or above is not linear.
    """

    gain_e_per_count: float
    read_noise_e: float
    bias_counts: float
    saturation_counts: float
    pixel_um: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Hold what every camera acquisition has in common.

    `counts` are raw and never altered. `wavelength_nm` is derived: `calibrations` names, by
    content identity, every calibration that was used for it. `beams` are those that were open.
    `settings` are the read-backs at the time of the exposure (grating, centre_nm, rows, …).
    """

    counts: np.ndarray
    wavelength_nm: np.ndarray
    exposure_s: float
    beams: tuple[str, ...]
    laser_nm: float | None
    detector: Detector
    utc: datetime
    monotonic_s: float
    medium: str = "air"
    quality: Quality = Quality.GOOD
    reason: str = ""
    calibrations: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def accumulations(self) -> int:
        """Return the number of separately stored exposures."""
        return int(self.counts.shape[0])

    @property
    def energy_ev(self) -> np.ndarray:
        """Return the photon energy of each pixel in eV, shape (pixels,); no refractive index."""
        return HC_EV_NM / self.wavelength_nm

    @property
    def shift_cm1(self) -> np.ndarray:
        """Return the Raman shift of each pixel in cm⁻¹, shape (pixels,); negative: anti-Stokes.

        Raises
        ------
        ValueError
            If no laser was open, so that there is no shift.
        """
        if self.laser_nm is None:
            raise ValueError("a spectrum without a laser has no Raman shift")
        return np.asarray(1e7 / self.laser_nm - 1e7 / self.wavelength_nm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum(Exposure):
    """Hold binned spectra: `counts` has shape (accumulations, pixels)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame(Exposure):
    """Hold camera images: `counts` has shape (accumulations, rows, pixels)."""


def exposure_metadata(exposure: Exposure) -> dict[str, Any]:
    """Return everything but the arrays as plain JSON values."""
    detector = exposure.detector
    return {
        "exposure_s": exposure.exposure_s,
        "beams": list(exposure.beams),
        "laser_nm": exposure.laser_nm,
        "detector": [
            detector.gain_e_per_count,
            detector.read_noise_e,
            detector.bias_counts,
            detector.saturation_counts,
            detector.pixel_um,
        ],
        "medium": exposure.medium,
        "quality": exposure.quality.value,
        "reason": exposure.reason,
        "calibrations": dict(exposure.calibrations),
        "settings": dict(exposure.settings),
    }
