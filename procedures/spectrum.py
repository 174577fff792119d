"""Take one spectrum, with its dark."""

from pydantic import Field

from labctl.core.messages import Plan, Set
from labctl.core.parameters import PowerW
from labctl.core.procedure import Procedure
from procedures.common import SpectrumParameters, Window, record_dark, record_spectrum


class TakeSpectrum(Procedure):
    """Take one spectrum at a region and a power, with its dark."""

    name = "spectrum"

    class Parameters(SpectrumParameters):
        """Say where, in which window and at which power."""

        region: str = Field(default="mono", description="Named position of the stage")
        window: Window = Field(default="raman", description="Window of the spectrometer")
        power: PowerW = Field(default=50e-6, gt=0, description="Power at the sample")

    def plan(self, p: Parameters) -> Plan:
        """Go there, take the dark, take the spectrum."""
        yield Set("stage.position", p.region)
        yield Set("spectrometer.window", p.window)
        power = yield Set(f"{p.beam}.power", p.power)
        yield from record_dark(p, p.window)
        yield from record_spectrum(p, p.window, p.region, power)
