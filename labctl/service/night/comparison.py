"""Compare two spectra of one condition: say whether more than the noise has changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.counts import Electrons, to_electrons
from labctl.analysis.ratio_fit import fit_ratio
from labctl.core.errors import AnalysisError
from labctl.core.readings import Scalar
from labctl.core.spectra import Spectrum

MOST_SIGMA = 4.0
"""A change beyond this is one: by chance once in 16,000 comparisons of one number."""

RATE_SIGMA = 0.03
"""Relative scatter of the rate at one set power: attenuator, focus and place [assumed]."""

SHIFT_SIGMA_NM = 0.03
"""Repeatability of the grating, as in the analyses [assumed]."""

SHAPE_SIGMA = 0.02
"""Relative scatter of single pixels that does not average out [assumed]."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold how a spectrum differs from an earlier one, in standard deviations.

    `rate_per_w` is in photoelectrons per s and W at the sample; `ln_ratio` compares ln(AS/S) and
    is None where there are no two sides. `chi2` is per degree of `freedom`, of the shapes.
    """

    rate_per_w: float
    rate_per_w_sigma: float
    rate_change: float
    rate_z: float
    ln_ratio_z: float | None
    chi2: float
    freedom: int

    @property
    def chi2_z(self) -> float:
        """Return χ² as the deviation of a normal variable (Wilson and Hilferty, 1931)."""
        spread = 2.0 / (9.0 * self.freedom)
        return float((np.cbrt(self.chi2) - (1.0 - spread)) / np.sqrt(spread))

    @property
    def agrees(self) -> bool:
        """Tell whether all three numbers are within the limit."""
        numbers = (abs(self.rate_z), abs(self.ln_ratio_z or 0.0), self.chi2_z)
        return all(number <= MOST_SIGMA for number in numbers)

    def __str__(self) -> str:
        ratio = "" if self.ln_ratio_z is None else f", ln(AS/S) by {self.ln_ratio_z:+.1f} σ"
        return (
            f"rate changed by {self.rate_change:+.1%} ({self.rate_z:+.1f} σ){ratio}, "
            f"χ²/{self.freedom} of the shape {self.chi2:.2f} ({self.chi2_z:+.1f} σ)"
        )


def compare(earlier: Spectrum, later: Spectrum, darks: Sequence[Spectrum]) -> Comparison:
    """Compare two spectra taken with one beam, window and exposure.

    Raises
    ------
    AnalysisError
        If they do not belong together, or hold no light.
    """
    if earlier.beams != later.beams or earlier.wavelength_nm.shape != later.wavelength_nm.shape:
        raise AnalysisError("the two spectra are not of one condition: beams or axes differ")
    usable = [dark for dark in darks if fits(dark, earlier)]
    one, two = to_electrons(earlier, usable), to_electrons(later, usable)
    first, second = _Rate.of(one, earlier), _Rate.of(two, later)
    change = float(np.log(second.per_w / first.per_w))
    sigma = float(np.sqrt(first.relative**2 + second.relative**2 + RATE_SIGMA**2))
    chi2, freedom = _shape(one, two, second.light_e / first.light_e)
    return Comparison(
        rate_per_w=second.per_w,
        rate_per_w_sigma=second.per_w * float(np.hypot(second.relative, RATE_SIGMA)),
        rate_change=float(np.expm1(change)),
        rate_z=change / sigma,
        ln_ratio_z=_ratio_z(one, two),
        chi2=chi2,
        freedom=freedom,
    )


def rate_of(spectrum: Spectrum, darks: Sequence[Spectrum]) -> tuple[float, float]:
    """Return the signal of a spectrum in photoelectrons per s and W, and its standard deviation.

    Raises
    ------
    AnalysisError
        If it holds no light, or a dark does not belong to it.
    """
    usable = [dark for dark in darks if fits(dark, spectrum)]
    rate = _Rate.of(to_electrons(spectrum, usable), spectrum)
    return rate.per_w, rate.per_w * float(np.hypot(rate.relative, RATE_SIGMA))


def fits(dark: Spectrum, spectrum: Spectrum) -> bool:
    """Tell whether a dark was taken with the exposure and the grating of a spectrum."""
    same_place = all(
        _close(dark.settings.get(key), spectrum.settings.get(key))
        for key in ("grating", "centre_nm")
    )
    return same_place and abs(dark.exposure_s - spectrum.exposure_s) < 1e-9


@dataclass(frozen=True, slots=True)
class _Rate:
    light_e: float
    per_w: float
    relative: float

    @classmethod
    def of(cls, electrons: Electrons, spectrum: Spectrum) -> "_Rate":
        good = np.isfinite(electrons.variance_floor_e2) & ~electrons.saturated
        light_e = float(electrons.signal_e[good].sum())
        variance = float(electrons.variance_e2(electrons.signal_e)[good].sum())
        power_w = sum(_power_w(spectrum, beam) for beam in spectrum.beams)
        if not light_e > 3 * np.sqrt(variance) or not power_w > 0:
            raise AnalysisError("the reference holds no light to compare")
        seconds = electrons.exposure_s * electrons.accumulations
        return cls(light_e, light_e / seconds / power_w, float(np.sqrt(variance)) / light_e)


def _close(one: Scalar | None, other: Scalar | None) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 0.1
    return one == other


def _power_w(spectrum: Spectrum, beam: str) -> float:
    value = spectrum.settings.get(f"{beam}_power_w", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _ratio_z(one: Electrons, two: Electrons) -> float | None:
    try:
        lines = [fit_ratio(electrons).main for electrons in (one, two)]
    except AnalysisError:
        return None
    values = [line.ln_ratio for line in lines]
    sigmas = [line.ln_ratio_sigma for line in lines]
    if None in values or None in sigmas or min(line.anti_stokes_snr for line in lines) < 5.0:
        return None
    difference = float(values[1] or 0.0) - float(values[0] or 0.0)
    return difference / float(np.hypot(sigmas[0] or 0.0, sigmas[1] or 0.0))


def _shape(one: Electrons, two: Electrons, scale: float) -> tuple[float, int]:
    """Return χ² per degree of freedom of the later spectrum against the scaled earlier one."""
    expected_e = scale * one.signal_e
    noise = two.variance_e2(expected_e) + scale**2 * one.variance_e2(one.signal_e)
    slope = np.gradient(_smooth(expected_e), two.wavelength_nm)
    noise = noise + (SHAPE_SIGMA * expected_e) ** 2 + (SHIFT_SIGMA_NM * slope) ** 2
    good = np.isfinite(noise) & ~one.saturated & ~two.saturated
    freedom = int(good.sum()) - 1
    squares = (two.signal_e - expected_e)[good] ** 2 / noise[good]
    return float(squares.sum()) / freedom, freedom


def _smooth(signal_e: np.ndarray) -> np.ndarray:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(signal_e, 5, mode="nearest"))
