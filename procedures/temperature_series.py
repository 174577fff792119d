"""Measure Raman and photoluminescence against the temperature of the cryostat."""

from pydantic import Field

from labctl.core.messages import Plan, Set
from labctl.core.parameters import PowerW, TemperaturesK
from labctl.core.procedure import Procedure
from procedures.common import (
    FOCUS_UM_PER_K,
    SweepParameters,
    Window,
    by_window,
    exposure_of,
    find_focus,
    record_dark,
    record_spectrum,
    settle,
    visiting_order,
)


class TemperatureSeries(Procedure):
    """Take Raman and PL spectra at one region against the temperature of the cryostat."""

    name = "temperature_series"

    class Parameters(SweepParameters):
        """Say at which temperatures, where and at which power."""

        region: str = Field(default="mono", description="Named position of the stage")
        temperatures: TemperaturesK = Field(
            default=(220.0, 260.0, 298.0, 340.0), description="Temperatures of the cryostat"
        )
        power: PowerW = Field(default=50e-6, gt=0, description="Power at the sample")
        windows: tuple[Window, ...] = Field(
            default=("raman", "pl"), min_length=1, description="Windows of the spectrometer"
        )
        end_k: float = Field(default=298.0, ge=1, le=1000, description="Temperature at the end, K")

    def plan(self, p: Parameters) -> Plan:
        """Settle at each temperature, refocus, take each window."""
        windows = by_window(p.windows)
        yield Set("stage.position", p.region)
        for window in windows:
            yield Set("spectrometer.window", window)
            yield from record_dark(p, window, accumulations=3 * exposure_of(p, window)[1])
        focus_um: float | None = None
        focus_k = 0.0
        for temperature_k in visiting_order(p.temperatures, p.order, p.seed):
            yield from settle(temperature_k)
            for window in windows:
                yield Set("spectrometer.window", window)
                if p.refocus and window == windows[0]:
                    drift_um = FOCUS_UM_PER_K * (temperature_k - focus_k)
                    focus_um = yield from find_focus(
                        p, None if focus_um is None else focus_um + drift_um
                    )
                    focus_k = temperature_k
                power = yield Set(f"{p.beam}.power", p.power)
                yield from record_spectrum(p, window, p.region, power)
        yield from settle(p.end_k)
