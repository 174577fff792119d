"""What a daemon does about processes that die or hang, and a table that is not there."""

import os
import signal
import threading
from pathlib import Path

from daemon_rig import LONG, Rig, check_run, item

from labctl.core.items import ItemState
from labctl.core.status import StationState


def test_a_killed_worker_loses_nothing_and_twice_is_too_often(rig):
    (one,) = rig.add(item(parameters=LONG))
    rig.await_point(one, 1)
    os.kill(rig.worker_pid(), signal.SIGKILL)
    rig.await_event("run", lambda event: event.data["item"] == one and "attempt" in event.data)
    assert rig.daemon.queue.get(one).crashes == 1
    assert any("signal 9" in alarm.text for alarm in rig.daemon.status().alarms)
    os.kill(rig.worker_pid(), signal.SIGKILL)
    assert rig.await_end(one).state is ItemState.QUARANTINED
    rig.daemon.approve(one)
    done = rig.await_end(one)
    check_run(rig, done)
    with rig.reader(done.runs[0]) as reader:
        assert len(reader.starts) == 3


def test_a_crash_of_the_camera_s_host_costs_one_point_that_is_repeated(rig):
    (one,) = rig.add(item(parameters=LONG))
    rig.await_point(one, 1)
    host = rig.daemon._supervisor.served.processes["host ccd"]
    os.kill(host, signal.SIGKILL)
    check_run(rig, rig.await_end(one))
    assert rig.daemon._supervisor.served.processes["host ccd"] != host


def test_the_end_of_the_safety_process_closes_everything_and_the_run_goes_on(rig):
    (one,) = rig.add(item(parameters=LONG))
    rig.await_point(one, 1)
    keeper = rig.daemon._supervisor.guard.pid
    os.kill(keeper, signal.SIGKILL)
    check_run(rig, rig.await_end(one))
    assert rig.daemon._supervisor.guard.pid != keeper
    assert rig.daemon.status().safety.process == "running"
    assert any("safety process" in alarm.text for alarm in rig.daemon.status().alarms)


def test_a_worker_that_stands_still_is_killed_and_its_run_goes_on(table, tmp_path):
    with Rig(table.station, tmp_path, beat_s=2.0) as rig:
        (one,) = rig.add(item(parameters=LONG | {"powers": [1e-4]}))
        rig.await_point(one, 0)
        os.kill(rig.worker_pid(), signal.SIGSTOP)
        assert rig.await_end(one).crashes == 1
        check_run(rig, rig.await_end(one), points=3)


def test_a_table_that_cannot_be_opened_costs_no_items(table, tmp_path):
    text = table.station.read_text()
    broken = tmp_path / "broken.toml"
    broken.write_text(text.replace('identity = "Thorlabs SC10"', 'identity = "Another one"'))
    with Rig(broken, tmp_path / "data") as rig:
        ids = rig.add(item(), item())
        rig.await_state(StationState.FAILED)
        assert [rig.daemon.queue.get(one).state for one in ids] == [ItemState.WAITING] * 2


def test_descriptors_and_threads_stay_as_many_as_they_were(rig):
    counts = []
    for _ in range(4):
        (one,) = rig.add(item())
        check_run(rig, rig.await_end(one))
        rig.await_open()
        counts.append((len(list(Path("/proc/self/fd").iterdir())), threading.active_count()))
    # one look may meet a thread or a socket that is on its way out
    before, after = counts[:2], counts[2:]
    for kind in (0, 1):
        assert min(one[kind] for one in after) <= max(one[kind] for one in before)
