"""Expose in portions, so that no condition of the table goes unlooked at for long."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from labctl.core.channels import Acquirer
from labctl.core.errors import BadReply
from labctl.core.messages import Acquire
from labctl.core.readings import Quality, Scalar
from labctl.core.spectra import Frame, Spectrum

_WORSE = (Quality.GOOD, Quality.UNCERTAIN, Quality.INVALID)


def acquire_in_portions(
    acquirer: Acquirer, request: Acquire, longest_s: float, between: Callable[[], str]
) -> Spectrum | Frame:
    """Return one exposure that was taken in portions of at most `longest_s`.

    `between` is called after each portion but the last, with the shutters closed. If it says why
    the exposure is to be given up, what there is comes back, invalid. A single accumulation is
    never divided.

    Raises
    ------
    BadReply
        If the axis is not the same in all portions.
    """
    parts: list[Spectrum | Frame] = []
    for accumulations in _portions(request, longest_s):
        if parts and (why := between()):
            return replace(joined(parts), quality=Quality.INVALID, reason=f"given up: {why}")
        parts.append(acquirer.acquire(replace(request, accumulations=accumulations)))
    return joined(parts)


def joined(parts: Sequence[Spectrum | Frame]) -> Spectrum | Frame:
    """Return portions as one exposure: the worst quality, all reasons, the mean powers."""
    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        same_axis = np.array_equal(part.wavelength_nm, first.wavelength_nm)
        if not same_axis or part.calibrations != first.calibrations:
            raise BadReply(
                "the spectrograph or its calibration changed in the middle of an exposure",
                remedy="check that nothing else moves the grating, then repeat the point",
            )
    return replace(
        first,
        counts=np.concatenate([part.counts for part in parts]),
        quality=max((part.quality for part in parts), key=_WORSE.index),
        reason="; ".join(dict.fromkeys(part.reason for part in parts if part.reason)),
        settings={name: _mean(name, parts) for name in first.settings},
    )


def _portions(request: Acquire, longest_s: float) -> Iterator[int]:
    most = max(int(longest_s // request.exposure_s), 1) if request.exposure_s > 0 else 1
    left = request.accumulations
    while left > 0:
        yield min(left, most)
        left -= most


def _mean(name: str, parts: Sequence[Spectrum | Frame]) -> Scalar:
    values = [part.settings.get(name) for part in parts]
    numbers = [value for value in values if isinstance(value, float)]
    if not name.endswith("_power_w") or len(numbers) < len(parts):
        return parts[0].settings[name]
    return float(np.average(numbers, weights=[part.accumulations for part in parts]))
