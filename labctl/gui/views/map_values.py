"""Turn spectra of a map into one number each; pure functions for worker threads."""

from enum import StrEnum

import numpy as np

SMALLEST_CONTRAST = 5.0


class MapValue(StrEnum):
    """Say what a map shows."""

    SIGNAL = "Signal as recorded"
    INTEGRAL = "Integral of the region"
    TEMPERATURE = "Temperature"
    POSITION = "Peak position"

    @property
    def unit(self) -> str:
        """Return the unit of the values."""
        return {
            MapValue.TEMPERATURE: "K",
            MapValue.POSITION: "cm⁻¹",
        }.get(self, "counts")

    @property
    def label(self) -> str:
        """Return a short name with the unit, for the colour bar."""
        name = {
            MapValue.SIGNAL: "Signal",
            MapValue.INTEGRAL: "Integral",
            MapValue.TEMPERATURE: "T",
            MapValue.POSITION: "Position",
        }[self]
        return f"{name} ({self.unit})"


def integrals(
    shift_cm1: np.ndarray, spectra: np.ndarray, window_cm1: tuple[float, float]
) -> np.ndarray:
    """Return the counts within a region above a straight line between its edges.

    `spectra` has shape (points, pixels), `shift_cm1` (pixels,). NaN if the region has fewer than
    five pixels in the frame. The level at either edge is the mean of a tenth of the region.
    """
    inside = _inside(shift_cm1, window_cm1)
    if inside.size < 5:
        return np.full(len(spectra), np.nan)
    part = np.asarray(spectra[:, inside], float)
    edge = max(1, inside.size // 10)
    left, right = part[:, :edge].mean(axis=1), part[:, -edge:].mean(axis=1)
    return np.asarray(part.sum(axis=1) - 0.5 * (left + right) * inside.size)


def positions(
    shift_cm1: np.ndarray, spectra: np.ndarray, window_cm1: tuple[float, float]
) -> np.ndarray:
    """Return where the highest peak of the region lies in cm⁻¹, from a parabola through its top.

    NaN where nothing stands out of the noise by five standard deviations.
    """
    inside = _inside(shift_cm1, window_cm1)
    if inside.size < 7:
        return np.full(len(spectra), np.nan)
    part = np.asarray(spectra[:, inside], float)
    smooth = (part[:, :-2] + 2 * part[:, 1:-1] + part[:, 2:]) / 4
    places = shift_cm1[inside][1:-1]
    top = np.clip(np.argmax(smooth, axis=1), 1, smooth.shape[1] - 2)
    rows = np.arange(len(smooth))
    left, middle, right = smooth[rows, top - 1], smooth[rows, top], smooth[rows, top + 1]
    curvature = left - 2 * middle + right
    offset = np.where(curvature < 0, 0.5 * (left - right) / np.minimum(curvature, -1e-12), 0.0)
    found = places[top] + np.clip(offset, -1, 1) * np.gradient(places)[top]
    noise = 1.4826 * np.median(np.abs(np.diff(part, axis=1)), axis=1) / np.sqrt(2)
    contrast = middle - np.median(smooth, axis=1)
    return np.where(contrast > SMALLEST_CONTRAST * np.maximum(noise, 1e-9), found, np.nan)


def _inside(shift_cm1: np.ndarray, window_cm1: tuple[float, float]) -> np.ndarray:
    low, high = window_cm1
    return np.flatnonzero((shift_cm1 >= low) & (shift_cm1 <= high))
