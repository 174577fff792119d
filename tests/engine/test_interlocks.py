"""Interlocks hold a run, make the table safe, or end the run."""

import math

import pytest
from tiny_table import Broken, Series

from labctl.core.channels import Interlock
from labctl.core.clock import VirtualClock
from labctl.core.errors import SafetyError
from labctl.core.journal import RunState
from labctl.core.limits import Limits
from labctl.core.readings import Reading
from labctl.engine import StateChanged, execute
from labctl.engine.interlocks import InterlockWatch, holds
from labctl.store import RunReader

CLOCK = VirtualClock()
PRESSURE = Limits(0.0, 1e-3, "Pa")
VALUES = [
    (PRESSURE, 5e-4, True),
    (PRESSURE, 2e-3, False),
    (PRESSURE, math.nan, False),
    (PRESSURE, math.inf, False),
    (PRESSURE, "0", False),
    (PRESSURE, True, False),
    (True, True, True),
    (True, False, False),
    (True, 1, False),
    ("closed", "closed", True),
    ("closed", "open", False),
]


@pytest.mark.parametrize(("expect", "value", "fine"), VALUES)
def test_nan_and_other_types_violate(expect, value, fine):
    assert holds(expect, Reading.good(value, "", CLOCK)) is fine


def test_an_invalid_reading_violates():
    assert not holds(True, Reading.invalid("sensor fault", "", CLOCK))


@pytest.mark.parametrize("last", [None, Broken("no answer")])
def test_a_channel_that_cannot_be_read_violates(table, last):
    table.interlocks = [Interlock("door", "door", True, "abort")]
    table.door.last = last
    assert InterlockWatch(table).violated() is not None


def test_a_channel_is_read_once_per_period(table):
    table.interlocks = [Interlock("door", "door", True, "abort", period_s=5.0)]
    watch = InterlockWatch(table)
    for _ in range(100):
        watch.violated()
        table.clock.sleep(0.1)
    assert table.door.reads == 2


@pytest.mark.parametrize(
    ("action", "state"), [("abort", RunState.ABORTED), ("safe", RunState.FAILED)]
)
def test_a_violation_ends_the_run_safely(table, new_run, action, state):
    table.interlocks = [Interlock("door", "door", True, action, 0.0, "close the door")]
    table.door.script = [True] * 14 + [False]
    outcome = execute(Series(), Series.Parameters(), table, new_run())
    assert outcome.state is state
    assert isinstance(outcome.error, SafetyError)
    assert "close the door" in outcome.reason
    assert table.log.lines[-1] == "safe"
    with pytest.raises(SafetyError):
        outcome.check()


@pytest.mark.parametrize("when", range(3, 20))
def test_a_pause_makes_safe_waits_sets_up_again_and_repeats_the_point(table, new_run, when):
    table.interlocks = [Interlock("door", "door", True, "pause", 0.0, "close the door")]
    table.door.script = [True] * when + [False] * 10 + [True]
    table.door.last = True
    journal, states = new_run(), []

    def observer(event):
        if isinstance(event, StateChanged):
            states.append(event)

    outcome = execute(Series(), Series.Parameters(points=3), table, journal, observer=observer)
    assert (outcome.state, outcome.points) == (RunState.FINISHED, 3)
    assert [str(item.state) for item in states] == ["running", "paused", "running", "finished"]
    assert "close the door" in states[1].reason
    points = list(RunReader(journal.path).points())
    assert [point.data["index"] for point in points] == [0, 1, 2]
    lines = table.log.lines
    after = lines[lines.index("safe") + 1 :]
    assert "open" not in after or after.index("set cryostat.temperature 300.0") < after.index(
        "open"
    )


def test_a_pause_without_end_ends_the_run(table, new_run):
    table.interlocks = [Interlock("door", "door", True, "pause", 60.0)]
    table.door.last = False
    outcome = execute(Series(), Series.Parameters(), table, new_run())
    assert (outcome.state, outcome.points) == (RunState.FAILED, 0)
    assert "did not recover" in outcome.reason


def test_a_long_sleep_is_watched(table, new_run):
    from labctl.core.messages import Sleep

    class Sleeper(Series):
        def plan(self, p):
            yield Sleep(3600.0)

    table.interlocks = [Interlock("door", "door", True, "abort", 5.0)]
    table.door.script = [True, True, True, True, False]
    outcome = execute(Sleeper(), Series.Parameters(), table, new_run())
    assert outcome.state is RunState.ABORTED
    assert table.clock.monotonic_s() < 60


def test_an_interlock_on_an_unknown_channel_is_refused(table, new_run):
    table.interlocks = [Interlock("door", "dor", True, "abort")]
    outcome = execute(Series(), Series.Parameters(), table, new_run())
    assert "did you mean 'door'" in outcome.reason
