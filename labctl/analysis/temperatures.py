"""Derive temperatures with their errors from pooled spectra and a calibration."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration, check_fit_for
from labctl.core.results import Condition, Temperature


@dataclass(frozen=True, slots=True)
class NoTemperature:
    """Say why a condition gives no temperature."""

    region: str
    condition: Condition
    thermometer: Literal["AS/S", "shift"]
    reason: str


def temperature_from_ratio(
    point: RatioPoint, calibration: RatioCalibration, *, response_sigma: float = 0.0
) -> Temperature | NoTemperature:
    """Return T ± σ with its 99.73 % interval, which is ±3σ in ln(AS/S), calibration included.

    Parameters
    ----------
    response_sigma
        Relative uncertainty of the response since the calibration (a moved axis under fixed
        pixel pattern and etalon), added in quadrature to σ of ln(AS/S).
    """
    check_fit_for(point, calibration)
    if point.reason:
        return NoTemperature(point.region, point.condition, "AS/S", point.reason)
    ln_sigma = float(np.sqrt(point.ln_ratio_sigma**2 + calibration.ln_c_sigma**2))
    ln_sigma = float(np.hypot(ln_sigma, response_sigma))
    values = [calibration.temperature_at(point.ln_ratio + k * ln_sigma) for k in (-3, 0, 3)]
    low_k, value_k, high_k = values
    if low_k is None or value_k is None or high_k is None:
        reason = f"ln(AS/S) = {point.ln_ratio:.2f} ± {ln_sigma:.2f} bounds no temperature"
        return NoTemperature(point.region, point.condition, "AS/S", reason)
    return Temperature(
        region=point.region,
        condition=point.condition,
        thermometer="AS/S",
        value_k=value_k,
        sigma_k=calibration.slope_k(value_k) * ln_sigma,
        interval_k=(low_k, high_k),
        calibrations=_identities(point, calibration),
        remark="; ".join(point.remarks),
    )


def temperature_from_shift(
    point: RatioPoint,
    reference: RatioPoint,
    reference_k: float,
    calibration: RatioCalibration,
    *,
    reference_sigma_k: float = 0.0,
) -> Temperature | NoTemperature:
    """Return T from the line's position relative to a reference of the same region.

    The reference is the lowest power; its temperature is `reference_k` ± `reference_sigma_k`.
    """
    check_fit_for(point, calibration)
    reason = _no_shift(point) or _no_shift(reference)
    slope = calibration.shift_slope_cm1_per_k
    slope_sigma = calibration.shift_slope_sigma_cm1_per_k
    if reference.region != point.region:
        reason = f"the reference is on {reference.region}"
    elif not reason and not abs(slope) > 3 * slope_sigma:
        reason = f"the line does not move measurably: {slope:.2g} ± {slope_sigma:.1g} cm⁻¹/K"
    if reason:
        return NoTemperature(point.region, point.condition, "shift", reason)
    local = slope + 2 * calibration.shift_curvature_cm1_per_k2 * (
        reference_k - calibration.shift_reference_k
    )
    change_k = (point.shift_cm1 - reference.shift_cm1) / local
    noise_k = np.hypot(point.shift_sigma_cm1, reference.shift_sigma_cm1) / abs(local)
    sigma_k = float(
        np.sqrt(noise_k**2 + (change_k * slope_sigma / local) ** 2 + reference_sigma_k**2)
    )
    value_k = reference_k + change_k
    return Temperature(
        region=point.region,
        condition=point.condition,
        thermometer="shift",
        value_k=value_k,
        sigma_k=sigma_k,
        interval_k=(value_k - 3 * sigma_k, value_k + 3 * sigma_k),
        calibrations=_identities(point, calibration),
        remark=f"relative to {reference.condition.power_w * 1e6:.3g} µW",
    )


def _no_shift(point: RatioPoint) -> str:
    # a weak anti-Stokes line only widens the error of the shift: the error says so itself
    if point.spectra == 0 or point.stokes_e <= 0:
        return point.reason
    return "" if point.shift_sigma_cm1 < 0.5 else "the line's position is not resolved"


def _identities(point: RatioPoint, calibration: RatioCalibration) -> tuple[str, ...]:
    own = (calibration.identity,) if calibration.identity else ()
    return tuple(dict.fromkeys((*own, *point.calibrations)))
