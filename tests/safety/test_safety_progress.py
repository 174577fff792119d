"""What the engine tells becomes steps, deadlines and rest; what the machine does becomes a trip."""

import json
from types import SimpleNamespace

import pytest
from safety_rig import CLOCK, NOWHERE, station_text, wait_until

from labctl.core.clock import ScaledClock
from labctl.core.journal import RunState
from labctl.core.messages import Acquire, Point, Set, Sleep, Wait
from labctl.engine.events import MessageStarted, PointCommitted, RunEnded, StateChanged
from labctl.service.guarding import plan_safety
from labctl.service.heartbeat import Heartbeat, Margins
from labctl.service.safety.config import read_config
from labctl.service.safety.journal import Journal, State, read_state
from labctl.service.safety.table import GuardedTable

ACQUIRE = Acquire("spectrometer", 10.0, 2, beams=("probe",))
STATION = SimpleNamespace(
    clock=ScaledClock(10.0),
    channels={"t": SimpleNamespace(duration_s=lambda *_: 30.0, settling_s=lambda *_: 600.0)},
    acquirers={"spectrometer": SimpleNamespace(duration_s=lambda _: 25.0)},
)


def test_events_of_the_engine_wake_the_lease_move_it_on_and_put_it_to_rest(rig):
    point = Point(0, "measurement", {}, CLOCK.utc(), 0.0)
    with rig.client() as client, rig.client() as other:
        client.acquire("a run")
        with Heartbeat(client, STATION) as heartbeat:

            def state():
                status = other.status()
                return status["awake"], status["step"], status["progress"]

            assert state() == (False, -1, 0.0)
            heartbeat(MessageStarted(0, ACQUIRE))
            wait_until(lambda: state() == (True, 1, 0.0))
            heartbeat(PointCommitted(point))
            wait_until(lambda: state() == (True, 1, 1.0))
            heartbeat(StateChanged(RunState.PAUSED))
            assert state()[0] is False
            heartbeat(MessageStarted(1, Set("t", 1.0)))
            wait_until(lambda: state() == (True, 2, 1.0))
            heartbeat(RunEnded(RunState.FINISHED, 1, "", ()))
            assert state()[0] is False
        assert client.release()["confirmed"]
    assert rig.table.ask("truth") == {"open": [], "emits": []}


@pytest.mark.parametrize(
    ("message", "deadline_s", "open_s"),
    [
        (ACQUIRE, (2 * 25 + 3600) / 10 + 120, 2 * 25 / 10 + 10),
        (Set("t", 1.0), 2 * 30 / 10 + 120, 0.0),
        (Wait("t"), (2 * 600 + 4 * 3600) / 10 + 120, 0.0),
        (Sleep(100.0), 2 * 100 / 10 + 120, 0.0),
        (Set("unknown", 1.0), 120, 0.0),
    ],
)
def test_deadlines_follow_the_estimates_of_the_station_on_its_clock(
    rig, message, deadline_s, open_s
):
    with rig.client() as client:
        heartbeat = Heartbeat(client, STATION, Margins())
        assert heartbeat._limits(message) == pytest.approx((deadline_s, open_s))


@pytest.fixture
def made(tmp_path):
    """Make a guarded table whose devices are all switched off, from a state."""
    path = tmp_path / "table.toml"
    path.write_text(station_text(NOWHERE, 1.0))
    plan = plan_safety(path, tmp_path / "safety")
    journals = []

    def make(state=None):
        config = read_config(plan.write(tmp_path / "safety")[0])
        journals.append(Journal(config.log, config.state))
        return GuardedTable(config, journals[-1], state or State(), 0.0, 5.0, lambda _: None)

    yield make
    for journal in journals:
        journal.close()


def test_a_suspension_of_the_machine_latches(made):
    table = made()
    table.tick(0.1, 5.0)
    assert not table.latch
    table.tick(0.2, 35.0)
    assert table.latch.causes == [("suspended", "the machine was suspended for 30.0 s")]


def test_a_latch_survives_a_restart(made):
    table = made(State(7, False, (("interlock", "a door was open"),)))
    assert table.latch.words == "a door was open"
    assert table.book.highest == 7


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"highest_epoch": "x"}', "\0", "[" * 9999])
def test_a_damaged_state_latches_and_lies_above_all_epochs_from_before(tmp_path, text):
    path = tmp_path / "state.json"
    path.write_text(text)
    state = read_state(path)
    assert state.latch[0][0] == "damaged"
    assert state.highest_epoch > 1 << 32


def test_the_journal_keeps_what_it_was_told(tmp_path):
    journal = Journal(tmp_path / "log", tmp_path / "state")
    journal.note("something", why="for a reason")
    journal.save(State(3, True, (("eof", "gone"),)))
    assert journal.written().wait(5.0)
    journal.close()
    entry = json.loads((tmp_path / "log").read_text())
    assert (entry["what"], entry["why"]) == ("something", "for a reason")
    assert entry["monotonic_s"] <= CLOCK.monotonic_s()
    assert read_state(tmp_path / "state") == State(3, True, (("eof", "gone"),))


def test_a_disk_that_cannot_be_written_is_told_and_ends_nothing(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    journal = Journal(folder / "log", folder / "state")
    (folder / "log").unlink()
    folder.rmdir()
    journal.save(State(3))
    assert journal.written().wait(5.0)
    assert "No such file" in journal.problem
    journal.close()
