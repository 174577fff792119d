"""kill -9, SIGTERM and a second start of a service in a process of its own."""

import os
import signal

from daemon_rig import item
from daemon_storm import PARAMETERS, Served, Storm

from labctl.core.items import plain
from labctl.core.journal import RunState
from labctl.store import RunReader
from labctl.store.folders import run_folders


def add(served, **changes):
    (one,) = served.order("add", items=[plain(item(parameters=dict(PARAMETERS), **changes))])
    return one


def await_point(served, number):
    served.until(lambda line: line.get("event") == "point" and line["number"] >= number)


def test_kills_at_random_instants_lose_and_double_nothing(table, tmp_path):
    storm = Storm(table.station, tmp_path, seed=3)
    storm.run(["service"])
    storm.run(["everything", "worker"])
    storm.close()
    assert sum(storm.figures.kills.values()) >= 2
    assert max(storm.figures.resumed_s, default=0.0) < 25.0


def test_a_second_service_is_refused_with_its_own_exit_code(table, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    with Served(table.station, data) as first:
        first.until(lambda line: "ready" in line)
        with Served(table.station, data) as second:
            assert second.wait() == 3
        first.process.send_signal(signal.SIGTERM)
        assert first.wait() == 0


def test_a_service_that_is_asked_to_end_stops_after_the_point_and_goes_on_later(table, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    with Served(table.station, data) as served:
        served.until(lambda line: "ready" in line)
        one = add(served)
        await_point(served, 1)
        served.process.send_signal(signal.SIGTERM)
        assert served.wait() == 0
    (folder,) = [folder for _, folder in run_folders(data)]
    with RunReader(folder) as reader:
        assert reader.state is RunState.STOPPED
        before = len(reader)
    with Served(table.station, data) as served:
        again = served.until(lambda line: line.get("event") == "run")
        assert (again["item"], again["first_point"]) == (one, before)
        served.until(lambda line: line.get("ended") == "finished")


def test_what_was_cut_waits_for_the_operator_if_its_policy_says_so(table, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    with Served(table.station, data) as served:
        served.until(lambda line: "ready" in line)
        one, other = add(served, on_recovery="ask"), add(served)
        await_point(served, 0)
        served.kill_everything()
    with Served(table.station, data) as served:
        served.until(lambda line: line.get("event") == "state" and line["confirmed"])
        states = {entry["id"]: entry["state"] for entry in served.order("list")}
        # nothing opens by itself after a crash: not the next item either
        assert states == {one: "interrupted", other: "waiting"}
        served.order("approve", item=one)
        served.until(lambda line: line.get("ended") == "finished" and line["item"] == one)
        served.until(lambda line: line.get("ended") == "finished" and line["item"] == other)


def test_a_worker_that_lost_its_service_ends_its_point_and_nothing_outlives_it(table, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    with Served(table.station, data) as served:
        served.until(lambda line: "ready" in line)
        add(served)
        await_point(served, 1)
        pids = served.order("pids")
        served.kill_service()
    with Served(table.station, data) as served:
        # the safety process has stayed where it was, with the lease of that worker
        assert served.order("pids")["safety"] == pids["safety"]
        served.until(lambda line: line.get("ended") == "finished")
        assert not _lives(pids["worker"])
        with RunReader(next(folder for _, folder in run_folders(data))) as reader:
            states = [(change.attempt, change.state) for change in reader.states]
        assert (0, RunState.STOPPED) in states
        family = served._family()
        served.process.send_signal(signal.SIGTERM)
        assert served.wait() == 0
    assert not [pid for pid in family if _lives(pid)]


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
