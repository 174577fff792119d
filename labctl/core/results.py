"""Hold what an analysis concludes: temperatures with error bars, verdicts, new calibrations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from labctl.core.calibration import Calibration


@dataclass(frozen=True, slots=True)
class Condition:
    """Say under what a spectrum was taken; what was not controlled is None."""

    power_w: float
    pump_power_w: float = 0.0
    cryostat_k: float | None = None


@dataclass(frozen=True, slots=True)
class Temperature:
    """Hold one measured temperature.

    `value_k` ± `sigma_k` (one standard deviation, calibration included) with `interval_k`, the
    asymmetric 99.73 % interval (three standard deviations in ln of the intensity ratio).
    `thermometer` is `AS/S`, `shift` or `PL`. `calibrations` are identities.
    """

    region: str
    condition: Condition
    thermometer: Literal["AS/S", "shift", "PL"]
    value_k: float
    sigma_k: float
    interval_k: tuple[float, float]
    calibrations: tuple[str, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class PeakPosition:
    """Hold a fitted photoluminescence peak: position and fit error in eV."""

    region: str
    condition: Condition
    position_ev: float
    sigma_ev: float
    shift_ev: float | None = None
    """Difference to the lowest power of the same region, or None for that one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say in words and sigmas what the evidence supports for one region.

    `significance` is (T − ambient)/σ of the decisive condition; negative is below ambient.
    """

    region: str
    statement: Literal["below ambient", "above ambient", "not distinguishable", "contradictory"]
    significance: float
    explanation: str


@dataclass(frozen=True, slots=True)
class Result:
    """Collect what `Procedure.analyse` found."""

    temperatures: Sequence[Temperature] = ()
    peaks: Sequence[PeakPosition] = ()
    verdicts: Sequence[Verdict] = ()
    calibrations: Sequence[Calibration] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else is worth a line in the report; plain JSON, units in the keys."""
    warnings: Sequence[str] = ()
