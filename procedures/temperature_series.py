"""Measure Raman and photoluminescence against the temperature of the cryostat."""

from collections.abc import Sequence

from pydantic import Field

from labctl.analysis.pl import PeakFit
from labctl.core.messages import Plan, Set
from labctl.core.parameters import PowerW, TemperatureK, TemperaturesK
from labctl.core.procedure import Evidence, Procedure
from labctl.core.results import Condition, PeakPosition, Result
from procedures.common import (
    FocusTrack,
    SweepParameters,
    Window,
    by_window,
    exposure_of,
    record_dark,
    record_spectrum,
    settle,
    visiting_order,
)
from procedures.evaluate import (
    REPEATABILITY_NM,
    Findings,
    peaks_of,
    ratio_points,
    select,
    temperatures_of,
    thermometer,
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
        end_temperature: TemperatureK = Field(
            default=298.0, description="Temperature of the cryostat at the end"
        )

    def plan(self, p: Parameters) -> Plan:
        """Settle at each temperature, refocus, take each window."""
        windows = by_window(p.windows)
        yield Set("stage.position", p.region)
        for window in windows:
            yield Set("spectrometer.window", window)
            yield from record_dark(p, window, accumulations=3 * exposure_of(p, window)[1])
        focus = FocusTrack(p)
        yield Set("spectrometer.window", windows[0])
        if p.refocus:
            yield from focus.start()
        for temperature_k in visiting_order(p.temperatures, p.order, p.seed):
            yield from settle(temperature_k)
            for window in windows:
                yield Set("spectrometer.window", window)
                if p.refocus and window == windows[0]:
                    yield from focus.follow(temperature_k)
                power = yield Set(f"{p.beam}.power", p.power)
                yield from record_spectrum(p, window, p.region, power)
        yield from settle(p.end_temperature)
        if p.refocus:
            yield from focus.return_to(p.end_temperature)

    def analyse(self, evidence: Evidence) -> Result:
        """Return the temperature and the PL peak at each temperature of the cryostat."""
        findings = Findings()
        warn = findings.warnings.append
        raman = select(evidence.points, "raman")
        if raman:
            points = ratio_points(evidence, raman, warn)
            temperatures_of(points, thermometer(evidence), findings)
        # with two windows the grating moved between the points
        moved = len(set(evidence.parameters["windows"])) > 1
        found = peaks_of(
            evidence,
            select(evidence.points, "pl"),
            warn,
            axis_sigma_nm=REPEATABILITY_NM if moved else 0.0,
        )
        return Result(
            temperatures=findings.temperatures,
            peaks=relative_to_ambient(found, evidence.ambient_k),
            warnings=findings.warnings,
        )


def relative_to_ambient(
    found: Sequence[tuple[str, Condition, PeakFit]], ambient_k: float
) -> list[PeakPosition]:
    """Return the peaks with their shift from the one that was taken nearest to ambient."""
    if not found:
        return []

    def distance_k(condition: Condition) -> float:
        return abs((condition.cryostat_k or ambient_k) - ambient_k)

    reference = min(range(len(found)), key=lambda index: distance_k(found[index][1]))
    zero_ev = found[reference][2].position_ev
    return [
        PeakPosition(
            region,
            condition,
            fit.position_ev,
            fit.sigma_ev,
            None if index == reference else fit.position_ev - zero_ev,
        )
        for index, (region, condition, fit) in enumerate(found)
    ]
