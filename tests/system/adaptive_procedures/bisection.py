"""Choose every point from the one before: a procedure for the tests of resuming."""

import math

from pydantic import Field, PositiveInt

from labctl.core.messages import Plan, Record, Set
from labctl.core.parameters import PowerW
from labctl.core.procedure import Procedure
from labctl.core.spectra import Spectrum
from procedures.common import SpectrumParameters, focus_signal, record_dark, take_spectrum


class Bisection(Procedure):
    """Find the power that gives a wanted signal by halving an interval of powers."""

    name = "bisection"

    class Parameters(SpectrumParameters):
        """Say where, between which powers and for which signal."""

        region: str = "mono"
        low: PowerW = Field(default=20e-6, gt=0)
        high: PowerW = Field(default=400e-6, gt=0)
        wanted_counts: float = Field(default=2000.0, gt=0)
        steps: PositiveInt = 6

    def plan(self, p: Parameters) -> Plan:
        """Take a spectrum in the middle of the interval and keep the half with the signal."""
        yield Set("stage.position", p.region)
        yield Set("spectrometer.window", "raman")
        yield from record_dark(p, "raman")
        low_w, high_w = p.low, p.high
        for step in range(p.steps):
            asked_w = math.sqrt(low_w * high_w)
            power = yield Set(f"{p.beam}.power", asked_w)
            spectrum = yield from take_spectrum(p, "raman")
            yield Record(
                {
                    "region": p.region,
                    "window": "raman",
                    "step": step,
                    "asked_w": asked_w,
                    "power_w": power,
                    "spectrum": spectrum,
                }
            )
            low_w, high_w = halved(low_w, high_w, spectrum, p.wanted_counts)


def halved(low_w: float, high_w: float, spectrum: Spectrum, wanted: float) -> tuple[float, float]:
    """Return the half of an interval of powers in W that holds the wanted signal."""
    middle_w = math.sqrt(low_w * high_w)
    if focus_signal(spectrum) > wanted:
        return low_w, middle_w
    return middle_w, high_w
