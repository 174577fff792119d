"""Tell from the accumulations of one exposure whether the light was the same in all of them."""

import numpy as np

from labctl.core.spectra import Spectrum

LEAST_CHANGE = 0.1
"""Smaller relative changes are the drift of a working table, and bleaching."""

MOST_SIGMA = 6.0
CLIP_SIGMA = 8.0
"""Pixels this far from the median of all accumulations hold cosmic rays."""


def unsteady_reason(spectrum: Spectrum) -> str:
    """Return which accumulations have more or less light than the others, or an empty string.

    The power of the laser is read before and after an exposure: what happened in between, and was
    over in time, shows here alone. Each accumulation is compared with the median of all,
    weighted by it; where the light is too weak to tell, nothing is said.
    """
    if spectrum.accumulations < 3 or not spectrum.beams:
        return ""
    detector = spectrum.detector
    light = spectrum.counts.astype(float) - detector.bias_counts
    usual = np.median(light, axis=0)
    shape = np.maximum(usual - np.percentile(usual, 20), 0.0)
    scatter = np.maximum(usual, 0.0) / detector.gain_e_per_count
    scatter += (detector.read_noise_e / detector.gain_e_per_count) ** 2
    away = light - usual
    kept = np.abs(away) <= np.maximum(CLIP_SIGMA * np.sqrt(scatter), 2.0 * shape)
    total = np.sum(kept * shape**2, axis=1)
    if not np.all(total > 0):
        return ""
    change = np.sum(kept * shape * away, axis=1) / total
    sigma = np.sqrt(np.sum(kept * shape**2 * scatter, axis=1)) / total
    odd = np.abs(change) > np.maximum(LEAST_CHANGE, MOST_SIGMA * sigma)
    if not odd.any():
        return ""
    named = ", ".join(str(number) for number in np.flatnonzero(odd)[:10])
    worst = float(change[np.argmax(np.abs(change))])
    return f"the light changed during the exposure: accumulations {named} by up to {worst:+.0%}"
