"""Signals end a run at once and never break into a commit or the way to the safe state."""

import signal

import pytest
from tiny_table import Series

from labctl.core.errors import RunAborted
from labctl.core.journal import RunState
from labctl.engine import Control, execute
from labctl.store import RunReader


@pytest.fixture
def control():
    control = Control()
    before = signal.signal(signal.SIGTERM, control.handle_signal)
    yield control
    signal.signal(signal.SIGTERM, before)


def test_a_signal_breaks_into_an_exposure(table, new_run, control):
    class Terminated:
        """Receive SIGTERM in the middle of the third exposure."""

        exposures = 0

        def sleep(self, duration_s):
            self.exposures += duration_s == 0.1
            if self.exposures == 3:
                signal.raise_signal(signal.SIGTERM)
                raise AssertionError("the exposure went on")

    clock, terminated = table.clock, Terminated()
    plain_sleep = clock.sleep

    def sleep(duration_s):
        terminated.sleep(duration_s)
        plain_sleep(duration_s)

    clock.sleep = sleep
    journal = new_run()
    outcome = execute(Series(), Series.Parameters(), table, journal, control=control)
    assert (outcome.state, outcome.points) == (RunState.ABORTED, 2)
    assert table.log.lines[-2:] == ["open", "safe"]
    with pytest.raises(RunAborted, match="signal 15"):
        outcome.check()
    assert len(RunReader(journal.path)) == 2


def test_a_signal_during_a_commit_waits_for_its_end(table, new_run, control):
    journal = new_run()
    commit = journal.commit

    def interrupted(point, exchanges):
        if point.number == 1:
            signal.raise_signal(signal.SIGTERM)
        commit(point, exchanges)

    journal.commit = interrupted
    outcome = execute(Series(), Series.Parameters(), table, journal, control=control)
    assert (outcome.state, outcome.points) == (RunState.ABORTED, 2)
    assert len(RunReader(journal.path)) == 2


def test_a_signal_on_the_way_to_the_safe_state_does_not_break_it(table, new_run, control):
    safe, seen = table.safe, []

    def interrupted():
        signal.raise_signal(signal.SIGTERM)
        seen.append("signal")
        return safe()

    table.safe = interrupted
    table.camera.failures = [RuntimeError("dead")]
    outcome = execute(Series(), Series.Parameters(), table, new_run(), control=control)
    assert seen == ["signal"]
    assert outcome.unconfirmed == ()
