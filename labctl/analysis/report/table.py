"""Line up temperatures, photoluminescence shifts and verdicts, one row for each condition."""

from collections.abc import Sequence
from dataclasses import dataclass

from labctl.analysis.report.content import RunSection
from labctl.core.results import PeakPosition, Temperature, Verdict
from labctl.core.units import format_quantity


@dataclass(frozen=True, slots=True)
class TableRow:
    """Hold one row as people read it."""

    run: str
    procedure: str
    region: str
    power: str
    pump: str
    cryostat: str
    temperature: str
    interval: str
    pl_shift: str
    verdict: str

    HEADINGS = (
        "run", "procedure", "region", "power", "pump", "cryostat", "T(WSe2) AS/S",
        "99.73 % interval", "PL shift", "verdict",
    )  # fmt: skip

    def cells(self) -> tuple[str, ...]:
        """Return the cells in the order of `HEADINGS`."""
        return (
            self.run, self.procedure, self.region, self.power, self.pump, self.cryostat,
            self.temperature, self.interval, self.pl_shift, self.verdict,
        )  # fmt: skip


def headline_rows(sections: Sequence[RunSection], ambient_k: float) -> list[TableRow]:
    """Return one row for each anti-Stokes/Stokes temperature of the measuring runs.

    The runs that only calibrate are left out.
    """
    return [
        _row(section, temperature, ambient_k)
        for section in sections
        for temperature in section.result.temperatures
        if temperature.thermometer == "AS/S"
    ]


def format_uncertain(value: float, sigma: float, unit: str) -> str:
    """Return `298.4 ± 2.1 K`: two significant digits of the uncertainty."""
    digits = 0 if sigma >= 9.95 else 1 if sigma >= 0.995 else 2
    return f"{value:.{digits}f} ± {sigma:.{digits}f} {unit}"


def _row(section: RunSection, temperature: Temperature, ambient_k: float) -> TableRow:
    condition = temperature.condition
    low_k, high_k = temperature.interval_k
    return TableRow(
        run=section.run,
        procedure=section.procedure,
        region=temperature.region,
        power=format_quantity(condition.power_w, "W", 3),
        pump=format_quantity(condition.pump_power_w, "W", 3) if condition.pump_power_w else "off",
        cryostat="" if condition.cryostat_k is None else f"{condition.cryostat_k:.1f} K",
        temperature=format_uncertain(temperature.value_k, temperature.sigma_k, "K"),
        interval=f"{low_k:.0f} to {high_k:.0f} K",
        pl_shift=_pl_shift(section.result.peaks, temperature),
        verdict=_verdict(section.result.verdicts, temperature, ambient_k),
    )


def _pl_shift(peaks: Sequence[PeakPosition], temperature: Temperature) -> str:
    for peak in peaks:
        same_power = abs(peak.condition.power_w - temperature.condition.power_w) <= (
            0.05 * temperature.condition.power_w
        )
        same_pump = bool(peak.condition.pump_power_w) == bool(temperature.condition.pump_power_w)
        same_cryostat = (
            abs((peak.condition.cryostat_k or 0.0) - (temperature.condition.cryostat_k or 0.0)) < 2
        )
        if peak.region == temperature.region and same_power and same_pump and same_cryostat:
            if peak.shift_ev is None:
                return "reference"
            return format_uncertain(peak.shift_ev * 1e3, peak.sigma_ev * 1e3, "meV")
    return ""


def _verdict(verdicts: Sequence[Verdict], temperature: Temperature, ambient_k: float) -> str:
    """Say on which side of ambient, by how many sigmas, and whether the evidence disagrees.

    σ is taken in ln(AS/S) ∝ −1/T, where the error is Gaussian, as in `analysis.verdict`.
    """
    if temperature.condition.cryostat_k is not None:
        ambient_k = temperature.condition.cryostat_k
    k = (temperature.value_k - ambient_k) / temperature.sigma_k * temperature.value_k / ambient_k
    side = f"{'below' if k < 0 else 'above'} ambient by {abs(k):.1f} σ"
    contradicted = any(
        verdict.region == temperature.region and verdict.statement == "contradictory"
        for verdict in verdicts
    )
    return f"{side}; contradicted" if contradicted else side
