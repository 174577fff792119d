"""Turn raw counts into electrons with a variance that depends on the model, not on the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from labctl.analysis.cosmics import find_cosmics
from labctl.analysis.dark import DarkLevel, average_darks, nominal_dark, read_variance_e2
from labctl.core.errors import AnalysisError
from labctl.core.readings import Quality
from labctl.core.spectra import HC_EV_NM, Spectrum


@dataclass(frozen=True, slots=True, kw_only=True)
class Electrons:
    """Hold the photoelectrons of all accumulations together, dark subtracted.

    Where the light would give μ electrons, `signal_e` has the variance
    `variance_scale`·μ + `variance_floor_e2`; an infinite floor marks a pixel without data. The
    arrays have shape (pixels,), `cosmic` has shape (accumulations, pixels).
    """

    wavelength_nm: np.ndarray
    signal_e: np.ndarray
    variance_scale: np.ndarray
    variance_floor_e2: np.ndarray
    saturated: np.ndarray
    cosmic: np.ndarray
    accumulations: int
    exposure_s: float
    laser_nm: float | None
    calibrations: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def shift_cm1(self) -> np.ndarray:
        """Return the Raman shift of each pixel in cm⁻¹; negative: anti-Stokes."""
        if self.laser_nm is None:
            raise AnalysisError("a spectrum without a laser has no Raman shift")
        return np.asarray(1e7 / self.laser_nm - 1e7 / self.wavelength_nm)

    @property
    def energy_ev(self) -> np.ndarray:
        """Return the photon energy of each pixel in eV."""
        return HC_EV_NM / self.wavelength_nm

    def variance_e2(self, model_e: np.ndarray) -> np.ndarray:
        """Return the variance of the signal where the model expects `model_e` electrons."""
        return np.asarray(self.variance_scale * np.maximum(model_e, 0) + self.variance_floor_e2)


def to_electrons(
    spectrum: Spectrum,
    darks: Sequence[Spectrum] = (),
    *,
    clip_sigma: float = 5.0,
    fractional_noise: float = 0.01,
) -> Electrons:
    """Return the electrons of a spectrum, without dark and cosmic rays.

    The clean frames of each pixel are averaged and scaled to all accumulations. Without darks
    the detector's nominal bias is subtracted, which is noted in `remarks`.

    Raises
    ------
    AnalysisError
        If the spectrum is invalid, or a dark does not belong to it.
    """
    if spectrum.quality is Quality.INVALID:
        raise AnalysisError(f"spectrum of {spectrum.utc} is invalid: {spectrum.reason}")
    dark = average_darks(darks, spectrum) if darks else nominal_dark(spectrum)
    detector = spectrum.detector
    frames_e = detector.gain_e_per_count * (spectrum.counts - dark.level_counts)
    floor_e2 = read_variance_e2(detector) + dark.charge_e
    cosmic = find_cosmics(
        frames_e, floor_e2, clip_sigma=clip_sigma, fractional_noise=fractional_noise
    )
    signal_e, scale, variance_floor = _pool(frames_e, cosmic, floor_e2)
    dark_variance = (frames_e.shape[0] * detector.gain_e_per_count) ** 2 * dark.variance_counts2
    return Electrons(
        wavelength_nm=np.asarray(spectrum.wavelength_nm, float),
        signal_e=signal_e,
        variance_scale=scale,
        variance_floor_e2=variance_floor + dark_variance,
        saturated=np.any((spectrum.counts >= detector.saturation_counts) & ~cosmic, axis=0),
        cosmic=cosmic,
        accumulations=spectrum.accumulations,
        exposure_s=spectrum.exposure_s,
        laser_nm=spectrum.laser_nm,
        calibrations=dict(spectrum.calibrations),
        remarks=_remarks(spectrum, dark),
    )


def subtract_control(measured: Electrons, control: Electrons) -> Electrons:
    """Subtract a control exposure (laser off, pump only) as light that is also in `measured`.

    The control is scaled by the number of accumulations, and its noise is added.

    Raises
    ------
    AnalysisError
        If exposure times or axes differ.
    """
    same_axis = measured.wavelength_nm.shape == control.wavelength_nm.shape and np.allclose(
        measured.wavelength_nm, control.wavelength_nm, rtol=0, atol=0.5
    )
    if not same_axis or not np.isclose(measured.exposure_s, control.exposure_s, rtol=1e-6):
        raise AnalysisError(
            "the control exposure has another axis or exposure time than the spectrum",
            remedy="take the control with the window and exposure of the measurement",
        )
    ratio = measured.accumulations / control.accumulations
    light_e = np.maximum(_smooth(control.signal_e), 0)
    noise = ratio**2 * control.variance_e2(light_e) + measured.variance_scale * ratio * light_e
    return replace(
        measured,
        signal_e=measured.signal_e - ratio * control.signal_e,
        variance_floor_e2=measured.variance_floor_e2 + noise,
        saturated=measured.saturated | control.saturated,
        remarks=(*measured.remarks, *control.remarks),
    )


def _pool(
    frames_e: np.ndarray, cosmic: np.ndarray, floor_e2: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    count = frames_e.shape[0]
    kept = (~cosmic).sum(axis=0)
    scale = count / np.maximum(kept, 1)
    signal_e = np.where(cosmic, 0, frames_e).sum(axis=0) * scale
    variance_floor = np.where(kept > 0, scale * count * floor_e2, np.inf)
    lost = np.flatnonzero(kept == 0)
    if lost.size:
        good = np.flatnonzero(kept)
        signal_e[lost] = np.interp(lost, good, signal_e[good])
    return signal_e, scale, variance_floor


def _smooth(signal_e: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(signal_e, 9, mode="nearest"))


def _remarks(spectrum: Spectrum, dark: DarkLevel) -> tuple[str, ...]:
    remarks = []
    if spectrum.quality is not Quality.GOOD:
        remarks.append(f"spectrum is {spectrum.quality}: {spectrum.reason}")
    if not dark.frames:
        remarks.append("no dark: the nominal bias was subtracted")
    if spectrum.accumulations == 1:
        remarks.append("single exposure: weak cosmic rays cannot be told from signal")
    return tuple(remarks)
