"""Compare the temperature with and without a second beam."""

import math
import random
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import Field, PositiveInt

from labctl.analysis.dual_beam import pump_effect
from labctl.analysis.ratio_fit import WINDOW_CM1
from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.verdict import judge
from labctl.core.messages import Plan, Point, Read, Record, Set
from labctl.core.parameters import DurationS, PowerW
from labctl.core.procedure import Evidence, Procedure
from labctl.core.readings import Reading
from labctl.core.results import Result
from procedures.common import (
    Steps,
    SweepParameters,
    Window,
    by_window,
    exposure_of,
    find_focus,
    record_dark,
    take_spectrum,
)
from procedures.evaluate import (
    Findings,
    electrons_of,
    ratio_points,
    select,
    surroundings_k,
    temperatures_of,
    thermometer,
)


class DualBeam(Procedure):
    """Interleave spectra with the pump off and on, with pump-only and dark controls.

    Pairs come in random order within each pair, or as off-on-on-off, so that a slow drift
    cancels. Pump-only spectra show what of the pump reaches the window.
    """

    name = "dual_beam"

    class Parameters(SweepParameters):
        """Say where, with which powers and how often the pair is repeated."""

        region: str = Field(default="intermediate", description="Named position of the stage")
        power: PowerW = Field(default=100e-6, gt=0, description="Probe power at the sample")
        pump: str = Field(default="pump", description="Beam that pumps")
        pump_power: PowerW = Field(default=200e-6, gt=0, description="Pump power at the sample")
        pairs: PositiveInt = Field(default=20, le=10_000, description="Pairs of pump off and on")
        pairing: Literal["random", "abba"] = Field(
            default="random", description="Order within pairs"
        )
        control_every: PositiveInt = Field(
            default=6, description="Pairs between pump-only and dark controls"
        )
        windows: tuple[Window, ...] = Field(
            default=("raman",), min_length=1, description="Windows of the spectrometer"
        )
        exposure_s: DurationS = Field(default=20.0, gt=0, description="Each exposure")
        accumulations: PositiveInt = Field(default=3, le=1000, description="Exposures per spectrum")

    def plan(self, p: Parameters) -> Plan:
        """Take the pairs in each window, with controls between them."""
        yield Set("stage.position", p.region)
        for window in by_window(p.windows):
            yield Set("spectrometer.window", window)
            if p.refocus:
                yield from find_focus(p)
            probe = yield Set(f"{p.beam}.power", p.power)
            pump = yield Set(f"{p.pump}.power", p.pump_power)
            for number, pump_first in enumerate(first_states(p.pairs, p.pairing, p.seed)):
                if number % p.control_every == 0:
                    yield from record_dark(p, window, accumulations=3 * exposure_of(p, window)[1])
                    yield from self._state(p, window, number, None, pump)
                for pump_on in (pump_first, not pump_first):
                    yield from self._state(p, window, number, probe, pump if pump_on else None)

    def _state(
        self,
        p: Parameters,
        window: Window,
        pair: int,
        probe: Reading | None,
        pump: Reading | None,
    ) -> Steps[None]:
        """Take and record one of the states: probe, probe and pump, pump alone."""
        beams = tuple(
            beam for beam, power in ((p.beam, probe), (p.pump, pump)) if power is not None
        )
        spectrum = yield from take_spectrum(p, window, beams=beams)
        cryostat = yield Read("cryostat.temperature")
        yield Record(
            {
                "region": p.region,
                "window": window,
                "pair": pair,
                "power_w": probe,
                "pump_power_w": pump,
                "cryostat_k": cryostat,
                "spectrum": spectrum,
            },
            kind="measurement" if probe is not None else "check",
        )

    def analyse(self, evidence: Evidence) -> Result:
        """Return the temperature with the pump off and on, and the difference pair by pair."""
        calibration = thermometer(evidence)
        findings = Findings()
        points = [
            point for point in select(evidence.points, "raman") if point.data["power_w"] is not None
        ]
        warn_of_pump_light(evidence, calibration.laser_nm, findings)
        states = ratio_points(evidence, points, findings.warnings.append)
        temperatures_of(states, calibration, findings)
        pairs = pair_up(evidence, points, findings)
        effect = pump_effect(pairs, calibration)
        slope_k = calibration.slope_k(effect.off_k or evidence.ambient_k)
        if effect.remark:
            findings.warnings.append(effect.remark)
        numbers = {
            "difference_k": effect.delta_k,
            "difference_sigma_k": effect.delta_sigma_k,
            "difference_significance": effect.significance,
            "pairs": [
                {
                    "pair": number,
                    "difference_k": (on.ln_ratio - off.ln_ratio) * slope_k,
                    "sigma_k": math.hypot(on.ln_ratio_sigma, off.ln_ratio_sigma) * slope_k,
                }
                for number, (off, on) in enumerate(pairs)
                if not off.reason and not on.reason
            ],
        }
        region = str(evidence.parameters["region"])
        ambient_k = surroundings_k(states, evidence)
        verdict = judge(region, states, calibration, ambient_k=ambient_k)
        return Result(
            findings.temperatures, (), (verdict,), numbers=numbers, warnings=findings.warnings
        )


def pair_up(
    evidence: Evidence, points: Sequence[Point], findings: Findings
) -> list[tuple[RatioPoint, RatioPoint]]:
    """Return (pump off, pump on) of every pair that is complete."""
    pairs = []
    for number in sorted({int(point.data["pair"]) for point in points}):
        of_pair = [point for point in points if point.data["pair"] == number]
        off = [point for point in of_pair if point.data["pump_power_w"] is None]
        on = [point for point in of_pair if point.data["pump_power_w"] is not None]
        if off and on:
            first = ratio_points(evidence, off, findings.warnings.append)
            second = ratio_points(evidence, on, findings.warnings.append)
            pairs += list(zip(first, second, strict=False))
    return pairs


def warn_of_pump_light(evidence: Evidence, laser_nm: float, findings: Findings) -> None:
    """Warn if the pump alone puts light into the fitted windows (3 σ)."""
    for point in select(evidence.points, "raman", ("check",)):
        electrons = electrons_of(evidence, point)
        shift_cm1 = np.abs(1e7 / laser_nm - 1e7 / electrons.wavelength_nm)
        near = (shift_cm1 > WINDOW_CM1[0]) & (shift_cm1 < WINDOW_CM1[1])
        light_e = float(np.sum(electrons.signal_e[near]))
        sigma_e = math.sqrt(float(np.sum(electrons.variance_e2(electrons.signal_e)[near])))
        if light_e > 3 * sigma_e:
            findings.warnings.append(
                f"point {point.number}: the pump alone puts {light_e / electrons.exposure_s:.1f} "
                "e⁻/s into the Raman window: filter it, or take more controls and subtract them"
            )


def first_states(pairs: int, pairing: Literal["random", "abba"], seed: int) -> list[bool]:
    """Return for each pair whether the pump comes first."""
    if pairing == "abba":
        return [number % 2 == 1 for number in range(pairs)]
    chance = random.Random(seed)  # noqa: S311
    return [chance.random() < 0.5 for _ in range(pairs)]
