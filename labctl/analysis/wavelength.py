"""Check the wavelength axis with lines whose wavelengths are known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.counts import Electrons
from labctl.analysis.irls import Noise, Prior, solve
from labctl.analysis.lines import integrate_over_pixels
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError

SILICON_CM1 = 520.7
"""Laboratories use 520.45 to 520.7; the value belongs to the procedure's parameters."""

NEON_AIR_NM = (
    540.05618, 585.24879, 588.18952, 602.99969, 607.43377, 614.30626, 616.35939, 621.72812,
    626.6495, 633.44278, 638.29917, 640.2248, 650.65281, 659.89529, 692.94673, 702.40504,
    703.24131, 717.39381, 724.51666, 748.88712, 753.57741, 754.40443, 830.03258, 837.7608,
    865.43831, 878.37533,
)  # fmt: skip
"""Neon lines in air in nm (NIST, as collected in the science reference section 4)."""


@dataclass(frozen=True, slots=True)
class LineOffset:
    """Hold one fitted line: what to add to the axis (true − measured), ± one standard deviation."""

    line_nm: float
    offset_nm: float
    sigma_nm: float
    fwhm_nm: float
    area_e: float
    snr: float
    chi2: float
    freedom: int


def silicon_line_nm(laser_nm: float, shift_cm1: float = SILICON_CM1) -> float:
    """Return the wavelength of the Stokes line in the medium of `laser_nm`."""
    return 1e7 / (1e7 / laser_nm - shift_cm1)


def fit_line_offset(
    electrons: Electrons,
    line_nm: float,
    *,
    search_nm: float = 0.5,
    half_window_nm: float = 1.2,
    instrument_fwhm_nm: float = 0.057,
    natural_fwhm_nm: float = 0.1,
) -> LineOffset:
    """Fit a line near `line_nm` as a pixel-integrated Voigt profile on a straight background.

    Raises
    ------
    AnalysisError
        If the line is not in the frame, saturated, or less than 5 σ above the noise.
    """
    pixels = _window(electrons, line_nm, search_nm + half_window_nm)
    first = electrons.signal_e[pixels]
    axis_nm = electrons.wavelength_nm[pixels]
    near = np.abs(axis_nm - line_nm) <= search_nm
    smooth = np.convolve(first, np.ones(3) / 3, mode="same")
    guess_nm = float(axis_nm[near][np.argmax(smooth[near])])
    pixels = _window(electrons, guess_nm, half_window_nm)
    if np.any(electrons.saturated[pixels]):
        raise AnalysisError(
            f"the line at {line_nm:.3f} nm is saturated", remedy="expose for less time"
        )
    return _fit(electrons, pixels, line_nm, guess_nm, (instrument_fwhm_nm, natural_fwhm_nm))


def _fit(
    electrons: Electrons,
    pixels: np.ndarray,
    line_nm: float,
    guess_nm: float,
    widths_nm: tuple[float, float],
) -> LineOffset:
    instrument_fwhm_nm, natural_fwhm_nm = widths_nm
    axis_nm, observed_e = electrons.wavelength_nm[pixels], electrons.signal_e[pixels]
    pixel_nm = np.abs(np.gradient(axis_nm))
    ramp = np.linspace(-1, 1, axis_nm.size)

    def model(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        centre = (axis_nm - q[0])[None, :]
        fwhm = np.array([[np.exp(q[1])]])
        part, to_centre, to_width = (
            values[0]
            for values in integrate_over_pixels(centre, pixel_nm, instrument_fwhm_nm, fwhm)
        )
        expected = q[2] * part + q[3] + q[4] * ramp
        columns = [q[2] * to_centre, q[2] * to_width * fwhm[0, 0], part, np.ones_like(ramp), ramp]
        return expected, np.stack(columns, axis=1)

    level_e = float(np.median(observed_e))
    area_e = max(float(np.sum(observed_e - level_e)), 1.0)
    start = np.array([guess_nm, np.log(natural_fwhm_nm), area_e, level_e, 0.0])
    prior = Prior(start.copy(), np.array([0.0, 1.0, 0.0, 0.0, 0.0]))
    noise = Noise(electrons.variance_scale[pixels], electrons.variance_floor_e2[pixels])
    limits = np.array([natural_fwhm_nm, 0.5, np.inf, np.inf, np.inf])
    outcome = solve(model, start, observed_e, noise, prior, limits)
    sigma = np.sqrt(np.diag(outcome.covariance))
    snr = float(outcome.parameters[2] / sigma[2])
    if not outcome.converged or snr < 5 or abs(outcome.parameters[0] - guess_nm) > 0.5:
        raise AnalysisError(
            f"no line at {line_nm:.3f} nm stands out of the noise ({snr:.1f} σ)",
            remedy="expose longer, check focus and window, or search further",
        )
    return LineOffset(
        line_nm=line_nm,
        offset_nm=float(line_nm - outcome.parameters[0]),
        sigma_nm=float(sigma[0]),
        fwhm_nm=float(np.exp(outcome.parameters[1])),
        area_e=float(outcome.parameters[2]),
        snr=snr,
        chi2=outcome.chi2,
        freedom=outcome.freedom,
    )


def _window(electrons: Electrons, centre_nm: float, half_nm: float) -> np.ndarray:
    axis_nm = electrons.wavelength_nm
    inside = np.flatnonzero(np.abs(axis_nm - centre_nm) <= half_nm)
    if inside.size < 15 or not axis_nm.min() < centre_nm - half_nm / 2 < centre_nm + half_nm / 2 < (
        axis_nm.max()
    ):
        raise AnalysisError(
            f"the line at {centre_nm:.3f} nm is not in the frame "
            f"({axis_nm.min():.2f} to {axis_nm.max():.2f} nm)",
            remedy="centre the spectrograph on the line",
        )
    return inside


def average_offset(offsets: Sequence[LineOffset]) -> tuple[float, float]:
    """Return the weighted mean offset ± σ in nm; σ grows with the scatter between lines."""
    weight = np.array([offset.sigma_nm**-2 for offset in offsets])
    values = np.array([offset.offset_nm for offset in offsets])
    mean_nm = float(np.sum(weight * values) / np.sum(weight))
    chi2 = float(np.sum(weight * (values - mean_nm) ** 2))
    excess = max(1.0, chi2 / max(len(offsets) - 1, 1))
    return mean_nm, float(np.sqrt(excess / np.sum(weight)))


def wavelength_calibration(
    offsets: Sequence[LineOffset],
    grating: int,
    *,
    measured_utc: str,
    source: str,
    previous: Calibration | None = None,
    valid_days: float = 7.0,
) -> Calibration:
    """Return a calibration of kind `wavelength` that corrects one grating.

    `values["gratings"][grating]["offset_nm"]` is added to the axis that geometry gives. The
    offset is added to that of `previous`, the calibration with which the lines were measured;
    other gratings and polynomials are kept.
    """
    mean_nm, sigma_nm = average_offset(offsets)
    gratings = dict(previous.values.get("gratings", {})) if previous else {}
    entry = dict(gratings.get(str(grating), {}))
    entry["offset_nm"] = float(entry.get("offset_nm", 0.0)) + mean_nm
    entry["offset_sigma_nm"] = sigma_nm
    entry["lines_nm"] = [offset.line_nm for offset in offsets]
    gratings[str(grating)] = entry
    values = {"gratings": gratings, "rests_on": [previous.identity] if previous else []}
    return Calibration("wavelength", values, measured_utc, source, valid_days)
