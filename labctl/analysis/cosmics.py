"""Find cosmic rays by comparing repeated exposures of the same spectrum."""

import numpy as np

from labctl.core.errors import AnalysisError

NEIGHBOUR_SIGMA = 3.0
"""Threshold beside a hit, where the charge of the same particle has spread."""

SINGLE_FRAME_EXCESS = 0.25
"""Part of the local level by which one pixel of a resolved line may stand out."""


def find_cosmics(
    frames_e: np.ndarray,
    floor_variance_e2: np.ndarray | float,
    *,
    clip_sigma: float = 5.0,
    fractional_noise: float = 0.01,
) -> np.ndarray:
    """Mark the pixels that a cosmic ray has hit, frame by frame.

    Three frames or more: a pixel is marked when it differs from the median of its frames by more
    than `clip_sigma` of the model noise (never of the observed scatter, which would bias the
    mean). A frame far *below* the median means that the median itself was hit; the lowest frame
    is then the reference. Two frames: the lower one is the reference and the threshold
    `clip_sigma`·√2. One frame: only a pixel that stands above the median of five neighbours by
    `clip_sigma` and by a quarter of their level is marked; weak hits pass, and so does a hit on
    the flank of a line. Take three frames where it matters.

    Parameters
    ----------
    frames_e
        Electrons with the dark subtracted, shape (frames, pixels).
    floor_variance_e2
        Variance of one frame without the shot noise of the light, in electrons², scalar or
        shape (pixels,).
    fractional_noise
        Allowed relative change of the light between frames (laser noise and drift).

    Returns
    -------
    True where a frame was hit, shape (frames, pixels).
    """
    if frames_e.ndim != 2 or not np.all(np.isfinite(frames_e)):
        raise AnalysisError(
            f"cosmic rays: need finite frames of shape (frames, pixels), got {frames_e.shape}"
        )
    if frames_e.shape[0] == 1:
        return _hits_in_one_frame(frames_e, floor_variance_e2, clip_sigma)
    reference_e = _reference(frames_e, floor_variance_e2, clip_sigma, fractional_noise)
    if frames_e.shape[0] == 2:
        clip_sigma = clip_sigma * np.sqrt(2)
    sigma_e = _sigma(reference_e, floor_variance_e2, fractional_noise)
    deviation = (frames_e - reference_e) / sigma_e
    return _with_neighbours(deviation > clip_sigma, deviation)


def _sigma(
    level_e: np.ndarray, floor_variance_e2: np.ndarray | float, fraction: float
) -> np.ndarray:
    light_e = np.maximum(level_e, 0)
    return np.asarray(np.sqrt(light_e + floor_variance_e2 + (fraction * light_e) ** 2))


def _reference(
    frames_e: np.ndarray, floor_variance_e2: np.ndarray | float, clip_sigma: float, fraction: float
) -> np.ndarray:
    lowest_e = frames_e.min(axis=0)
    if frames_e.shape[0] == 2:
        return np.asarray(lowest_e)
    median_e = np.median(frames_e, axis=0)
    # nothing lowers a count: a deep low frame shows that the median is a hit
    sigma_e = _sigma(median_e, floor_variance_e2, fraction)
    return np.asarray(np.where(median_e - lowest_e > clip_sigma * sigma_e, lowest_e, median_e))


def _hits_in_one_frame(
    frames_e: np.ndarray, floor_variance_e2: np.ndarray | float, clip_sigma: float
) -> np.ndarray:
    from scipy.ndimage import median_filter

    level_e = median_filter(frames_e, size=(1, 5), mode="nearest")
    sigma_e = _sigma(level_e, floor_variance_e2, 0.0)
    excess_e = frames_e - level_e
    return np.asarray(
        excess_e > clip_sigma * sigma_e + SINGLE_FRAME_EXCESS * np.maximum(level_e, 0)
    )


def _with_neighbours(hit: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    beside = np.zeros_like(hit)
    beside[:, 1:] |= hit[:, :-1]
    beside[:, :-1] |= hit[:, 1:]
    return hit | (beside & (deviation > NEIGHBOUR_SIGMA))
