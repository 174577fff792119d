"""Average darks and refuse those that do not belong to a spectrum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.cosmics import find_cosmics
from labctl.core.errors import AnalysisError
from labctl.core.readings import Quality
from labctl.core.spectra import Detector, Spectrum

AXIS_TOLERANCE_NM = 0.5


@dataclass(frozen=True, slots=True)
class DarkLevel:
    """Hold what one exposure counts without light.

    `level_counts` with `variance_counts2` (of the level, not of one exposure) and `charge_e`, the
    dark charge of one exposure that adds shot noise; all of shape (pixels,).
    """

    level_counts: np.ndarray
    variance_counts2: np.ndarray
    charge_e: np.ndarray
    frames: int


def read_variance_e2(detector: Detector) -> float:
    """Return the variance of one readout in electrons²: read noise and rounding to counts."""
    return float(detector.read_noise_e**2 + detector.gain_e_per_count**2 / 12)


def nominal_dark(spectrum: Spectrum) -> DarkLevel:
    """Return the detector's nominal bias as a dark without noise, for lack of a measured one."""
    pixels = spectrum.counts.shape[-1]
    level = np.full(pixels, float(spectrum.detector.bias_counts))
    return DarkLevel(level, np.zeros(pixels), np.zeros(pixels), frames=0)


def average_darks(darks: Sequence[Spectrum], spectrum: Spectrum) -> DarkLevel:
    """Average darks that belong to a spectrum.

    Where the pixels agree with a straight line within the known read noise, the line is used:
    its noise is negligible. Otherwise each pixel keeps its own mean, and its noise is propagated.

    Raises
    ------
    AnalysisError
        If a dark was taken with light, with another exposure time, detector, band or axis.
    """
    for dark in darks:
        check_dark(dark, spectrum)
    detector = spectrum.detector
    gain = detector.gain_e_per_count
    counts = np.concatenate([dark.counts for dark in darks]).astype(float)
    frames_e = gain * (counts - detector.bias_counts)
    hit = find_cosmics(frames_e, read_variance_e2(detector), fractional_noise=0.0)
    kept = np.maximum((~hit).sum(axis=0), 1)
    mean_e = np.where(hit, 0, frames_e).sum(axis=0) / kept
    charge_e = np.full(mean_e.size, max(float(np.median(mean_e)), 0.0))
    variance_e2 = (read_variance_e2(detector) + charge_e) / kept
    mean_e, variance_e2 = _smooth_if_straight(mean_e, variance_e2)
    return DarkLevel(
        level_counts=detector.bias_counts + mean_e / gain,
        variance_counts2=variance_e2 / gain**2,
        charge_e=charge_e,
        frames=counts.shape[0],
    )


def check_dark(dark: Spectrum, spectrum: Spectrum) -> None:
    """Raise `AnalysisError` if a dark does not belong to a spectrum."""
    problem = _mismatch(dark, spectrum)
    if problem:
        raise AnalysisError(
            f"dark of {dark.utc:%Y-%m-%d %H:%M:%S} does not fit the spectrum: {problem}",
            remedy="take a dark with the exposure, band and window of the spectrum",
        )


def _mismatch(dark: Spectrum, spectrum: Spectrum) -> str:
    if dark.beams:
        return f"the beams {', '.join(dark.beams)} were open"
    if dark.quality is Quality.INVALID:
        return f"it is invalid: {dark.reason}"
    if abs(dark.exposure_s - spectrum.exposure_s) > 1e-6 * spectrum.exposure_s:
        return f"exposure {dark.exposure_s:g} s instead of {spectrum.exposure_s:g} s"
    if dark.counts.shape[-1] != spectrum.counts.shape[-1]:
        return f"{dark.counts.shape[-1]} pixels instead of {spectrum.counts.shape[-1]}"
    if dark.detector != spectrum.detector:
        return f"detector {dark.detector} instead of {spectrum.detector}"
    rows = (dark.settings.get("rows"), spectrum.settings.get("rows"))
    if None not in rows and rows[0] != rows[1]:
        return f"rows {rows[0]} instead of {rows[1]}"
    distance_nm = float(np.max(np.abs(dark.wavelength_nm - spectrum.wavelength_nm)))
    if not distance_nm <= AXIS_TOLERANCE_NM:
        return f"its axis is up to {distance_nm:.3g} nm away"
    return ""


def _smooth_if_straight(
    mean_e: np.ndarray, variance_e2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    position = np.linspace(-1, 1, mean_e.size)
    design = np.stack([np.ones_like(position), position])
    covariance = np.linalg.inv((design / variance_e2) @ design.T)
    line_e = (covariance @ (design @ (mean_e / variance_e2))) @ design
    residual = (mean_e - line_e) / np.sqrt(variance_e2)
    freedom = max(mean_e.size - 2, 1)
    straight = np.sum(residual**2) < freedom + 4 * np.sqrt(2 * freedom)
    if not straight or np.max(np.abs(residual)) > 5:
        return mean_e, variance_e2
    return line_e, np.einsum("ip,ij,jp->p", design, covariance, design)
