"""Relate what an attenuator is turned to and what a meter at the sample shows.

A half-wave plate turned by Δ in front of a polariser transmits cos²(2Δ) (Malus' law with the
plate doubling the angle), plus the leakage of the polariser.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError

ANGLE_SIGMA_DEG = 0.03
"""Standard deviation of the rotator's angle after a move (assumed)."""
READING_SIGMA = 0.005
"""Relative scatter of single readings of a power meter (assumed)."""
_LEAST_POINTS = 4


@dataclass(frozen=True, slots=True)
class PowerPoint:
    """Hold one setting of a beam.

    `meter_w` is what the pick-off meter shows, None without one; `sample_w` is what counts: a
    meter at the sample, or the pick-off meter through an earlier calibration.
    """

    laser_w: float
    angle_deg: float
    sample_w: float
    meter_w: float | None = None


@dataclass(frozen=True, slots=True)
class PowerFit:
    """Hold the fitted path of a beam; `residuals` are relative (measured over fitted − 1).

    `before` are the same for the calibration in force, `errors` their standard deviations: near
    the dark end of the attenuator a small angle is a large part of the power.
    """

    transmission: float
    extinction: float
    offset_deg: float
    sample_per_meter: float | None
    scatter: float
    residuals: tuple[float, ...]
    before: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def rms_before(self) -> float:
        """Return the weighted root mean square relative error of the calibration in force."""
        return self._rms(self.before)

    @property
    def rms_after(self) -> float:
        """Return the weighted root mean square relative error that the fit leaves."""
        return self._rms(self.residuals)

    @property
    def gain(self) -> float:
        """Return by how much χ² has fallen for the three numbers that were fitted."""
        weight = np.square(self.errors) ** -1.0
        return float(np.sum(weight * (np.square(self.before) - np.square(self.residuals))))

    def _rms(self, values: Sequence[float]) -> float:
        weight = np.square(self.errors) ** -1.0
        return float(np.sqrt(np.sum(weight * np.square(values)) / np.sum(weight)))


def fit_power(points: Sequence[PowerPoint], previous: Calibration) -> PowerFit:
    """Fit transmission, extinction and brightest angle, and what the pick-off meter is worth.

    The extinction is held near that of `previous`, because only the darkest settings show it.

    Raises
    ------
    AnalysisError
        If there are fewer than four settings with light.
    """
    from scipy.optimize import least_squares

    usable = [one for one in points if min(one.sample_w, one.laser_w) > 0]
    if len(usable) < _LEAST_POINTS:
        raise AnalysisError(
            f"{len(usable)} settings show light, at least {_LEAST_POINTS} are needed",
            remedy="measure more settings, and check that the laser emits",
        )
    angle = np.array([one.angle_deg for one in usable])
    sample = np.array([one.sample_w for one in usable])
    part = sample / np.array([one.laser_w for one in usable])
    old = (
        float(previous.values["transmission"]),
        float(previous.values["extinction"]),
        float(previous.values["offset_deg"]),
    )

    def residual(q: np.ndarray) -> np.ndarray:
        expected = _malus(angle, np.exp(q[0]), np.exp(q[1]), q[2])
        pull = (q[1] - np.log(max(old[1], 1e-9))) / 0.5
        return np.append((part / expected - 1) / _sigma(angle, q[2]), pull)

    start = np.array([np.log(old[0]), np.log(max(old[1], 1e-9)), old[2]])
    found = least_squares(residual, start, x_scale=(0.01, 0.3, 0.05), loss="soft_l1").x
    after = part / _malus(angle, np.exp(found[0]), np.exp(found[1]), found[2]) - 1
    ratios = np.array([one.sample_w / one.meter_w for one in usable if one.meter_w])
    factor = float(np.median(ratios)) if ratios.size else None
    return PowerFit(
        transmission=float(np.exp(found[0])),
        extinction=float(np.exp(found[1])),
        offset_deg=float(found[2]),
        sample_per_meter=factor,
        scatter=float(np.std(ratios / factor, ddof=1)) if factor and ratios.size > 1 else 0.0,
        residuals=tuple(float(value) for value in after),
        before=tuple(float(value) for value in part / _malus(angle, *old) - 1),
        errors=tuple(float(value) for value in _sigma(angle, float(found[2]))),
    )


def power_calibration(
    fit: PowerFit,
    previous: Calibration,
    *,
    with_sample_meter: bool,
    meter_accuracy: float,
    measured_utc: str,
    source: str,
    valid_days: float = 30.0,
) -> Calibration:
    """Return a calibration of the kind of `previous`.

    Without a meter at the sample the pick-off meter was the standard: its factor stays, and so
    does the error of the power at the sample. `meter_accuracy` is the relative standard
    deviation of the meter at the sample.
    """
    old = dict(previous.values)
    per_meter = float(old["sample_per_meter"])
    if with_sample_meter and fit.sample_per_meter is not None:
        per_meter = fit.sample_per_meter
    sigma = float(np.hypot(meter_accuracy, fit.scatter))
    values = {
        "wavelength_nm": old["wavelength_nm"],
        "transmission": fit.transmission,
        "extinction": fit.extinction,
        "offset_deg": fit.offset_deg,
        "sample_per_meter": per_meter,
        "sigma_relative": sigma if with_sample_meter else float(old["sigma_relative"]),
        "rests_on": [previous.identity],
    }
    return Calibration(previous.kind, values, measured_utc, source, valid_days)


def _malus(
    angle_deg: np.ndarray, transmission: float, extinction: float, offset_deg: float
) -> np.ndarray:
    turned = np.radians(2 * (angle_deg - offset_deg))
    return np.asarray(transmission * (extinction + (1 - extinction) * np.cos(turned) ** 2))


def _sigma(angle_deg: np.ndarray, offset_deg: float) -> np.ndarray:
    """Return the relative standard deviation of a transmission, the angle's error included."""
    turned = np.radians(2 * (angle_deg - offset_deg))
    slope = 4 * np.radians(ANGLE_SIGMA_DEG) * np.abs(np.tan(turned))
    return np.asarray(np.hypot(READING_SIGMA, np.minimum(slope, 3.0)))
