"""Measure the chain of the demo on a simulated table whose camera is cold, as in a laboratory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl.core.messages import Acquire
from labctl.core.results import Temperature, Verdict
from labctl.engine import DryRun
from labctl.service import FinishedRun, Session
from labctl.service.demo import DemoReport, run_demo
from labctl.service.simulator import true_state

STATION = Path(__file__).resolve().parents[2] / "configs" / "simulated.toml"
REDUCED: Mapping[str, Mapping[str, Any]] = {
    "thermometry_calibration": {"temperatures": (210.0, 255.0, 298.0, 340.0)},
    "dual_beam": {"pairs": 10},
}


@dataclass(frozen=True)
class Measured:
    """Hold a demo, with the dry runs that were made before it."""

    truth: str
    report: DemoReport
    expected: Mapping[str, DryRun]

    def run(self, procedure: str) -> FinishedRun:
        """Return the run of a procedure."""
        return next(run for run in self.report.runs if run.procedure == procedure)

    def verdict(self, procedure: str, region: str) -> Verdict:
        """Return what a run says of a region."""
        return next(v for v in self.run(procedure).result.verdicts if v.region == region)

    def temperatures(self, procedure: str, region: str | None = None) -> Sequence[Temperature]:
        """Return the temperatures from intensity ratios."""
        return [
            one
            for one in self.run(procedure).result.temperatures
            if one.thermometer == "AS/S" and region in (None, one.region)
        ]

    def true_k(self, one: Temperature) -> float:
        """Return the twin's temperature of WSe2 under the condition of a measured one."""
        condition = one.condition
        state = true_state(
            STATION,
            self.truth,
            one.region,
            condition.power_w,
            condition.pump_power_w,
            condition.cryostat_k or 298.0,
        )
        assert state.t_wse2_k is not None
        return state.t_wse2_k


@contextmanager
def opened(folder: Path, truth: str) -> Iterator[Session]:
    """Open a simulated table and cool its camera."""
    with Session(STATION, folder, simulation={"truth": truth, "seed": 1}) as session:
        session.station.acquirers["spectrometer"].acquire(Acquire("spectrometer", 0.1))
        yield session


def measure(
    folder: Path,
    truth: str,
    chain: Sequence[str],
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Measured:
    """Run a chain of procedures, each after a dry run of it."""
    with opened(folder, truth) as session:
        expected = {name: session.dry_run(name, (changes or {}).get(name, {})) for name in chain}
        report = run_demo(session, chain=chain, changes=changes)
    return Measured(truth, report, expected)
