"""Say how steady a temperature is, and when it will have settled, from how it has gone so far."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEAST = 4


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Hold mean, σ and drift over a stretch of time; `samples` of them."""

    mean_k: float
    sigma_k: float
    drift_k_per_min: float
    samples: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Say what settled means: within `tolerance_k`, without a break, for `duration_s`."""

    tolerance_k: float
    duration_s: float


def steadiness(
    times_s: Sequence[float], values_k: Sequence[float], span_s: float
) -> Steadiness | None:
    """Return mean, standard deviation and drift of the last `span_s`; None for too few values."""
    times, values = np.asarray(times_s, float), np.asarray(values_k, float)
    if times.size == 0:
        return None
    last = times >= times[-1] - span_s
    if np.count_nonzero(last) < _LEAST:
        return None
    times, values = times[last], values[last]
    slope = float(np.polyfit(times - times[0], values, 1)[0]) if times[-1] > times[0] else 0.0
    return Steadiness(
        float(np.mean(values)), float(np.std(values, ddof=1)), 60 * slope, int(times.size)
    )


def time_to_settle_s(
    times_s: Sequence[float], values_k: Sequence[float], setpoint_k: float, rule: Rule
) -> float | None:
    """Estimate how long it takes until a temperature has settled; 0 when it has.

    On its way the distance to the set-point is taken to fall exponentially, as it did lately.
    None if it does not come nearer.
    """
    times, values = np.asarray(times_s, float), np.asarray(values_k, float)
    if times.size < _LEAST:
        return None
    distance = np.abs(values - setpoint_k)
    outside = np.flatnonzero(distance > rule.tolerance_k)
    if outside.size == 0:
        return max(rule.duration_s - float(times[-1] - times[0]), 0.0)
    if outside[-1] < times.size - 1:
        return max(rule.duration_s - float(times[-1] - times[outside[-1] + 1]), 0.0)
    recent = slice(max(times.size - 30, 0), None)
    slope = float(np.polyfit(times[recent] - times[-1], np.log(distance[recent] + 1e-9), 1)[0])
    if slope >= -1e-7:
        return None
    approach_s = math.log(float(distance[-1]) / rule.tolerance_k) / -slope
    return approach_s + rule.duration_s
