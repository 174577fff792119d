"""Calibrate the position of a line against temperature."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration

SHIFT_REFERENCE_K = 298.0


def nominal_calibration(point: RatioPoint) -> RatioCalibration:
    """Return a calibration that knows mode and laser of a point, and nothing else."""
    return RatioCalibration(
        mode=point.mode,
        laser_nm=point.laser_nm,
        ln_c=0.0,
        ln_c_sigma=0.0,
        shift_cm1=point.shift_cm1,
        shift_reference_k=SHIFT_REFERENCE_K,
        shift_slope_cm1_per_k=0.0,
        shift_slope_sigma_cm1_per_k=0.0,
        shift_curvature_cm1_per_k2=0.0,
    )


def environment_k(points: Sequence[RatioPoint]) -> np.ndarray:
    """Return the cryostat temperatures in K."""
    return np.array([point.condition.cryostat_k for point in points], float)


def powers_w(points: Sequence[RatioPoint]) -> np.ndarray:
    """Return the powers at the sample in W."""
    return np.array([point.condition.power_w for point in points], float)


def calibrate_shift(
    points: Sequence[RatioPoint], heating_k_per_w: float, *, quadratic: bool
) -> RatioCalibration:
    """Fit ω(T), T including self-heating, weighted by the fits' errors."""
    step_k = environment_k(points) + heating_k_per_w * powers_w(points) - SHIFT_REFERENCE_K
    weight = np.array([point.shift_sigma_cm1 for point in points]) ** -2
    shifts = np.array([point.shift_cm1 for point in points])
    design = np.stack([step_k**power for power in range(3 if quadratic else 2)])
    scale = np.max(np.abs(design), axis=1)
    design = design / scale[:, None]
    covariance = np.linalg.inv((design * weight) @ design.T)
    values = covariance @ (design @ (weight * shifts)) / scale
    sigma = np.sqrt(np.diag(covariance)) / scale
    return replace(
        nominal_calibration(points[0]),
        shift_cm1=float(values[0]),
        shift_slope_cm1_per_k=float(values[1]),
        shift_slope_sigma_cm1_per_k=float(sigma[1]),
        shift_curvature_cm1_per_k2=float(values[2]) if quadratic else 0.0,
    )
