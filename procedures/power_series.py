"""Measure temperature and photoluminescence against excitation power."""

from pydantic import Field, PositiveInt

from labctl.analysis.pl import peak_shifts
from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.temperatures import (
    NoTemperature,
    temperature_from_ratio,
    temperature_from_shift,
)
from labctl.analysis.thermometry import RatioCalibration
from labctl.analysis.verdict import judge
from labctl.core.messages import Kind, Plan, Set
from labctl.core.parameters import Names, PowersW
from labctl.core.procedure import Evidence, Procedure
from labctl.core.results import PeakPosition, Result, Verdict
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
from procedures.evaluate import (
    Findings,
    peaks_of,
    ratio_points,
    select,
    surroundings_k,
    temperatures_of,
    thermometer,
    warn_of_drift,
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
        control: str = Field(default="mono", description="Region that cannot cool")
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

    def analyse(self, evidence: Evidence) -> Result:
        """Return temperatures from both thermometers, PL shifts and a verdict per region."""
        calibration = thermometer(evidence)
        findings = Findings()
        warn = findings.warnings.append
        points = ratio_points(evidence, select(evidence.points, "raman"), warn)
        temperatures_of(points, calibration, findings)
        regions = list(dict.fromkeys(point.region for point in points))
        for region in regions:
            self._add_shifts([p for p in points if p.region == region], calibration, findings)
        found = peaks_of(evidence, select(evidence.points, "pl"), warn, axis_sigma_nm=0.0)
        peaks = [
            peak
            for region in dict.fromkeys(name for name, *_ in found)
            for peak in peak_shifts([(c, fit) for name, c, fit in found if name == region], region)
        ]
        verdicts = [self._judge(region, points, calibration, peaks, evidence) for region in regions]
        warn_of_drift(evidence, findings)
        return Result(findings.temperatures, peaks, verdicts, warnings=findings.warnings)

    def _add_shifts(
        self, points: list[RatioPoint], calibration: RatioCalibration, findings: Findings
    ) -> None:
        """Add what the position of the line says, relative to the lowest power of the region."""
        reference = min(points, key=lambda point: point.condition.power_w)
        known = temperature_from_ratio(reference, calibration)
        if isinstance(known, NoTemperature):
            return
        for point in points:
            found = temperature_from_shift(
                point, reference, known.value_k, calibration, reference_sigma_k=known.sigma_k
            )
            if point is not reference and not isinstance(found, NoTemperature):
                findings.temperatures.append(found)

    def _judge(
        self,
        region: str,
        points: list[RatioPoint],
        calibration: RatioCalibration,
        peaks: list[PeakPosition],
        evidence: Evidence,
    ) -> Verdict:
        control = str(evidence.parameters.get("control", "mono"))
        own = [point for point in points if point.region == region]
        return judge(
            region,
            own,
            calibration,
            ambient_k=surroundings_k(own, evidence),
            control=[p for p in points if p.region == control and region != control],
            peaks=[peak for peak in peaks if peak.region == region],
        )
