"""Compare spectra with the pump on and off, pair by pair."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.ratio_fit import LOW_ANTI_STOKES_SNR
from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration, check_fit_for
from labctl.core.errors import AnalysisError


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpEffect:
    """Hold what the pump changes: Δln(AS/S) and ΔT = T(on) − T(off), ± one standard deviation.

    `chi2` compares the pairs with their mean; if they scatter more than counting explains, the
    errors are enlarged and `remark` says so. `significance` is Δln(AS/S) over its error.
    """

    region: str
    pairs: int
    delta_ln_ratio: float
    delta_ln_ratio_sigma: float
    off_k: float | None
    delta_k: float | None
    delta_sigma_k: float | None
    chi2: float
    significance: float
    remark: str


def pump_effect(
    pairs: Sequence[tuple[RatioPoint, RatioPoint]], calibration: RatioCalibration
) -> PumpEffect:
    """Average the pairs (pump off, pump on) of one region.

    Drift slower than a pair and the calibration's ln C cancel in the difference; only the scale
    T²/θ depends on them. Pairs are weighted by their Stokes counts.

    Raises
    ------
    AnalysisError
        If no pair can be used or the pairs do not belong together.
    """
    # weak pairs stay in: leaving them out would select those that fluctuated up
    usable = [(off, on) for off, on in pairs if off.has_stokes and on.has_stokes]
    _check_pairs(usable, len(pairs), calibration)
    ratio_off = _pooled([off for off, _ in usable])
    ratio_on = _pooled([on for _, on in usable])
    differences = np.array(
        [on.excess_over(ratio_on) - off.excess_over(ratio_off) for off, on in usable]
    )
    sigma_off = np.array([off.sigma_expecting(ratio_off) for off, _ in usable])
    sigma_on = np.array([on.sigma_expecting(ratio_on) for _, on in usable])
    weight = np.array([1 / (1 / on.stokes_e + 1 / off.stokes_e) for off, on in usable])
    weight /= weight.sum()
    chi2 = float(np.sum(differences**2 / (sigma_off**2 + sigma_on**2)))
    freedom = len(usable) - 1
    excess = chi2 / freedom if freedom and chi2 > freedom + 3 * np.sqrt(2 * freedom) else 1.0
    sigmas = (_mean_error(weight, sigma_off, excess), _mean_error(weight, sigma_on, excess))
    delta, sigma = ratio_on - ratio_off, float(np.hypot(*sigmas))
    left_out = len(pairs) - len(usable)
    remarks = [f"{left_out} of {len(pairs)} pairs left out"] if left_out else []
    remarks += [f"pairs scatter, χ² {chi2:.1f} for {freedom}"] if excess > 1 else []
    off_k, delta_k, delta_sigma_k = _in_kelvin((ratio_off, ratio_on), sigmas, calibration)
    return PumpEffect(
        region=usable[0][0].region,
        pairs=len(usable),
        delta_ln_ratio=delta,
        delta_ln_ratio_sigma=sigma,
        off_k=off_k,
        delta_k=delta_k,
        delta_sigma_k=delta_sigma_k,
        chi2=chi2,
        significance=delta / sigma,
        remark="; ".join(remarks),
    )


def _check_pairs(
    usable: Sequence[tuple[RatioPoint, RatioPoint]], asked: int, calibration: RatioCalibration
) -> None:
    if not usable:
        raise AnalysisError(
            f"dual beam: none of {asked} pairs can be used", remedy="expose longer per pair"
        )
    region = usable[0][0].region
    for off, on in usable:
        check_fit_for(off, calibration)
        check_fit_for(on, calibration)
        if off.region != region or on.region != region:
            raise AnalysisError(f"dual beam: a pair of {off.region} and {on.region} on {region}")
        if not off.condition.pump_power_w < on.condition.pump_power_w:
            raise AnalysisError("dual beam: a pair is (pump off, pump on), in this order")


def _pooled(points: Sequence[RatioPoint]) -> float:
    """Return ln(AS/S) of the summed areas."""
    anti_stokes_e = sum(point.anti_stokes_e for point in points)
    sigma_e = sum(point.anti_stokes_variance_e2 for point in points) ** 0.5
    if anti_stokes_e < LOW_ANTI_STOKES_SNR * sigma_e:
        raise AnalysisError(
            f"dual beam: anti-Stokes line only {anti_stokes_e / sigma_e:.1f} σ above the noise",
            remedy="measure more pairs, or expose longer",
        )
    return float(np.log(anti_stokes_e / sum(point.stokes_e for point in points)))


def _mean_error(weight: np.ndarray, sigmas: np.ndarray, excess: float) -> float:
    return float(np.sqrt(np.sum((weight * sigmas) ** 2) * excess))


def _in_kelvin(
    ratios: tuple[float, float], sigmas: tuple[float, float], calibration: RatioCalibration
) -> tuple[float | None, float | None, float | None]:
    off_k, on_k = (calibration.temperature_at(ratio) for ratio in ratios)
    if off_k is None or on_k is None:
        return None, None, None
    slopes = calibration.slope_k(off_k), calibration.slope_k(on_k)
    counting_k = np.hypot(slopes[0] * sigmas[0], slopes[1] * sigmas[1])
    common_k = (slopes[1] - slopes[0]) * calibration.ln_c_sigma
    return off_k, on_k - off_k, float(np.hypot(counting_k, common_k))
