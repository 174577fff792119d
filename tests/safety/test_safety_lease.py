"""Who may open what: one lease, epochs, the latch; and what outlives whom."""

import signal
from types import SimpleNamespace

import pytest
from safety_rig import CLOCK, Rig, kill, wait_until

from labctl.core.errors import ConnectionFailed, SafetyError
from labctl.core.link import LinkSettings
from labctl.service.guarded import GuardAddress, GuardBackend, SafetyClient
from labctl.service.heartbeat import Heartbeat

SHUTTER, LASER = "guard://probe_shutter", "guard://probe_laser"
SETTINGS = LinkSettings()
STATION = SimpleNamespace(clock=CLOCK, channels={}, acquirers={})


def ask(link, command, end=b"> "):
    link.write(command)
    heard = b""
    while not heard.endswith(end):
        piece = link.read(2.0)
        assert piece, heard
        heard += piece
    return heard


@pytest.fixture
def holder(rig):
    """A client that has the lease, at rest; the table is reset afterwards."""
    with rig.client() as client:
        client.backend = client.acquire("the holder")
        client.links = []

        def open_link(resource):
            client.links.append(client.backend.open_link(resource, SETTINGS))
            return client.links[-1]

        client.open_link = open_link
        with Heartbeat(client, STATION) as client.heart:
            yield client
        for link in client.links:
            link.close()
    rig.is_dark()
    rig.reset()


def is_open(rig):
    return wait_until(lambda: rig.table.ask("truth")["open"] == ["probe"])


def test_the_lease_has_one_holder(rig, holder):
    with rig.client() as other, pytest.raises(SafetyError, match="the holder holds the lease"):
        other.acquire("another")


def test_an_old_epoch_is_refused(rig, holder):
    epoch = holder.epoch
    holder.release()
    with rig.client() as other, pytest.raises(SafetyError, match=f"epoch {epoch} is over"):
        other.acquire("another", epoch)


def test_a_zombie_worker_moves_no_byte(rig, holder):
    link = holder.open_link(SHUTTER)
    assert b"SC10" in ask(link, b"id?\r")
    holder.release()
    rig.table.ask("log")
    with rig.client() as other:
        other.acquire("the next")
        for command in (b"id?\r", b"ens\r"):
            with pytest.raises(SafetyError, match="is over: the last one given out"):
                link.write(command)
        with pytest.raises(SafetyError, match="is over"):
            GuardBackend(rig.plan.holder, holder.epoch).open_link(SHUTTER, SETTINGS)
        other.release()
    assert not [one for one in rig.table.ask("log") if "id?" in one[2]]


def test_a_zombies_beat_is_no_sign_of_life(rig, holder):
    holder.release()
    with rig.client() as other:
        other.acquire("the next")
        with pytest.raises(ConnectionFailed):  # noqa: PT012
            holder.heart.begin_step(30.0, 30.0)
            wait_until(lambda: holder.status() and None)
        assert other.status()["awake"] is False
        other.release()


def test_a_lease_at_rest_reads_and_opens_nothing(rig, holder):
    link, laser = holder.open_link(SHUTTER), holder.open_link(LASER)
    assert ask(link, b"closed?\r") == b"closed?\r1\r> "
    for one, command in ((link, b"ens\r"), (laser, b"l1\r"), (link, b"mode=1\rens\r")):
        with pytest.raises(SafetyError, match="no step of the run is under way"):
            one.write(command)
    assert ask(laser, b"l0\r", b"\r\n") == b"OK\r\n"


def test_a_step_lets_open_and_rest_closes_again(rig, holder):
    link = holder.open_link(SHUTTER)
    holder.heart.begin_step(30.0, 30.0)
    ask(link, b"ens\r")
    assert is_open(rig)
    report = holder.rest()
    assert report["confirmed"], report
    assert rig.table.ask("truth")["open"] == []


def test_a_late_beat_of_the_same_step_does_not_wake_a_lease_at_rest(rig, holder):
    holder.heart.begin_step(30.0, 30.0)
    holder.heart.rest()
    holder.beat(1, 0, 30.0, 30.0)
    assert holder.status()["awake"] is False


def test_beats_do_not_move_the_deadline_of_their_step(rig, holder):
    start_s = CLOCK.monotonic_s()
    holder.heart.begin_step(0.3, 30.0)
    with pytest.raises(ConnectionFailed):  # noqa: PT012
        while CLOCK.monotonic_s() < start_s + 3.0:
            holder.beat(1, 0, 30.0, 30.0)
            CLOCK.sleep(0.02)
    assert 0.25 < CLOCK.monotonic_s() - start_s < 1.5
    assert "took more than 0.3 s" in rig.await_report("overdue")["why"]


def test_while_latched_the_holder_reads_but_opens_nothing(rig, holder):
    link = holder.open_link(SHUTTER)
    holder.heart.begin_step(30.0, 30.0)
    ask(link, b"ens\r")
    assert is_open(rig)
    with rig.client() as somebody:
        assert somebody.safe("a person")["confirmed"]
    assert rig.table.ask("truth")["open"] == []
    holder.heart.begin_step(30.0, 30.0)
    with pytest.raises(SafetyError, match="refused while latched: a person asked for the safe"):
        link.write(b"ens\r")
    assert ask(link, b"closed?\r") == b"closed?\r1\r> "
    assert rig.table.ask("truth")["open"] == []


def test_nobody_gets_a_lease_while_latched(rig):
    with rig.client() as client:
        client.safe("a person")
        with pytest.raises(SafetyError, match="latched: a person asked for the safe state"):
            client.acquire("a worker")
    rig.reset()


def test_safe_and_status_need_no_token_but_everything_else_does(rig):
    stranger = GuardAddress(rig.plan.holder.address)
    with rig.client(stranger) as client:
        assert client.safe("a stranger")["confirmed"]
        assert client.status()["latched"]
        for attempt in (
            lambda: client.acquire("a stranger"),
            lambda: client.reset("a stranger"),
            lambda: client.revoke("a stranger"),
        ):
            with pytest.raises(SafetyError, match="token"):
                attempt()
    with rig.client() as worker, pytest.raises(SafetyError, match="the token of the local role"):
        worker.reset("a worker")
    rig.reset()


def test_a_policy_resets_what_a_process_did_but_not_what_a_person_or_an_interlock_did(rig):
    rig.worker()[0].kill()
    rig.await_report("eof", len(rig.reports("eof")))
    rig.is_dark()
    rig.reset(policy=True)
    with rig.client() as client:
        client.safe("a person")
    with pytest.raises(SafetyError, match="a person has to reset it"):
        rig.reset(policy=True)
    rig.reset()


def test_an_open_interlock_latches_and_stays_until_it_is_closed_and_a_person_resets_it(rig):
    rig.table.ask("interlock", "pump", False)
    with rig.local() as client:
        wait_until(lambda: client.status()["interlocks"]["pump_laser interlock"] == "open")
        assert client.status()["latched"]
        with pytest.raises(SafetyError, match="an interlock is open"):
            client.reset("a person")
        rig.table.ask("interlock", "pump", True)
        wait_until(lambda: client.status()["interlocks"]["pump_laser interlock"] == "closed")
        assert client.status()["latched"]
        with pytest.raises(SafetyError, match="a person has to reset it"):
            client.reset("a policy", policy=True)
    rig.reset()


def test_a_revoked_holder_is_out(rig, holder):
    link = holder.open_link(SHUTTER)
    with rig.local() as daemon:
        assert daemon.revoke("the daemon")["confirmed"]
    with pytest.raises(SafetyError, match="the daemon revoked the lease"):
        link.write(b"closed?\r")


def test_a_step_longer_than_allowed_is_refused(rig, holder):
    with pytest.raises(ConnectionFailed):  # noqa: PT012
        holder.heart.begin_step(1e8, 1.0)
        wait_until(lambda: holder.status() and None)


def test_a_worker_ended_by_sigterm_leaves_the_table_closed(rig):
    worker, _ = rig.worker()
    stamp_s = kill(worker, signal.SIGTERM)
    assert max(rig.times(stamp_s).values()) < 1.5
    rig.is_dark()
    rig.reset()


def test_a_killed_guard_comes_back_latched_and_remembers_the_epochs(rig):
    worker, _ = rig.worker()
    with rig.client() as client:
        before = client.status()["epoch"]
    kill(rig.guard_pid())
    rig.is_dark()
    with rig.client() as client:
        status = client.status()
        assert status["latched"]
        assert status["causes"][0][0] == "restarted"
        assert status["epoch"] == before
        with pytest.raises(SafetyError, match="latched"):
            client.acquire("a worker")
    worker.kill()
    rig.reset()


def test_a_guard_that_stood_still_does_not_trust_what_was_queued_meanwhile(rig):
    worker, _ = rig.worker()
    guard = rig.guard_pid()
    kill(guard, signal.SIGSTOP)
    CLOCK.sleep(1.3)
    stamp_s = kill(guard, signal.SIGCONT)
    assert max(rig.times(stamp_s).values()) < 1.5
    assert "stood still" in rig.await_report("suspended")["why"]
    worker.kill()
    rig.is_dark()
    rig.reset()


def test_a_dropped_line_closes_everything_and_the_device_behind_it_once_it_is_back(rig):
    worker, _ = rig.worker()
    rig.table.ask("fault", "cobolt_probe", "drop", 1)
    report = rig.await_report("link")
    assert report["confirmed"], report
    assert rig.table.ask("truth") == {"open": [], "emits": []}
    worker.kill()
    rig.reset()


def test_without_its_keeper_a_guard_closes_everything_and_ends(tmp_path):
    with Rig(tmp_path, silence_s=0.5) as rig:
        guard = rig.guard_pid()
        worker, _ = rig.worker()
        kill(rig.safety.pid)
        rig.safety.wait()
        rig.is_dark()
        with pytest.raises(ConnectionFailed):
            wait_until(lambda: SafetyClient(rig.plan.holder).close())
        wait_until(lambda: rig.log()[-1]["what"] == "ended")
        worker.kill()
        kill_all_and_restart(rig, guard)


def kill_all_and_restart(rig, former):
    """After a kill of the whole tree nothing opens by itself, and a person has to go on."""
    rig.start()
    assert rig.guard_pid() != former
    rig.reset(policy=True)
    worker, _ = rig.worker()
    for process in (rig.safety.pid, rig.guard_pid(), worker.pid):
        kill(process)
    rig.safety.wait()
    assert rig.table.ask("truth")["open"] == ["probe"]
    rig.start()
    rig.is_dark()
    with rig.client() as client:
        assert client.status()["causes"][0][0] == "restarted"
    assert rig.end() == 0
    assert rig.log()[-1] == rig.log()[-1] | {"what": "ended", "confirmed": True}
