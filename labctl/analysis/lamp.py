"""Fit the wavelength axis to the lines of a spectral lamp."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.counts import Electrons
from labctl.analysis.wavelength import NEON_AIR_NM, LineOffset, fit_line_offset
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError

_ISOLATED_FWHM = 5.0
_EDGE_FWHM = 8.0
_OUTLIER_SIGMA = 5.0
_LEAST_NM = 0.002
"""Lines are not believed to better than this: blends and tables limit them (assumed)."""


@dataclass(frozen=True, slots=True)
class LampFit:
    """Hold how an axis compares with the lines of a lamp.

    `polynomial_nm` is added to the axis: Σ cₙ uⁿ, with u from −1 to 1 over the detector;
    `sigma_nm` are the standard deviations of its coefficients. `rejected` are lines that no
    polynomial fits, or that do not stand out of the noise.
    """

    lines: tuple[LineOffset, ...]
    polynomial_nm: tuple[float, ...]
    sigma_nm: tuple[float, ...]
    residuals_nm: tuple[float, ...]
    rejected: tuple[float, ...]

    @property
    def rms_before_nm(self) -> float:
        """Return the root mean square of the offsets of the axis as it was."""
        return float(np.sqrt(np.mean([line.offset_nm**2 for line in self.lines])))

    @property
    def rms_after_nm(self) -> float:
        """Return the root mean square of what the polynomial leaves."""
        return float(np.sqrt(np.mean(np.square(self.residuals_nm))))


def isolated_lines(
    axis_nm: np.ndarray, fwhm_nm: float, lines_nm: Sequence[float] = NEON_AIR_NM
) -> list[float]:
    """Return the lines inside an axis that no other line of the lamp touches."""
    inside_nm = [
        line
        for line in lines_nm
        if axis_nm.min() + _EDGE_FWHM * fwhm_nm < line < axis_nm.max() - _EDGE_FWHM * fwhm_nm
    ]
    return [
        line
        for line in inside_nm
        if all(abs(line - other) > _ISOLATED_FWHM * fwhm_nm for other in lines_nm if other != line)
    ]


def fit_lamp(
    electrons: Electrons,
    *,
    fwhm_px: float,
    degree: int = 2,
    lines_nm: Sequence[float] = NEON_AIR_NM,
    search_fwhm: float = 2.0,
) -> LampFit:
    """Fit each isolated line, then a polynomial to their offsets, outliers taken out one by one.

    Parameters
    ----------
    electrons
        Light of the lamp.
    fwhm_px
        Width of a line on the detector, in pixels.
    degree
        Highest power of the polynomial; fewer lines than coefficients + 1 lower it.

    Raises
    ------
    AnalysisError
        If no line stands out of the noise.
    """
    axis_nm = electrons.wavelength_nm
    fwhm_nm = fwhm_px * float(np.median(np.abs(np.gradient(axis_nm))))
    found, rejected = [], []
    for line_nm in isolated_lines(axis_nm, fwhm_nm, lines_nm):
        try:
            found.append(_fit_one(electrons, line_nm, fwhm_nm, search_fwhm))
        except AnalysisError:
            rejected.append(line_nm)
    if not found:
        raise AnalysisError(
            f"none of {len(rejected)} lines of the lamp stands out of the noise between "
            f"{axis_nm.min():.1f} and {axis_nm.max():.1f} nm",
            remedy="switch the lamp on, put it in front of the microscope, or expose longer",
        )
    return _fit_polynomial(axis_nm, found, degree, rejected)


def _fit_one(
    electrons: Electrons, line_nm: float, fwhm_nm: float, search_fwhm: float
) -> LineOffset:
    return fit_line_offset(
        electrons,
        line_nm,
        search_nm=search_fwhm * fwhm_nm,
        half_window_nm=max(2.5 * fwhm_nm, 8 * fwhm_nm / 3.5),
        instrument_fwhm_nm=fwhm_nm,
        natural_fwhm_nm=0.05 * fwhm_nm,
    )


def _fit_polynomial(
    axis_nm: np.ndarray, found: Sequence[LineOffset], degree: int, rejected: Sequence[float]
) -> LampFit:
    kept, out = list(found), list(rejected)
    while True:
        coefficients, sigma, residuals = _weighted(axis_nm, kept, min(degree, len(kept) - 1))
        errors = np.array([_error_nm(line) for line in kept])
        worst = int(np.argmax(np.abs(residuals) / errors))
        spread = max(1.0, float(np.median(np.abs(residuals) / errors)))
        if len(kept) <= 4 or abs(residuals[worst]) / errors[worst] <= _OUTLIER_SIGMA * spread:
            break
        out.append(kept.pop(worst).line_nm)
    return LampFit(
        lines=tuple(kept),
        polynomial_nm=tuple(float(value) for value in coefficients),
        sigma_nm=tuple(float(value) for value in sigma),
        residuals_nm=tuple(float(value) for value in residuals),
        rejected=tuple(sorted(out)),
    )


def _weighted(
    axis_nm: np.ndarray, lines: Sequence[LineOffset], degree: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pixels = np.interp(
        [line.line_nm - line.offset_nm for line in lines], axis_nm, np.arange(axis_nm.size)
    )
    reduced = 2 * pixels / (axis_nm.size - 1) - 1
    design = np.vander(reduced, degree + 1, increasing=True)
    weight = np.array([_error_nm(line) ** -2 for line in lines])
    offsets = np.array([line.offset_nm for line in lines])
    covariance = np.linalg.inv(design.T @ (weight[:, None] * design))
    coefficients = covariance @ (design.T @ (weight * offsets))
    residuals = offsets - design @ coefficients
    freedom = max(len(lines) - degree - 1, 1)
    excess = max(1.0, float(np.sum(weight * residuals**2)) / freedom)
    return coefficients, np.sqrt(excess * np.diag(covariance)), residuals


def _error_nm(line: LineOffset) -> float:
    return float(np.hypot(line.sigma_nm, _LEAST_NM))


def is_significant(fit: LampFit, positioning_nm: float) -> bool:
    """Tell whether an axis is off by more than fits and positioning explain (three σ)."""
    for power, (value, sigma) in enumerate(zip(fit.polynomial_nm, fit.sigma_nm, strict=True)):
        allowed_nm = 3 * float(np.hypot(sigma, positioning_nm if power == 0 else 0.0))
        if abs(value) > allowed_nm:
            return True
    return False


def lamp_calibration(
    fit: LampFit,
    grating: int,
    *,
    measured_utc: str,
    source: str,
    previous: Calibration | None = None,
    valid_days: float = 30.0,
) -> Calibration:
    """Return a calibration of kind `wavelength` with a new polynomial for one grating.

    The polynomial is added to that of `previous`, with which the lines were measured; other
    gratings are kept.
    """
    gratings = dict(previous.values.get("gratings", {})) if previous else {}
    entry = dict(gratings.get(str(grating), {}))
    old = list(entry.get("polynomial_nm", [0.0]))
    size = max(len(old), len(fit.polynomial_nm))
    total = np.zeros(size)
    total[: len(old)] += old
    total[: len(fit.polynomial_nm)] += fit.polynomial_nm
    entry["polynomial_nm"] = [float(value) for value in total]
    entry["lines_nm"] = [line.line_nm for line in fit.lines]
    entry["rms_nm"] = fit.rms_after_nm
    gratings[str(grating)] = entry
    values = {"gratings": gratings, "rests_on": [previous.identity] if previous else []}
    return Calibration("wavelength", values, measured_utc, source, valid_days)
