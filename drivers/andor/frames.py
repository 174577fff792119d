"""Refuse frames that cannot come from a working CCD."""

import numpy as np

from labctl.core.errors import InvalidReading

_REMEDY = "repeat the exposure; if it comes again, reconnect the camera"


def check_frames(
    frames: np.ndarray, previous: np.ndarray | None, saturation_counts: float, name: str
) -> None:
    """Raise if a frame is all zeros or repeats the one before it, bit for bit.

    Read noise makes two equal frames impossible, unless every pixel is saturated.

    Parameters
    ----------
    frames
        Counts, shape (accumulations, bands or rows, columns).
    previous
        The last frame of the acquisition before, or None; one of another shape is ignored.

    Raises
    ------
    InvalidReading
        If a frame is all zeros or a repetition.
    """
    before = previous if previous is not None and previous.shape == frames.shape[1:] else None
    for number, frame in enumerate(frames, start=1):
        if not frame.any():
            raise InvalidReading(
                f"{name}: frame {number} of {len(frames)} is all zeros", remedy=_REMEDY
            )
        repeated = before is not None and np.array_equal(frame, before)
        if repeated and frame.min() < saturation_counts:
            raise InvalidReading(
                f"{name}: frame {number} of {len(frames)} repeats the one before, bit for bit",
                remedy=_REMEDY,
            )
        before = frame
