"""Pool the spectra of one region and condition."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.ratio_fit import LOW_ANTI_STOKES_SNR, RatioFit
from labctl.core.errors import AnalysisError
from labctl.core.results import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioPoint:
    """Hold what all spectra of one region and condition say about one line together.

    Areas in electrons, summed over the spectra, with their variances and covariance; the shift
    is their weighted mean. `reason` is empty unless no temperature may be derived.
    """

    region: str
    condition: Condition
    mode: str
    laser_nm: float
    stokes_e: float
    anti_stokes_e: float
    stokes_variance_e2: float
    anti_stokes_variance_e2: float
    covariance_e2: float
    shift_cm1: float
    shift_sigma_cm1: float
    spectra: int
    reason: str = ""
    remarks: tuple[str, ...] = ()
    calibrations: tuple[str, ...] = ()

    @property
    def anti_stokes_snr(self) -> float:
        """Return the anti-Stokes area over its standard deviation."""
        return self.anti_stokes_e / float(np.sqrt(self.anti_stokes_variance_e2))

    @property
    def ln_ratio(self) -> float:
        """Return ln(AS/S); raises `AnalysisError` if there is none."""
        if self.reason:
            raise AnalysisError(f"{self.region}: no intensity ratio, {self.reason}")
        return float(np.log(self.anti_stokes_e / self.stokes_e))

    @property
    def ln_ratio_sigma(self) -> float:
        """Return the standard deviation of ln(AS/S), of counting alone."""
        return self.sigma_expecting(self.ln_ratio)

    @property
    def has_stokes(self) -> bool:
        """Tell whether areas exist, even where a weak anti-Stokes line gives no temperature.

        Averages and fits use all of these: leaving out weak lines would select those that
        fluctuated up.
        """
        return self.spectra > 0 and self.stokes_e > 0

    def excess_over(self, ln_ratio: float) -> float:
        """Return AS/S over an expected ratio, minus one: ln(AS/S) − `ln_ratio` where it is small.

        Unlike the logarithm it exists for every fluctuation, and its mean is not biased.
        """
        return self.anti_stokes_e / (self.stokes_e * float(np.exp(ln_ratio))) - 1

    def sigma_expecting(self, ln_ratio: float) -> float:
        """Return the standard deviation of ln(AS/S) if `ln_ratio` is true.

        Weights for averages and fits use this: an error from the observed anti-Stokes counts
        is large where these fluctuated down, and would bias the average upwards.
        """
        expected_e = self.stokes_e * float(np.exp(ln_ratio))
        variance = max(self.anti_stokes_variance_e2 + expected_e - self.anti_stokes_e, expected_e)
        relative = (
            variance / expected_e**2
            + self.stokes_variance_e2 / self.stokes_e**2
            - 2 * self.covariance_e2 / (expected_e * self.stokes_e)
        )
        return float(np.sqrt(relative))


def pool_fits(
    fits: Sequence[RatioFit], region: str, condition: Condition, mode: str | None = None
) -> RatioPoint:
    """Add up the fits of one region and condition.

    ln of the summed areas is the Stokes-weighted average in ln(AS/S), without the bias of the
    logarithm of single weak spectra. Fits that may not be used are left out and named.

    Raises
    ------
    AnalysisError
        If there is no fit at all.
    """
    if not fits:
        raise AnalysisError(f"{region}: no spectrum to average")
    name = mode or fits[0].main.name
    usable = [fit for fit in fits if not fit.reason]
    remarks = [f"left out: {fit.reason}" for fit in fits if fit.reason]
    remarks += [remark for fit in usable for remark in fit.remarks if "χ²" in remark]
    lines = [fit.line(name) for fit in usable or fits]
    covariance = np.sum([line.covariance_e2 for line in lines], axis=0)
    weights = np.array([line.shift_sigma_cm1**-2 for line in lines])
    shifts = np.array([line.shift_cm1 for line in lines])
    stokes_e = float(sum(line.stokes_e for line in lines))
    anti_stokes_e = float(sum(line.anti_stokes_e for line in lines))
    snr = anti_stokes_e / float(np.sqrt(covariance[1, 1]))
    identities = {identity for fit in usable for identity in fit.calibrations.values()}
    return RatioPoint(
        region=region,
        condition=condition,
        mode=name,
        laser_nm=fits[0].laser_nm,
        stokes_e=stokes_e,
        anti_stokes_e=anti_stokes_e,
        stokes_variance_e2=float(covariance[0, 0]),
        anti_stokes_variance_e2=float(covariance[1, 1]),
        covariance_e2=float(covariance[0, 1]),
        shift_cm1=float(np.sum(weights * shifts) / np.sum(weights)),
        shift_sigma_cm1=float(np.sum(weights) ** -0.5),
        spectra=len(usable),
        reason=_why_not(len(usable), fits[0].reason, stokes_e, snr),
        remarks=tuple(dict.fromkeys(remarks)),
        calibrations=tuple(sorted(identities)),
    )


def _why_not(usable: int, reason: str, stokes_e: float, snr: float) -> str:
    if not usable:
        return reason
    if stokes_e <= 0:
        return "no Stokes line"
    if snr < LOW_ANTI_STOKES_SNR:
        return f"anti-Stokes line only {snr:.1f} σ above the noise (need {LOW_ANTI_STOKES_SNR:g})"
    return ""
