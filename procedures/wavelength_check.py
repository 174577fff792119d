"""Check the wavelength axis against the Raman line of silicon."""

import math

from pydantic import Field

from labctl.analysis.counts import to_electrons
from labctl.analysis.wavelength import (
    fit_line_offset,
    silicon_line_nm,
    wavelength_calibration,
)
from labctl.core.messages import Plan, Record, Set
from labctl.core.parameters import DurationS, PowerW, ShiftCm1
from labctl.core.procedure import Evidence, Procedure
from labctl.core.results import Result
from labctl.core.spectra import Spectrum
from procedures.common import SpectrumParameters, take_spectrum
from procedures.evaluate import REPEATABILITY_NM, calibration_used, darks_for, last_utc, select


class WavelengthCheck(Procedure):
    """Measure the offset of the wavelength axis with the 520.7 cm⁻¹ line of silicon."""

    name = "wavelength_check"

    class Parameters(SpectrumParameters):
        """Say where bare silicon lies and where its line is expected."""

        region: str = Field(default="substrate", description="Named position on bare silicon")
        power: PowerW = Field(default=1e-3, gt=0, description="Power at the sample")
        window: str = Field(
            default="silicon", description="Window of the spectrometer that holds the line"
        )
        line_cm1: ShiftCm1 = Field(
            default=520.7,
            ge=500.0,
            le=530.0,
            description="Shift of the line; laboratories use 520.45 to 520.7",
        )
        exposure_s: DurationS = Field(default=5.0, gt=0, description="Each exposure")
        accumulations: int = Field(default=5, ge=1, le=1000, description="Exposures, kept apart")

    def plan(self, p: Parameters) -> Plan:
        """Take the line and a dark in a frame beside the laser."""
        yield Set("stage.position", p.region)
        yield Set("spectrometer.window", p.window)
        power = yield Set(f"{p.beam}.power", p.power)
        dark = yield from take_spectrum(p, "raman", beams=())
        yield Record({"window": "silicon", "spectrum": dark}, kind="dark")
        spectrum = yield from take_spectrum(p, "raman")
        yield Record(
            {"region": p.region, "window": "silicon", "power_w": power, "spectrum": spectrum},
            kind="check",
        )
        yield Set("spectrometer.window", "raman")

    def analyse(self, evidence: Evidence) -> Result:
        """Compare the line with the axis; a correction is proposed only if it is significant."""
        points = select(evidence.points, "silicon", ("check",))
        if not points:
            return Result(warnings=("no spectrum of silicon was recorded",))
        spectrum: Spectrum = points[-1].data["spectrum"]
        darks = darks_for(evidence, "silicon")
        line_cm1 = float(evidence.parameters["line_cm1"])
        line_nm = silicon_line_nm(spectrum.laser_nm or 0.0, line_cm1)
        offset = fit_line_offset(to_electrons(spectrum, darks), line_nm)
        allowed_nm = 3 * math.hypot(offset.sigma_nm, REPEATABILITY_NM)
        numbers = {
            "line_cm1": line_cm1,
            "offset_nm": offset.offset_nm,
            "offset_sigma_nm": offset.sigma_nm,
            "allowed_nm": allowed_nm,
            "fwhm_nm": offset.fwhm_nm,
            "line_nm": [line_nm],
            "residual_before_nm": [offset.offset_nm],
            "residual_after_nm": [0.0],
            "rms_before_nm": abs(offset.offset_nm),
            "rms_after_nm": 0.0,
        }
        if abs(offset.offset_nm) <= allowed_nm:
            return Result(numbers=numbers)
        correction = wavelength_calibration(
            [offset],
            int(spectrum.settings["grating"]),
            measured_utc=last_utc(evidence),
            source=evidence.run,
            previous=calibration_used(evidence, spectrum),
        )
        warning = (
            f"the axis is off by {offset.offset_nm:.3f} nm, more than {allowed_nm:.3f} nm: "
            "save the proposed wavelength calibration, or check the spectrograph"
        )
        return Result(numbers=numbers, calibrations=(correction,), warnings=(warning,))
