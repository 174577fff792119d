"""Fit Stokes and anti-Stokes lines of one frame together.

Positions ±ω and widths are shared by the two sides, and one laser zero absorbs any error of the
axis: ω = (ν_AS − ν_S)/2. Each side has its own straight background, fitted with the lines. The
weights come from the model (`irls`). Areas of companion lines are free on both sides: tying
their anti-Stokes areas to a temperature would gain less than 2 % of σ and bias a sample whose
layers differ in temperature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.counts import Electrons
from labctl.analysis.irls import FitOutcome, Noise, solve
from labctl.analysis.lines import HETEROBILAYER_LINES, LineModel, voigt
from labctl.analysis.ratio_model import INSTRUMENT_FWHM_CM1, Side, TwoSidedModel
from labctl.core.errors import AnalysisError

WINDOW_CM1 = (212.0, 322.0)
LASER_ZERO_SEARCH_CM1 = np.arange(-6.0, 6.1, 1.0)
LOW_ANTI_STOKES_SNR = 5.0

UNEXPLAINED = 0.02
"""Part of the signal's squares; response and pixel pattern stay far below."""

COMPANION_SNR = 5.0
"""Stokes signal-to-noise from which position and width of a companion are fitted too."""


@dataclass(frozen=True, slots=True)
class LineRatio:
    """Hold what both sides say about one line.

    Areas in electrons with their covariance matrix [[S, S·AS], [S·AS, AS]]; `ln_ratio` is
    ln(AS/S), None if the anti-Stokes area is not positive. Errors are one standard deviation
    from the Fisher matrix, all fitted parameters included.
    """

    name: str
    stokes_e: float
    anti_stokes_e: float
    covariance_e2: tuple[tuple[float, float], tuple[float, float]]
    shift_cm1: float
    shift_sigma_cm1: float
    fwhm_cm1: float
    fwhm_sigma_cm1: float

    @property
    def anti_stokes_snr(self) -> float:
        """Return the anti-Stokes area over its standard deviation."""
        return self.anti_stokes_e / float(np.sqrt(self.covariance_e2[1][1]))

    @property
    def ln_ratio(self) -> float | None:
        """Return ln(AS/S)."""
        if self.stokes_e <= 0 or self.anti_stokes_e <= 0:
            return None
        return float(np.log(self.anti_stokes_e / self.stokes_e))

    @property
    def ln_ratio_sigma(self) -> float | None:
        """Return the standard deviation of ln(AS/S)."""
        if self.ln_ratio is None:
            return None
        gradient = np.array([-1 / self.stokes_e, 1 / self.anti_stokes_e])
        return float(np.sqrt(gradient @ np.array(self.covariance_e2) @ gradient))


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioFit:
    """Hold a two-sided fit. `reason` is empty unless the areas must not be used.

    `shift_cm1`, `observed_e` and `model_e` are the fitted pixels, Stokes side first.
    """

    lines: tuple[LineRatio, ...]
    laser_zero_cm1: float
    laser_zero_sigma_cm1: float
    laser_nm: float
    chi2: float
    freedom: int
    reason: str
    remarks: tuple[str, ...]
    calibrations: Mapping[str, str]
    shift_cm1: np.ndarray
    observed_e: np.ndarray
    model_e: np.ndarray

    @property
    def main(self) -> LineRatio:
        """Return the first line."""
        return self.lines[0]

    def line(self, name: str) -> LineRatio:
        """Return a line by name; raises `AnalysisError` if it was not fitted."""
        for line in self.lines:
            if line.name == name:
                return line
        raise AnalysisError(f"line {name!r} was not fitted, only {[n.name for n in self.lines]}")


def fit_ratio(
    electrons: Electrons,
    lines: Sequence[LineModel] = HETEROBILAYER_LINES,
    *,
    window_cm1: tuple[float, float] = WINDOW_CM1,
    instrument_fwhm_cm1: float = INSTRUMENT_FWHM_CM1,
) -> RatioFit:
    """Fit lines on both sides of the laser; the first line is the main one.

    Raises
    ------
    AnalysisError
        If the frame does not hold the main line on both sides with 15 cm⁻¹ beside it.
    """
    model, pixels = two_sided_model(electrons, lines, window_cm1, instrument_fwhm_cm1)
    observed_e = electrons.signal_e[pixels]
    noise = Noise(electrons.variance_scale[pixels], electrons.variance_floor_e2[pixels])
    start = _start(model, observed_e, noise)
    outcome = _solve(model, start, observed_e, noise)
    model_e = model(outcome.parameters)[0]
    unexplained = _unexplained(observed_e, model_e, 1 / noise.weight(model_e))
    results = tuple(_line_ratio(model, outcome, index) for index in range(len(lines)))
    return RatioFit(
        lines=results,
        laser_zero_cm1=float(outcome.parameters[0]),
        laser_zero_sigma_cm1=float(np.sqrt(outcome.covariance[0, 0])),
        laser_nm=float(electrons.laser_nm or 0.0),
        chi2=outcome.chi2,
        freedom=outcome.freedom,
        reason=_reason(outcome, electrons.saturated[pixels], results[0], unexplained),
        remarks=electrons.remarks + _remarks(outcome, results[0]),
        calibrations=electrons.calibrations,
        shift_cm1=electrons.shift_cm1[pixels],
        observed_e=observed_e,
        model_e=model_e,
    )


def two_sided_model(
    electrons: Electrons,
    lines: Sequence[LineModel],
    window_cm1: tuple[float, float] = WINDOW_CM1,
    instrument_fwhm_cm1: float = INSTRUMENT_FWHM_CM1,
) -> tuple[TwoSidedModel, np.ndarray]:
    """Return the model of a frame and the indices of its pixels, Stokes side first."""
    shift_cm1 = electrons.shift_cm1
    pixel_cm1 = np.abs(np.gradient(shift_cm1))
    sides, chosen = [], []
    for sign in (1, -1):
        inside = np.flatnonzero(
            (sign * shift_cm1 >= window_cm1[0]) & (sign * shift_cm1 <= window_cm1[1])
        )
        _check_coverage(sign * shift_cm1[inside], lines[0], sign)
        sides.append(Side(sign, shift_cm1[inside], pixel_cm1[inside]))
        chosen.append(inside)
    model = TwoSidedModel(sides[0], sides[1], tuple(lines), instrument_fwhm_cm1)
    return model, np.concatenate(chosen)


def _check_coverage(shift_cm1: np.ndarray, line: LineModel, sign: int) -> None:
    low, high = line.shift_cm1 - 15, line.shift_cm1 + 15
    if shift_cm1.size < 20 or shift_cm1.min() > low + 1 or shift_cm1.max() < high - 1:
        side = "Stokes" if sign > 0 else "anti-Stokes"
        raise AnalysisError(
            f"the frame does not hold {line.name} ({line.shift_cm1:g} cm⁻¹) on the {side} side",
            remedy="centre the spectrograph on the laser, or use a grating with fewer grooves",
        )


def _solve(
    model: TwoSidedModel, start: np.ndarray, observed_e: np.ndarray, noise: Noise
) -> FitOutcome:
    """Free the shapes of the main line, then those of the companions that are there."""
    companions = range(1, len(model.lines))
    outcome = solve(
        model, start, observed_e, noise, model.prior(companions), model.max_step(), tolerance=0.1
    )
    areas = model.layout.areas(1)
    snr = outcome.parameters[areas] / np.sqrt(np.diag(outcome.covariance)[areas])
    absent = [index for index in companions if snr[index] < COMPANION_SNR]
    return solve(
        model, outcome.parameters, observed_e, noise, model.prior(absent), model.max_step()
    )


def _start(model: TwoSidedModel, observed_e: np.ndarray, noise: Noise) -> np.ndarray:
    """Return start values: the laser zero that fits best, all else as expected."""
    layout = model.layout
    start = model.prior().centre.copy()
    weight = noise.weight(observed_e)
    # a smooth level: weights from single pixels would favour those that fluctuated down
    weight = np.where(weight > 0, noise.weight(np.full_like(observed_e, observed_e.mean())), 0)
    precision = model.prior().precision[0]
    blocks = _unshifted(model)
    best = np.inf
    for zero_cm1 in LASER_ZERO_SEARCH_CM1:
        design = _linear_design(model, blocks, float(zero_cm1))
        weighted = (design * weight[:, None]).T
        areas = np.linalg.solve(weighted @ design, weighted @ observed_e)
        misfit = float(np.sum(weight * (observed_e - design @ areas) ** 2))
        misfit += precision * zero_cm1**2
        if misfit < best:
            best = misfit
            start[0] = zero_cm1
            start[layout.linear] = areas
    return start


def _unshifted(model: TwoSidedModel) -> list[tuple[Side, np.ndarray, np.ndarray]]:
    """Return each side, its shifts in ascending order, and the lines on them."""
    blocks = []
    width = np.array([[line.fwhm_cm1] for line in model.lines])
    for side in (model.stokes, model.anti_stokes):
        position = np.array([[side.sign * line.shift_cm1] for line in model.lines])
        shape = voigt(side.shift_cm1 - position, model.instrument_fwhm_cm1, width) * side.pixel_cm1
        order = np.argsort(side.shift_cm1)
        blocks.append((side, side.shift_cm1[order], shape[:, order]))
    return blocks


def _linear_design(
    model: TwoSidedModel, blocks: list[tuple[Side, np.ndarray, np.ndarray]], zero_cm1: float
) -> np.ndarray:
    count = len(model.lines)
    rows = []
    for side, ascending_cm1, shapes in blocks:
        block = np.zeros((side.shift_cm1.size, 2 * count + 4))
        first = 0 if side.sign > 0 else count
        for index, shape in enumerate(shapes):
            block[:, first + index] = np.interp(side.shift_cm1 - zero_cm1, ascending_cm1, shape)
        offset = 2 * count + (0 if side.sign > 0 else 2)
        block[:, offset] = 1
        block[:, offset + 1] = side.ramp
        rows.append(block)
    return np.concatenate(rows)


def _line_ratio(model: TwoSidedModel, outcome: FitOutcome, index: int) -> LineRatio:
    layout = model.layout
    shift, width = layout.shifts.start + index, layout.widths.start + index
    areas = np.array([layout.areas(1).start + index, layout.areas(-1).start + index])
    covariance = outcome.covariance[np.ix_(areas, areas)]
    sigma = np.sqrt(np.diag(outcome.covariance))
    fwhm_cm1 = float(np.exp(outcome.parameters[width]))
    return LineRatio(
        name=model.lines[index].name,
        stokes_e=float(outcome.parameters[areas[0]]),
        anti_stokes_e=float(outcome.parameters[areas[1]]),
        covariance_e2=(
            (float(covariance[0, 0]), float(covariance[0, 1])),
            (float(covariance[1, 0]), float(covariance[1, 1])),
        ),
        shift_cm1=float(outcome.parameters[shift]),
        shift_sigma_cm1=float(sigma[shift]),
        fwhm_cm1=fwhm_cm1,
        fwhm_sigma_cm1=float(fwhm_cm1 * sigma[width]),
    )


def _unexplained(observed_e: np.ndarray, model_e: np.ndarray, variance_e2: np.ndarray) -> float:
    """Return the part of the signal's squares that neither model nor noise explains."""
    known = np.isfinite(variance_e2)
    excess = np.sum((observed_e - model_e)[known] ** 2 - variance_e2[known])
    return float(excess / np.sum((model_e - np.median(model_e)) ** 2))


def _is_poor(outcome: FitOutcome) -> bool:
    return outcome.chi2 > outcome.freedom + 5 * float(np.sqrt(2 * outcome.freedom))


def _reason(outcome: FitOutcome, saturated: np.ndarray, main: LineRatio, unexplained: float) -> str:
    if np.any(saturated):
        return f"{int(saturated.sum())} saturated pixels in the fitted window"
    if not outcome.converged:
        return "the fit did not converge"
    if _is_poor(outcome) and unexplained > UNEXPLAINED:
        return f"the lines do not describe the spectrum: {unexplained:.0%} is unexplained"
    if main.stokes_e < LOW_ANTI_STOKES_SNR * np.sqrt(main.covariance_e2[0][0]):
        return "no Stokes line above the noise"
    return ""


def _remarks(outcome: FitOutcome, main: LineRatio) -> tuple[str, ...]:
    remarks = []
    if main.anti_stokes_snr < LOW_ANTI_STOKES_SNR:
        remarks.append(f"anti-Stokes line only {main.anti_stokes_snr:.1f} σ above the noise")
    if _is_poor(outcome):
        remarks.append(f"χ² {outcome.chi2:.0f} for {outcome.freedom} degrees of freedom")
    return tuple(remarks)
