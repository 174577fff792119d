"""Measure temperature and photoluminescence against excitation power."""

from pydantic import Field, PositiveInt

from labctl.core.messages import Kind, Plan, Set
from labctl.core.parameters import Names, PowersW
from labctl.core.procedure import Procedure
from procedures.common import (
    Steps,
    SweepParameters,
    Window,
    by_window,
    equal_counts,
    exposure_of,
    find_focus,
    record_dark,
    record_spectrum,
    visiting_order,
)


class PowerSeries(Procedure):
    """Take Raman and PL spectra against the power at the sample, with a control region.

    Conditions are shuffled, and the series returns to a reference condition every few points,
    so that a change of the sample is not taken for an effect of the power.
    """

    name = "power_series"

    class Parameters(SweepParameters):
        """Say which regions, powers and windows are visited."""

        regions: Names = Field(
            default=("intermediate", "mono"), min_length=1, description="Named positions"
        )
        powers: PowersW = Field(
            default=(30e-6, 100e-6, 200e-6, 300e-6), description="Powers at the sample"
        )
        windows: tuple[Window, ...] = Field(
            default=("raman", "pl"), min_length=1, description="Windows of the spectrometer"
        )
        reference_every: PositiveInt = Field(
            default=4, description="Return to the reference condition after so many points"
        )

    def plan(self, p: Parameters) -> Plan:
        """Visit every region and power in each window."""
        for window in by_window(p.windows):
            yield Set("spectrometer.window", window)
            yield from record_dark(p, window, accumulations=3 * exposure_of(p, window)[1])
            yield Set("stage.position", p.regions[0])
            if p.refocus:
                yield from find_focus(p)
            conditions = [(region, power_w) for region in p.regions for power_w in p.powers]
            for number, condition in enumerate(visiting_order(conditions, p.order, p.seed)):
                if number % p.reference_every == 0:
                    yield from self._visit(p, window, p.regions[0], max(p.powers), "reference")
                yield from self._visit(p, window, *condition, "measurement")

    def _visit(
        self, p: Parameters, window: Window, region: str, power_w: float, kind: Kind
    ) -> Steps[None]:
        yield Set("stage.position", region)
        power = yield Set(f"{p.beam}.power", power_w)
        accumulations = equal_counts(exposure_of(p, window)[1], power_w, max(p.powers))
        yield from record_spectrum(p, window, region, power, kind=kind, accumulations=accumulations)
