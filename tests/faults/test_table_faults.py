"""The table itself misbehaves during a run: heater, vacuum, sensors, memory (rows 29 to 31, 49)."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
from table_process import CONFIGS
from virtual_table import procedure_of

from labctl.core.channels import Interlock
from labctl.core.journal import RunState
from labctl.core.limits import Limits
from labctl.core.procedure import Procedure
from labctl.engine import PointCommitted, StateChanged


@pytest.fixture
def table(new_table):
    table = new_table()
    table.cool()
    return table


def run(table, root, name, observe, low=60.0, high=390.0, channel="cryostat.temperature"):
    """Run a procedure with one interlock on the table, as a station file asks for it."""
    table.station.interlocks = (
        Interlock(channel, channel, Limits(low, high, ""), "safe", 1.0, "look at it"),
    )
    return table.execute(*procedure_of(name), root, observer=observe)


def after_first_point(action):
    done = []

    def observe(event):
        if isinstance(event, PointCommitted) and not done:
            done.append(event)
            action()

    return observe


RUNAWAYS = [
    ("power_series", 450.0, 120.0),
    ("power_series", 30.0, 120.0),
    ("power_series", math.nan, 120.0),
    ("temperature_series", 450.0, 120.0),
    ("temperature_series", 30.0, 120.0),
    ("temperature_series", math.inf, 180.0),
]


@pytest.mark.parametrize(("name", "to_k", "within_s"), RUNAWAYS)
def test_a_runaway_of_the_cryostat_holds_the_heater_and_ends_dark(
    table, tmp_path, name, to_k, within_s
):
    sensor_k, cryostat = table.ports.cryostat.sensor_k, table.ports.cryostat
    begun_s = []

    def run_away():
        begun_s.append(table.clock.monotonic_s())
        cryostat.sensor_k = lambda now_s: to_k

    outcome, reader = run(table, tmp_path, name, after_first_point(run_away))
    with reader:
        assert outcome.state is reader.state is RunState.FAILED
        assert len(reader) == outcome.points >= 1
    assert outcome.unconfirmed == () or not math.isfinite(to_k)
    assert table.clock.monotonic_s() - begun_s[0] < within_s
    cryostat.sensor_k = sensor_k
    assert [one for one in table.unsafe() if "heater" not in one] == []
    assert not cryostat.ramp_on


def test_a_loss_of_vacuum_blocks_the_beams_and_holds_the_heater(table, tmp_path):
    gauge = table.ports.gauge

    def leak():
        gauge.true_pa = lambda now_s: 5e4

    outcome, reader = run(
        table, tmp_path, "temperature_series", after_first_point(leak),
        channel="cryostat.pressure", low=0.0, high=1.0,
    )  # fmt: skip
    with reader:
        assert outcome.state is RunState.FAILED
        assert "cryostat.pressure" in outcome.reason
        assert len(reader) == 1
    assert table.unsafe() == []


@pytest.mark.parametrize("channel", ["cryostat.temperature", "cryostat.pressure"])
def test_a_signal_of_the_cooler_that_fails_makes_the_table_safe(table, tmp_path, channel):
    """A compressor shows in any channel that the station file watches; a dead one violates."""
    name = {"cryostat.temperature": "lakeshore336", "cryostat.pressure": "tpg261"}[channel]

    def stop():
        table.simulation.faults(name).at(1, "silence", count=10_000)

    outcome, reader = run(
        table, tmp_path, "power_series", after_first_point(stop), channel=channel, low=0.0, high=1e9
    )
    reader.close()
    assert outcome.state is RunState.FAILED
    assert channel in outcome.reason
    assert table.open_shutters() == table.emitting() == table.moving() == []


class Greedy(Procedure):
    """Wrap a procedure, and run out of memory in the plan."""

    def __init__(self, inner):
        self.name, self.Parameters, self._inner = inner.name, inner.Parameters, inner

    def plan(self, p):
        plan, answer = self._inner.plan(p), None
        for _ in range(30):
            answer = yield plan.send(answer)
        raise MemoryError


def test_running_out_of_memory_leaves_the_table_safe_and_the_points(table, tmp_path):
    procedure, parameters = procedure_of("power_series")
    outcome, reader = table.execute(Greedy(procedure), parameters, tmp_path)
    with reader:
        assert outcome.state is RunState.FAILED
        assert "MemoryError" in outcome.reason
        assert len(reader) == outcome.points
    assert table.unsafe() == []


FULL = """
import resource, sys
from pathlib import Path
from labctl.engine import PointCommitted
from labctl.service import Session

def fill(event):
    if isinstance(event, PointCommitted) and event.point.number == 1:
        used = int(open("/proc/self/statm").read().split()[0]) * 4096
        resource.setrlimit(resource.RLIMIT_AS, (used, used))

values = {"powers": [1e-4, 2e-4], "windows": ["raman"], "regions": ["mono"],
          "exposure_s": 0.5, "accumulations": 20, "refocus": False}
with Session(Path(sys.argv[2]), Path(sys.argv[1])) as session:
    finished = session.run("power_series", values, observer=fill)
    print(finished.outcome.state, finished.outcome.points, finished.outcome.unconfirmed)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and RLIMIT_AS")
def test_a_process_without_memory_ends_its_run_and_keeps_its_points(tmp_path):
    from labctl.store import RunReader
    from labctl.store.folders import run_folders

    root = tmp_path / "data"
    subprocess.run(
        [sys.executable, "-c", FULL, str(root), str(CONFIGS / "simulated.toml")],
        capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    ((_, folder),) = run_folders(Path(root))
    with RunReader(folder) as reader:
        assert len(list(reader.points())) >= 2
        assert reader.damaged() == []


def test_an_interlock_pauses_where_it_is_told_to(table, tmp_path):
    gauge, true_pa, states = table.ports.gauge, table.ports.gauge.true_pa, []

    def observe(event):
        if isinstance(event, PointCommitted) and event.point.number == 0:
            gauge.true_pa = lambda now_s: 5e4
        if isinstance(event, StateChanged):
            states.append(event.state)
            if event.state is RunState.PAUSED:
                assert table.open_shutters() == table.emitting() == []
                gauge.true_pa = true_pa

    table.station.interlocks = (
        Interlock("vacuum", "cryostat.pressure", Limits(0.0, 1.0, "Pa"), "pause", 1.0, "pump"),
    )
    outcome, reader = table.execute(*procedure_of("power_series"), tmp_path, observer=observe)
    reader.close()
    assert RunState.PAUSED in states
    assert outcome.state is RunState.FINISHED
