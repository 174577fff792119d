"""Check the wavelength axis against the Raman line of silicon."""

from pydantic import Field

from labctl.core.messages import Plan, Record, Set
from labctl.core.parameters import PowerW, ShiftCm1, WavelengthNm
from labctl.core.procedure import Procedure
from procedures.common import SpectrumParameters, record_dark, take_spectrum


class WavelengthCheck(Procedure):
    """Measure the offset of the wavelength axis with the 520.7 cm⁻¹ line of silicon."""

    name = "wavelength_check"

    class Parameters(SpectrumParameters):
        """Say where bare silicon lies and where its line is expected."""

        region: str = Field(default="substrate", description="Named position on bare silicon")
        power: PowerW = Field(default=1e-3, gt=0, description="Power at the sample")
        centre_nm: WavelengthNm = Field(
            default=540.0, description="Centre of a frame that holds the line"
        )
        line_cm1: ShiftCm1 = Field(
            default=520.7,
            ge=500.0,
            le=530.0,
            description="Shift of the line; laboratories use 520.45 to 520.7",
        )
        exposure_s: float = Field(default=5.0, gt=0, description="Each exposure in s")
        accumulations: int = Field(default=5, ge=1, le=1000, description="Exposures, kept apart")

    def plan(self, p: Parameters) -> Plan:
        """Take the line and a dark in a frame beside the laser."""
        yield Set("stage.position", p.region)
        yield Set("spectrometer.window", "raman")
        yield Set("spectrometer.centre", p.centre_nm)
        power = yield Set(f"{p.beam}.power", p.power)
        yield from record_dark(p, "raman")
        spectrum = yield from take_spectrum(p, "raman")
        yield Record(
            {"region": p.region, "window": "silicon", "power_w": power, "spectrum": spectrum},
            kind="check",
        )
        yield Set("spectrometer.window", "raman")
