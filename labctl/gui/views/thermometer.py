"""Say how warm the sample is while the spectrum builds up: T ± σ, or the reason why not.

The same estimator as the analysis of a run: the two-sided fit of `labctl.analysis.ratio_fit`
with the stored thermometry calibration of the beam. There is never a number without an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np

from labctl.analysis.counts import Electrons, to_electrons
from labctl.analysis.lines import HETEROBILAYER_LINES, SILICON, LineModel
from labctl.analysis.ratio_fit import LOW_ANTI_STOKES_SNR, WINDOW_CM1, RatioFit, fit_ratio
from labctl.analysis.ratio_point import pool_fits
from labctl.analysis.temperatures import NoTemperature, temperature_from_ratio
from labctl.analysis.thermometry import RatioCalibration
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError
from labctl.core.readings import Quality
from labctl.core.results import Condition, Temperature
from labctl.core.spectra import Detector, Spectrum
from labctl.gui.views.axes import format_uncertain
from labctl.gui.views.exposures import Pool

SATURATED_PART = 0.9
"""Part of the full range above which a spectrum gives no temperature and the banner shows."""

LINE_MARGIN_CM1 = 15.0
"""What a two-sided fit needs beside its main line."""


class Thermometry(StrEnum):
    """Say what the thermometer can say."""

    GOOD = "good"
    WAITING = "waiting for light"
    LOW = "low anti-Stokes counts"
    SATURATED = "saturated"
    UNCALIBRATED = "not calibrated"
    OUTSIDE = "region outside frame"
    REFUSED = "no temperature"


@dataclass(frozen=True, slots=True)
class Readout:
    """Hold a temperature with its error, or why there is none.

    `temperature` is None unless `state` is good. `text` is what people read, `detail` the rest
    of it: counts, identities of the calibrations, remarks.
    """

    state: Thermometry
    text: str
    detail: str = ""
    temperature: Temperature | None = None
    fit: RatioFit | None = None


NOT_YET = Readout(Thermometry.WAITING, "not computed yet")


@dataclass(frozen=True, slots=True)
class StoredCalibration:
    """Hold a calibration as the service lists it, under the identity that it has there."""

    kind: str
    values: Mapping[str, Any]
    identity: str
    expires_utc: str = ""

    def ratio(self) -> RatioCalibration:
        """Return it as a thermometry calibration; raises `AnalysisError` if it is none."""
        plain = Calibration(self.kind, self.values, "", "", 0.0)
        return replace(RatioCalibration.read(plain), identity=self.identity)


@dataclass(frozen=True, slots=True)
class Thermometer:
    """Measure temperatures in a region.

    Attributes
    ----------
    window_cm1
        Where the Stokes lines are fitted, (low, high) in cm⁻¹; its mirror image on the
        anti-Stokes side. None means that the two are not mirror images.
    calibrations
        By kind; that of the beam is `thermometry.<beam>`.
    adc_max
        The highest number of the converter; None if it is not known.
    """

    window_cm1: tuple[float, float] | None = WINDOW_CM1
    calibrations: Mapping[str, StoredCalibration] | None = None
    adc_max: float | None = None

    def measure(self, pool: Pool, darks: Sequence[Spectrum] = ()) -> Readout:
        """Return the temperature of a spectrum; raises nothing."""
        spectrum = pool.spectrum
        try:
            reason = self._refusal(spectrum)
            if reason is not None:
                return reason
            beam = spectrum.beams[0]
            stored = (self.calibrations or {}).get(f"thermometry.{beam}")
            if stored is None:
                return _uncalibrated(beam)
            return self._read(pool, darks, stored)
        except (AnalysisError, ValueError) as error:
            message = error.message if isinstance(error, AnalysisError) else str(error)
            return Readout(Thermometry.REFUSED, message)

    def _refusal(self, spectrum: Spectrum) -> Readout | None:
        """Return why a spectrum gives no temperature, before anything is fitted."""
        if spectrum.quality is Quality.INVALID:
            return Readout(Thermometry.REFUSED, f"invalid exposure: {spectrum.reason}")
        if spectrum.laser_nm is None or not spectrum.beams:
            return _no(Thermometry.WAITING, "no beam was open")
        if len(spectrum.beams) > 1:
            return Readout(Thermometry.REFUSED, "two beams at once: which one is the laser?")
        if self.window_cm1 is None:
            return Readout(Thermometry.REFUSED, "regions are not mirror images of each other")
        shift_cm1 = spectrum.shift_cm1
        low, high = self.window_cm1
        if shift_cm1.max() < high or shift_cm1.min() > -high:
            frame = f"the frame holds {shift_cm1.min():.0f} to {shift_cm1.max():.0f} cm⁻¹"
            return _no(Thermometry.OUTSIDE, frame)
        inside = (np.abs(shift_cm1) >= low) & (np.abs(shift_cm1) <= high)
        full = SATURATED_PART * full_counts(spectrum.detector, self.adc_max)
        too_high = int(np.count_nonzero(np.any(spectrum.counts[:, inside] >= full, axis=0)))
        if too_high:
            return _no(Thermometry.SATURATED, f"{too_high} pixels above {SATURATED_PART:.0%}")
        return None

    def _read(self, pool: Pool, darks: Sequence[Spectrum], stored: StoredCalibration) -> Readout:
        calibration = stored.ratio()
        low, high = self.window_cm1 or WINDOW_CM1
        lines = lines_within(calibration.mode, low, high)
        electrons = electrons_of(pool, darks)
        # a pixel that a cosmic ray hit in a single exposure has no weight, thus no variance
        with np.errstate(divide="ignore"):
            fit = fit_ratio(electrons, lines, window_cm1=(low, high))
        point = pool_fits([fit], "", Condition(_power_w(pool.spectrum)))
        found = temperature_from_ratio(point, calibration)
        if isinstance(found, NoTemperature):
            if not fit.reason and point.anti_stokes_snr < LOW_ANTI_STOKES_SNR:
                return _no(Thermometry.LOW, f"SNR {point.anti_stokes_snr:.1f}", fit)
            return Readout(Thermometry.REFUSED, found.reason, fit=fit)
        return Readout(
            Thermometry.GOOD,
            f"T = {format_uncertain(found.value_k, found.sigma_k, 'K')}{_age(stored, pool)}",
            _detail(found, fit, electrons),
            found,
            fit,
        )


def electrons_of(pool: Pool, darks: Sequence[Spectrum]) -> Electrons:
    """Return the electrons of pooled exposures with the noise that averaged rows really have.

    The sum of the N exposures behind each row has N times its electrons; with V = μ + floor for
    one exposure, its variance is Nμ + N·floor.
    """
    electrons = to_electrons(pool.spectrum, darks)
    many = pool.averaged
    if many == 1:
        return electrons
    return replace(
        electrons,
        signal_e=electrons.signal_e * many,
        variance_floor_e2=electrons.variance_floor_e2 * many,
        accumulations=electrons.accumulations * many,
    )


def lines_within(mode: str, low_cm1: float, high_cm1: float) -> tuple[LineModel, ...]:
    """Return the lines to fit, that of the calibration first; raises `AnalysisError` if outside."""
    known = {line.name: line for line in (*HETEROBILAYER_LINES, SILICON)}
    main = known.get(mode)
    if main is None:
        raise AnalysisError(f"the calibration is of {mode!r}, a line that is not known here")
    if not low_cm1 + LINE_MARGIN_CM1 <= main.shift_cm1 <= high_cm1 - LINE_MARGIN_CM1:
        raise AnalysisError(
            f"the region must hold {main.shift_cm1 - LINE_MARGIN_CM1:g} to "
            f"{main.shift_cm1 + LINE_MARGIN_CM1:g} cm⁻¹ around {mode}"
        )
    others = [line for line in known.values() if line is not main]
    inside = [line for line in others if low_cm1 + 5 <= line.shift_cm1 <= high_cm1 - 5]
    return (main, *inside)


def full_counts(detector: Detector, adc_max: float | None) -> float:
    """Return the full range: what pixel, register or converter can hold, whichever is least."""
    return min(detector.saturation_counts, adc_max or detector.saturation_counts)


def full_well_part(counts: np.ndarray, detector: Detector, adc_max: float | None = None) -> float:
    """Return the highest count as part of the full range, 0 to 1 and above."""
    span = full_counts(detector, adc_max) - detector.bias_counts
    return max(0.0, (float(np.max(counts)) - detector.bias_counts) / span) if counts.size else 0.0


def _power_w(spectrum: Spectrum) -> float:
    value = spectrum.settings.get(f"{spectrum.beams[0]}_power_w", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0


def _age(stored: StoredCalibration, pool: Pool) -> str:
    """Say so if the calibration had expired when the spectrum was taken."""
    if not stored.expires_utc:
        return ""
    expires_utc = datetime.fromisoformat(stored.expires_utc)
    return "  (calibration expired)" if pool.spectrum.utc > expires_utc else ""


def _no(state: Thermometry, why: str, fit: RatioFit | None = None) -> Readout:
    return Readout(state, f"{state.value} ({why})", fit=fit)


def _uncalibrated(beam: str) -> Readout:
    return Readout(
        Thermometry.UNCALIBRATED,
        f"{Thermometry.UNCALIBRATED.value}: run 'thermometry_calibration'",
        f"There is no calibration thermometry.{beam}: run the procedure "
        f"'thermometry_calibration' with the {beam} beam",
    )


def _detail(found: Temperature, fit: RatioFit, electrons: Electrons) -> str:
    low_k, high_k = found.interval_k
    total_s = electrons.accumulations * electrons.exposure_s
    lines = [
        f"3σ interval {low_k:.1f} to {high_k:.1f} K, calibration included",
        f"{fit.main.name}: Stokes {fit.main.stokes_e:.0f} e⁻, "
        f"anti-Stokes {fit.main.anti_stokes_e:.0f} e⁻ in {total_s:g} s "
        f"({electrons.accumulations} exposures)",
        f"position {fit.main.shift_cm1:.2f} ± {fit.main.shift_sigma_cm1:.2f} cm⁻¹",
        f"calibrations {', '.join(found.calibrations) or 'none'}",
    ]
    return "\n".join([*lines, *([found.remark] if found.remark else [])])
