"""Calibrate the Raman thermometer against the cryostat.

ln(AS/S) = ln C + 3·ln((ν0+ω)/(ν0−ω)) − c2·ω/(T_cryo + h·P) at several temperatures and at least
two powers gives ln C and the self-heating h; the positions give ω(T).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.shift_calibration import (
    calibrate_shift,
    environment_k,
    nominal_calibration,
    powers_w,
)
from labctl.analysis.thermometry import (
    RatioCalibration,
    boltzmann_k,
    check_fit_for,
    ln_photon_factor,
)
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError

POWER_RATIO = 1.2
"""Powers closer than this count as equal: read-backs differ a little."""

LITERATURE_SELF_HEATING_K_PER_W = (4.5e4, 3.5e4)
"""1 to 8 K at 100 µW, for interface conductances of 2 to 16 MW/m²K (science reference, [P])."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermometryFit:
    """Hold a fitted calibration with the checks that it passed or failed.

    `covariance` is that of (ln C, h in K/W). `theta_k` ± `theta_sigma_k` is the Boltzmann slope
    fitted freely; it should be `theta_expected_k` = c2·ω. `repeat_deviation` is the mean
    difference between later and first visits of equal conditions, in its standard deviations.
    """

    ratio: RatioCalibration
    self_heating_k_per_w: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    chi2: float
    freedom: int
    theta_k: float
    theta_sigma_k: float
    theta_expected_k: float
    repeat_deviation: float | None
    residuals: tuple[float, ...]
    warnings: tuple[str, ...]
    rests_on: tuple[str, ...]

    def calibration(
        self, beam: str, measured_utc: str, source: str, valid_days: float = 30.0
    ) -> Calibration:
        """Return the calibration to store, of kind `thermometry.<beam>`."""
        numbers = {
            name: getattr(self.ratio, name)
            for name in RatioCalibration.__dataclass_fields__
            if name != "identity"
        }
        checks = {
            "self_heating_k_per_w": self.self_heating_k_per_w,
            "covariance": [list(row) for row in self.covariance],
            "chi2": self.chi2,
            "freedom": self.freedom,
            "theta_k": self.theta_k,
            "theta_sigma_k": self.theta_sigma_k,
            "theta_expected_k": self.theta_expected_k,
            "repeat_deviation": self.repeat_deviation,
            "warnings": list(self.warnings),
            "rests_on": list(self.rests_on),
        }
        return Calibration(
            f"thermometry.{beam}", numbers | checks, measured_utc, source, valid_days
        )


def calibrate_ratio(
    points: Sequence[RatioPoint],
    *,
    self_heating_prior_k_per_w: tuple[float, float] | None = None,
    quadratic_shift: bool = False,
) -> ThermometryFit:
    """Fit ln C, self-heating and ω(T) to a temperature series, in the order of measurement.

    Parameters
    ----------
    self_heating_prior_k_per_w
        What is known of h (value, standard deviation), such as
        `LITERATURE_SELF_HEATING_K_PER_W`; needed if all powers are equal.

    Raises
    ------
    AnalysisError
        If fewer than three points can be used, temperatures are missing or do not vary, or the
        powers are all equal without a prior.
    """
    usable = [point for point in points if point.has_stokes]
    _check_series(usable, points, self_heating_prior_k_per_w)
    prior = self_heating_prior_k_per_w
    solution = np.zeros(2)
    # the temperatures of the positions need h, and ω(T) enters the ratio: a few rounds settle it
    for _ in range(3):
        shift = calibrate_shift(usable, float(solution[1]), quadratic=quadratic_shift)
        solution, covariance, residuals = _fit_ratio(usable, shift, prior)
    ratio = replace(shift, ln_c=float(solution[0]), ln_c_sigma=float(np.sqrt(covariance[0, 0])))
    theta_k, theta_sigma_k = _free_theta(usable, shift, solution, prior)
    expected_k = boltzmann_k(shift.shift_cm1)
    chi2, freedom = float(np.sum(residuals**2)), max(len(usable) - 2 + bool(prior), 1)
    repeat = _repeat_deviation(usable)
    warnings = [
        f"{p.region} {p.condition.cryostat_k} K: {p.reason}" for p in points if not p.has_stokes
    ]
    warnings += _warnings(chi2, freedom, residuals, (theta_k - expected_k) / theta_sigma_k, repeat)
    (c_c, c_h), (_, h_h) = covariance.tolist()
    return ThermometryFit(
        ratio=ratio,
        self_heating_k_per_w=float(solution[1]),
        covariance=((c_c, c_h), (c_h, h_h)),
        chi2=chi2,
        freedom=freedom,
        theta_k=theta_k,
        theta_sigma_k=theta_sigma_k,
        theta_expected_k=expected_k,
        repeat_deviation=repeat,
        residuals=tuple(float(value) for value in residuals),
        warnings=tuple(warnings),
        rests_on=tuple(sorted({identity for p in usable for identity in p.calibrations})),
    )


def _check_series(
    usable: Sequence[RatioPoint],
    points: Sequence[RatioPoint],
    prior: tuple[float, float] | None,
) -> None:
    problem = ""
    temperatures = [point.condition.cryostat_k for point in usable]
    if len(usable) < 3:
        problem = f"only {len(usable)} of {len(points)} points can be used"
    elif None in temperatures:
        problem = "a point has no cryostat temperature"
    elif np.ptp(np.array(temperatures, float)) < 10:
        problem = "the temperatures span less than 10 K"
    elif prior is None and powers_w(usable).max() < POWER_RATIO * powers_w(usable).min():
        problem = "all powers are equal: self-heating cannot be told from the response"
    if problem:
        raise AnalysisError(
            f"thermometry calibration: {problem}",
            remedy="measure at least three temperatures with two powers each, longer if needed",
        )
    # points of one mode and laser only
    nominal = nominal_calibration(usable[0])
    for point in usable:
        check_fit_for(point, nominal)


def _expected(
    points: Sequence[RatioPoint], shift: RatioCalibration, heating_k_per_w: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return photon factor, θ/T and its derivative to h of each point."""
    temperature_k = environment_k(points) + heating_k_per_w * powers_w(points)
    shifts = [shift.shift_at(float(value)) for value in temperature_k]
    factor = np.array([ln_photon_factor(value, shift.laser_nm) for value in shifts])
    exponent = np.array([boltzmann_k(value) for value in shifts]) / temperature_k
    return factor, exponent, -exponent / temperature_k * powers_w(points)


def _fit_ratio(
    points: Sequence[RatioPoint], shift: RatioCalibration, prior: tuple[float, float] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (ln C, h), their covariance and the residuals in standard deviations."""
    solution = np.array([_start_ln_c(points, shift), prior[0] if prior else 0.0])
    for _ in range(30):
        fisher, gradient, residual = _equations(points, shift, solution, prior, 2)
        step = _invert_scaled(fisher) @ gradient
        # one unit of ln at most: far off, the linear excess is no logarithm
        solution = solution + step * min(1.0, 1.0 / max(abs(float(step[0])), 1e-12))
        if float(step @ fisher @ step) < 1e-10:
            break
    return solution, _invert_scaled(fisher), residual


def _start_ln_c(points: Sequence[RatioPoint], shift: RatioCalibration) -> float:
    factor, exponent, _ = _expected(points, shift, 0.0)
    expected = sum(
        point.stokes_e * np.exp(value)
        for point, value in zip(points, factor - exponent, strict=True)
    )
    observed = sum(point.anti_stokes_e for point in points)
    if not observed > 0:
        raise AnalysisError(
            "thermometry calibration: no anti-Stokes line in the whole series",
            remedy="expose longer, or calibrate at higher temperatures",
        )
    return float(np.log(observed / expected))


def _equations(
    points: Sequence[RatioPoint],
    shift: RatioCalibration,
    solution: np.ndarray,
    prior: tuple[float, float] | None,
    size: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Fisher matrix, gradient and residuals for ln C, h and, if `size` is 3, ln θ."""
    factor, exponent, slope = _expected(points, shift, float(solution[1]))
    model = solution[0] + factor - exponent
    pairs = list(zip(points, model.tolist(), strict=True))
    sigma = np.array([point.sigma_expecting(value) for point, value in pairs])
    residual = np.array([point.excess_over(value) for point, value in pairs]) / sigma
    design = np.stack([np.ones_like(slope), -slope, -exponent])[:size] / sigma
    fisher, gradient = design @ design.T, design @ residual
    if prior:
        fisher[1, 1] += prior[1] ** -2
        gradient[1] += (prior[0] - solution[1]) / prior[1] ** 2
    return fisher, gradient, residual


def _free_theta(
    points: Sequence[RatioPoint],
    shift: RatioCalibration,
    solution: np.ndarray,
    prior: tuple[float, float] | None,
) -> tuple[float, float]:
    """Return θ and its error with ln C, h and θ free, to first order around the solution."""
    fisher, gradient, _ = _equations(points, shift, solution, prior, 3)
    covariance = _invert_scaled(fisher)
    expected_k = boltzmann_k(shift.shift_cm1)
    step = float((covariance @ gradient)[2])
    return expected_k * (1 + step), expected_k * float(np.sqrt(covariance[2, 2]))


def _invert_scaled(fisher: np.ndarray) -> np.ndarray:
    scale = 1 / np.sqrt(np.diag(fisher))
    return np.asarray(np.linalg.pinv(fisher * np.outer(scale, scale)) * np.outer(scale, scale))


def _repeat_deviation(points: Sequence[RatioPoint]) -> float | None:
    """Compare later visits of the same temperature and power with the first one."""

    def condition(point: RatioPoint) -> tuple[float, float]:
        return (round((point.condition.cryostat_k or 0.0) / 2) * 2.0, point.condition.power_w)

    strong = [point for point in points if not point.reason]
    differences, weights = [], []
    for _, group in groupby(sorted(strong, key=condition), key=condition):
        first, *later = list(group)
        for point in later:
            differences.append(point.ln_ratio - first.ln_ratio)
            weights.append(1 / (point.ln_ratio_sigma**2 + first.ln_ratio_sigma**2))
    if not differences:
        return None
    return float(np.dot(weights, differences) / np.sqrt(np.sum(weights)))


def _warnings(
    chi2: float, freedom: int, residuals: np.ndarray, theta_pull: float, repeat: float | None
) -> list[str]:
    checks: Mapping[str, bool] = {
        f"χ² {chi2:.1f} for {freedom} degrees of freedom": chi2
        > freedom + 4 * (2 * freedom) ** 0.5,
        f"largest residual {np.max(np.abs(residuals)):.1f} σ": bool(np.max(np.abs(residuals)) > 4),
        f"Boltzmann slope {theta_pull:+.1f} σ from c2·ω": abs(theta_pull) > 2,
        f"later visits differ by {repeat or 0:+.1f} σ": abs(repeat or 0) > 2,
    }
    return [text for text, failed in checks.items() if failed]
