"""Calibrate the wavelength axis of a window with the lines of a neon lamp."""

from pydantic import Field

from labctl.analysis.counts import to_electrons
from labctl.analysis.lamp import LampFit, fit_lamp, is_significant, lamp_calibration
from labctl.core.messages import Plan, Record, Set
from labctl.core.parameters import DurationS
from labctl.core.procedure import Evidence, Procedure
from labctl.core.results import Result
from labctl.core.spectra import Spectrum
from procedures.common import SpectrumParameters, take_spectrum
from procedures.evaluate import REPEATABILITY_NM, calibration_used, last_utc, select


class LampWavelength(Procedure):
    """Measure the wavelength axis of a window with the lines of a neon lamp.

    The lamp is switched on and put in front of the microscope by hand; all shutters stay closed.
    """

    name = "lamp_wavelength"

    class Parameters(SpectrumParameters):
        """Say which window is calibrated, and how sharp lines are there."""

        window: str = Field(default="pl", description="Window of the spectrometer")
        degree: int = Field(
            default=2, ge=0, le=3, description="Highest power of the correction over the detector"
        )
        line_width_um: float = Field(
            default=70.0, gt=0, le=1000.0, description="Width of a line on the detector, µm (FWHM)"
        )
        exposure_s: DurationS = Field(default=2.0, gt=0, description="Each exposure")
        accumulations: int = Field(default=3, ge=1, le=1000, description="Exposures, kept apart")

    def plan(self, p: Parameters) -> Plan:
        """Expose with all shutters closed."""
        yield Set("spectrometer.window", p.window)
        spectrum = yield from take_spectrum(p, "raman", beams=())
        yield Record({"window": p.window, "spectrum": spectrum}, kind="check")

    def analyse(self, evidence: Evidence) -> Result:
        """Fit the lines; a new polynomial is proposed only if it is significant."""
        points = select(evidence.points, str(evidence.parameters["window"]), ("check",))
        if not points:
            return Result(warnings=("no spectrum of the lamp was recorded",))
        spectrum: Spectrum = points[-1].data["spectrum"]
        fit = fit_lamp(
            to_electrons(spectrum),
            fwhm_px=float(evidence.parameters["line_width_um"]) / spectrum.detector.pixel_um,
            degree=int(evidence.parameters["degree"]),
        )
        numbers = _numbers(fit)
        if not is_significant(fit, REPEATABILITY_NM):
            return Result(numbers=numbers)
        correction = lamp_calibration(
            fit,
            int(spectrum.settings["grating"]),
            measured_utc=last_utc(evidence),
            source=evidence.run,
            previous=calibration_used(evidence, spectrum),
        )
        warning = (
            f"the axis is off by {fit.rms_before_nm:.3f} nm (rms of {len(fit.lines)} lines): "
            "accept the proposed wavelength calibration, or check the spectrograph"
        )
        return Result(numbers=numbers, calibrations=(correction,), warnings=(warning,))


def _numbers(fit: LampFit) -> dict[str, object]:
    return {
        "lines": len(fit.lines),
        "rejected_nm": list(fit.rejected),
        "line_nm": [line.line_nm for line in fit.lines],
        "residual_before_nm": [line.offset_nm for line in fit.lines],
        "residual_after_nm": list(fit.residuals_nm),
        "rms_before_nm": fit.rms_before_nm,
        "rms_after_nm": fit.rms_after_nm,
        "polynomial_nm": list(fit.polynomial_nm),
        "polynomial_sigma_nm": list(fit.sigma_nm),
    }
