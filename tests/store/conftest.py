import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest

from labctl.core.clock import RealClock, VirtualClock
from labctl.core.journal import Exchange, RunStart, RunState, StateChange
from labctl.core.messages import Acquire, Point, Set
from labctl.core.readings import Reading
from labctl.core.spectra import Detector, Frame, Spectrum
from labctl.store import RunWriter

STAMP = datetime(2026, 1, 1, tzinfo=UTC)
UTC_TEXT = STAMP.isoformat()


@dataclass
class Maker:
    """Make runs, points and what is in them."""

    root: object
    clock: VirtualClock
    real: RealClock = field(default_factory=RealClock)

    def start(self, **changes) -> RunStart:
        fields = {
            "procedure": "series",
            "parameters": {"points": 3},
            "source": "sha256:0",
            "labctl_version": "0.1.0",
            "station": {"file": "x"},
            "snapshot": {"door": self.reading(True, "")},
            "utc": UTC_TEXT,
            "monotonic_s": 0.0,
        }
        return RunStart(**{**fields, **changes})

    def run(self, procedure="series", begin=True, **options) -> RunWriter:
        options = {"margin_bytes": 0, **options}
        run = RunWriter.create(self.root, procedure, clock=self.clock, **options)
        if begin:
            run.begin(self.start(procedure=procedure))
            run.change_state(self.change(RunState.RUNNING))
        return run

    def change(self, state, reason="") -> StateChange:
        return StateChange(state, self.clock.utc().isoformat(), self.clock.monotonic_s(), reason)

    def finish(self, run) -> None:
        run.close(self.change(RunState.FINISHED), (), {})

    def point(self, number, data, kind="measurement") -> Point:
        return Point(number, kind, data, STAMP, float(number))

    def reading(self, value=1.5, unit="K") -> Reading:
        return Reading.good(value, unit, self.clock)

    def exposure(self, seed=0, shape=(2, 1340), axis_nm=500.0):
        counts = np.random.default_rng(seed).integers(0, 65536, shape, dtype=np.uint16)
        kind = Spectrum if len(shape) == 2 else Frame
        return kind(
            counts=counts,
            wavelength_nm=np.linspace(axis_nm, axis_nm + 60.0, shape[-1]),
            exposure_s=0.5,
            beams=("probe", "pump"),
            laser_nm=532.0,
            detector=Detector(1.0, 3.0, 100.0, 65535.0, 20.0),
            utc=datetime(2026, 1, 1, tzinfo=UTC),
            monotonic_s=float(seed),
            calibrations={"wavelength": "sha256:ab"},
            settings={"grating": 1, "centre_nm": 550.5},
        )

    def commit(self, run, number, seed=None, shape=(2, 1340), **data) -> None:
        exposure = self.exposure(number if seed is None else seed, shape)
        exchanges = [
            Exchange(Set("probe.power", 1e-6), self.reading(1e-6, "W")),
            Exchange(Acquire("spectrometer", 0.5, 2, ("probe", "pump")), exposure),
        ]
        run.commit(self.point(number, {"spectrum": exposure, **data}), exchanges)


@pytest.fixture
def make(tmp_path) -> Maker:
    return Maker(tmp_path / "runs", VirtualClock())


def as_plain(value):
    """Return something that compares equal if, and only if, two recorded values are the same."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, (Spectrum, Frame)):
        names = value.__dataclass_fields__
        return (type(value), [(name, as_plain(getattr(value, name))) for name in names])
    if isinstance(value, float):
        return ("float", value.hex())
    if isinstance(value, dict):
        return json.dumps(value)
    return (type(value), value)


@pytest.fixture
def plain():
    return as_plain
