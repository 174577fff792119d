"""Find peaks that are worth a label, and the pixels that a notch filter blocks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_LABELS = 8
PROMINENCE_SIGMA = 7.0


@dataclass(frozen=True, slots=True)
class Peak:
    """Hold a peak: where its top is, and the counts there."""

    wavelength_nm: float
    counts: float


def find_peaks(
    wavelength_nm: np.ndarray,
    counts: np.ndarray,
    blocked_nm: tuple[float, float] | None = None,
    most: int = MOST_LABELS,
) -> Sequence[Peak]:
    """Return the most prominent peaks by wavelength, tops interpolated between pixels.

    A peak stands out of the spectrum's own noise, taken from the differences of neighbours, by
    seven standard deviations. What lies in `blocked_nm` (the notch) is no peak.
    """
    from scipy.signal import find_peaks as peaks_of

    if counts.size < 8:
        return ()
    smooth = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    noise = float(np.median(np.abs(np.diff(counts)))) / 0.6745 / np.sqrt(2)
    shot = np.sqrt(np.maximum(smooth - np.median(smooth), 0.0))
    found, about = peaks_of(smooth[1:-1], prominence=PROMINENCE_SIGMA * max(noise, 1e-9), width=1.5)
    found = found + 1
    kept = about["prominences"] > PROMINENCE_SIGMA * 0.6 * shot[found]
    kept &= ~_inside(wavelength_nm[found], blocked_nm)
    found, prominence = found[kept], about["prominences"][kept]
    best = np.sort(found[np.argsort(prominence)[::-1][:most]])
    return [_interpolated(wavelength_nm, smooth, counts, int(pixel)) for pixel in best]


def _inside(wavelength_nm: np.ndarray, band_nm: tuple[float, float] | None) -> np.ndarray:
    if band_nm is None:
        return np.zeros(wavelength_nm.shape, bool)
    return np.asarray((wavelength_nm >= band_nm[0]) & (wavelength_nm <= band_nm[1]))


def _interpolated(
    wavelength_nm: np.ndarray, smooth: np.ndarray, counts: np.ndarray, pixel: int
) -> Peak:
    """Return the top of the parabola through a pixel and its neighbours."""
    pixel = min(max(pixel, 1), smooth.size - 2)
    left, top, right = smooth[pixel - 1 : pixel + 2]
    curvature = left - 2 * top + right
    offset = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
    place = float(np.interp(pixel + offset, np.arange(wavelength_nm.size), wavelength_nm))
    return Peak(place, float(np.max(counts[pixel - 1 : pixel + 2])))


def shown_counts(
    counts: np.ndarray,
    *,
    dark: np.ndarray | None = None,
    response: np.ndarray | None = None,
    without_cosmics: bool = False,
    read_variance: float = 16.0,
    bias: float = 0.0,
) -> np.ndarray:
    """Return counts as people want to see them; the record is never altered.

    Parameters
    ----------
    dark, response
        Counts of one dark exposure, and the relative response to divide by; shape (pixels,).
    without_cosmics
        Replace the pixels of cosmic rays by the median of their neighbours.
    read_variance, bias
        Variance of one readout in counts², and the counts without light, for the ray search.
    """
    from labctl.analysis.cosmics import find_cosmics

    shown = np.asarray(counts, float)
    if without_cosmics:
        from scipy.ndimage import median_filter

        level = bias if dark is None else dark
        hit = find_cosmics((shown - level)[None], read_variance)[0]
        if hit.any():
            shown = np.where(hit, median_filter(shown, 9, mode="nearest"), shown)
    if dark is not None:
        shown = shown - dark
    return shown if response is None else shown / response
