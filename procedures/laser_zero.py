"""Measure the wavelength of a laser, from which Raman shifts are counted."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from labctl.analysis.counts import to_electrons
from labctl.analysis.laser_zero import LaserZero, average_zero, laser_calibration
from labctl.analysis.wavelength import LineOffset, fit_line_offset, silicon_line_nm
from labctl.core.errors import AnalysisError
from labctl.core.messages import Plan, Point, Record, Set
from labctl.core.parameters import DurationS, PowerW, ShiftCm1
from labctl.core.procedure import Evidence, Procedure
from labctl.core.results import Result
from labctl.core.spectra import Spectrum
from procedures.common import SpectrumParameters, take_spectrum
from procedures.evaluate import REPEATABILITY_NM, darks_for, last_utc, select

Line = Literal["rayleigh", "silicon"]
_WINDOWS = {"rayleigh": "raman", "silicon": "silicon"}
_ASIDE = {"rayleigh": "silicon", "silicon": "raman"}


class LaserZeroProcedure(Procedure):
    """Measure the laser's wavelength with its own scattered light, or with silicon.

    The spectrograph leaves the frame and returns between the spectra, so that the mean is better
    than one position. The axis itself must be right: check it with a lamp first.
    """

    name = "laser_zero"

    class Parameters(SpectrumParameters):
        """Say which line is looked at, how brightly and how often."""

        line: Line = Field(
            default="rayleigh",
            description="Elastically scattered light that the notch leaves, or the silicon line",
        )
        region: str = Field(default="substrate", description="Named position; bare silicon")
        power: PowerW = Field(default=100e-6, gt=0, description="Power at the sample")
        line_cm1: ShiftCm1 = Field(
            default=520.7, ge=500.0, le=530.0, description="Shift of the silicon line"
        )
        repeats: int = Field(
            default=5, ge=1, le=50, description="Spectra, the spectrograph moved between them"
        )
        exposure_s: DurationS = Field(default=2.0, gt=0, description="Each exposure")
        accumulations: int = Field(default=3, ge=1, le=1000, description="Exposures, kept apart")

    def plan(self, p: Parameters) -> Plan:
        """Take the line several times, coming back to its frame from another one."""
        window = _WINDOWS[p.line]
        yield Set("stage.position", p.region)
        power = yield Set(f"{p.beam}.power", p.power)
        for repeat in range(p.repeats):
            yield Set("spectrometer.window", _ASIDE[p.line])
            yield Set("spectrometer.window", window)
            if repeat == 0:
                dark = yield from take_spectrum(p, "raman", beams=())
                yield Record({"window": window, "spectrum": dark}, kind="dark")
            spectrum = yield from take_spectrum(p, "raman")
            yield Record(
                {"region": p.region, "window": window, "power_w": power, "spectrum": spectrum},
                kind="check",
            )

    def analyse(self, evidence: Evidence) -> Result:
        """Average the frames; a new wavelength is proposed only if it is significant."""
        line: Line = evidence.parameters["line"]
        points = select(evidence.points, _WINDOWS[line], ("check",))
        if not points:
            return Result(warnings=("no spectrum was recorded",))
        warnings: list[str] = []
        zero = _zero(evidence, points, line, warnings)
        numbers = _numbers(zero, line)
        if not zero.is_off:
            return Result(numbers=numbers, warnings=tuple(warnings))
        spectrum: Spectrum = points[-1].data["spectrum"]
        calibration = laser_calibration(
            zero,
            str(evidence.parameters["beam"]),
            line,
            measured_utc=last_utc(evidence),
            source=evidence.run,
            rests_on=sorted(
                identity
                for kind, identity in spectrum.calibrations.items()
                if kind.startswith("wavelength")
            ),
        )
        warnings.append(
            f"the laser stands at {zero.laser_nm:.4f} nm, not at {zero.nominal_nm:.4f} nm: "
            f"shifts are off by {zero.zero_cm1:+.2f} ± {zero.zero_sigma_cm1:.2f} cm⁻¹; "
            "accept the proposed calibration, or check the axis with a lamp"
        )
        return Result(numbers=numbers, calibrations=(calibration,), warnings=tuple(warnings))


def _zero(
    evidence: Evidence, points: Sequence[Point], line: Line, warnings: list[str]
) -> LaserZero:
    """Fit every frame; raises `AnalysisError` if none shows the line."""
    shift_cm1 = float(evidence.parameters["line_cm1"]) if line == "silicon" else 0.0
    first: Spectrum = points[0].data["spectrum"]
    nominal_nm = first.laser_nm or 0.0
    offsets = []
    for point in points:
        try:
            offsets.append(_fit(evidence, point, line, nominal_nm, shift_cm1))
        except AnalysisError as error:
            warnings.append(f"point {point.number}: {error.message}")
    return average_zero(offsets, nominal_nm, shift_cm1=shift_cm1, positioning_nm=REPEATABILITY_NM)


def _fit(
    evidence: Evidence, point: Point, line: Line, nominal_nm: float, shift_cm1: float
) -> LineOffset:
    electrons = to_electrons(point.data["spectrum"], darks_for(evidence, _WINDOWS[line]))
    if line == "silicon":
        return fit_line_offset(electrons, silicon_line_nm(nominal_nm, shift_cm1))
    # elastic light is as narrow as the slit, on the skirt of what strays past the notch
    return fit_line_offset(electrons, nominal_nm, half_window_nm=0.4, natural_fwhm_nm=0.005)


def _numbers(zero: LaserZero, line: Line) -> dict[str, object]:
    def shift(wavelength_nm: float, from_nm: float) -> float:
        return 1e7 / from_nm - 1e7 / wavelength_nm

    before = [shift(one, zero.nominal_nm) for one in zero.frames_nm]
    after = [shift(one, zero.laser_nm) for one in zero.frames_nm]
    return {
        "line": line,
        "nominal_nm": zero.nominal_nm,
        "laser_nm": zero.laser_nm,
        "laser_sigma_nm": zero.sigma_nm,
        "zero_cm1": zero.zero_cm1,
        "zero_sigma_cm1": zero.zero_sigma_cm1,
        "frame": list(range(1, len(before) + 1)),
        "residual_before_cm1": before,
        "residual_after_cm1": after,
        "rms_before_cm1": rms(before),
        "rms_after_cm1": rms(after),
    }


def rms(values: Sequence[float]) -> float:
    """Return the root mean square."""
    return float((sum(value * value for value in values) / max(len(values), 1)) ** 0.5)
