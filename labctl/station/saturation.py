"""Notice counts that are too high to be linear."""

import numpy as np

from labctl.core.spectra import Detector


def saturation_reason(
    counts: np.ndarray, detector: Detector, *, guard: float, adc_bits: int
) -> str:
    """Return why counts are not trusted, starting with "saturated", or an empty string.

    Parameters
    ----------
    counts
        Raw counts of any shape; the last axis is the columns.
    guard
        Part of the full range, 0 to 1, from which on counts are doubted. The full range is what
        the binned register or pixel (`Detector.saturation_counts`) or the converter can hold,
        whichever is less.
    """
    full_counts = min(detector.saturation_counts, 2.0**adc_bits - 1)
    too_high = counts >= guard * full_counts
    if not too_high.any():
        return ""
    number = int(np.count_nonzero(too_high))
    column = int(np.unravel_index(int(np.argmax(counts)), counts.shape)[-1])
    return (
        f"saturated: {number} values of {counts.size} are at or above {guard:.0%} of "
        f"{full_counts:.0f} counts, the highest in column {column}"
    )
