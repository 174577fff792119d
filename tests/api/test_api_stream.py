"""Listeners get a snapshot, then what happens; those that do not read cost nothing."""

import socket
import threading
import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest
from scripted_table import running

from labctl.client.events import parse_events
from labctl.core.clock import RealClock
from labctl.service.api.server import ApiServer
from labctl.service.api.stream import MOST_STREAMS
from labctl.service.api.views import MOST_SAMPLES, TrendKeeper

CLOCK = RealClock()


class Listener:
    def __init__(self, served, query=""):
        self.connection = served.connection()
        self.connection.request("GET", f"/api/v1/events{query}")
        self.response = self.connection.getresponse()
        self.events = parse_events(self.response)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.response.close()
        self.connection.close()

    def until(self, fits):
        for event in self.events:
            if fits(event):
                return event
        raise AssertionError("the stream has ended")


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def wait_for(condition, longest_s=15.0):
    end_s = CLOCK.monotonic_s() + longest_s
    while not condition():
        assert CLOCK.monotonic_s() < end_s, "it did not happen in time"
        CLOCK.sleep(0.02)


def test_a_snapshot_comes_first_and_events_are_in_order(served, scripted):
    with Listener(served) as listener:
        assert listener.response.getheader("content-type").startswith("text/event-stream")
        first = next(listener.events)
        assert first.kind == "status"
        for number in range(20):
            scripted.says("point", number=number)
        found = [listener.until(lambda e: e.kind == "point") for _ in range(20)]
    assert [one.data["number"] for one in found] == list(range(20))
    assert [one.seq for one in found] == sorted(one.seq for one in found)


def test_nothing_between_snapshot_and_stream_is_missed(served, scripted):
    stop = threading.Event()
    said = []

    def talk():
        while not stop.is_set():
            said.append(scripted.says("point", number=len(said)).seq)
            CLOCK.sleep(0.001)

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        for _ in range(5):
            with Listener(served) as listener:
                snapshot = next(listener.events)
                found = [listener.until(lambda e: e.kind == "point").seq for _ in range(50)]
            assert found == list(range(snapshot.data["seq"] + 1, snapshot.data["seq"] + 51))
    finally:
        stop.set()
        talker.join()


def test_silence_means_that_the_connection_is_gone(served):
    with Listener(served) as listener:
        next(listener.events)
        begun_s = CLOCK.monotonic_s()
        assert next(listener.events).kind == "status"
        assert CLOCK.monotonic_s() - begun_s < 4.0


def test_only_wanted_kinds_are_sent(served, scripted):
    with Listener(served, "?kinds=alarm") as listener:
        next(listener.events)
        scripted.says("point", number=1)
        scripted.says("alarm", text="x")
        kinds = [listener.until(lambda e: e.kind != "status").kind]
    assert kinds == ["alarm"]


@pytest.mark.parametrize("query", ["?since=-1", "?since=x", "?kinds=..%2F", "?boot=" + "x" * 65])
def test_a_wrong_question_is_refused(served, query):
    assert served.get(f"/events{query}").status == 422


def test_a_number_of_another_start_gives_a_fresh_snapshot(served, scripted):
    scripted.says("point", number=0)
    with Listener(served, "?since=12345&boot=other") as listener:
        assert next(listener.events).seq is not None
        scripted.says("point", number=1)
        assert listener.until(lambda e: e.kind == "point").data["number"] in (0, 1)


def test_a_dead_listener_costs_nothing(served, scripted):
    """It does not read: the table is not slowed, others are served, memory stays bounded."""
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        dead.connect(str(scripted.place.socket))
        dead.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with Listener(served) as listener:
            next(listener.events)
            wait_for(lambda: scripted.bus.listeners == 2)
            text = "x" * 1000
            tracemalloc.start()
            begun_s = CLOCK.monotonic_s()
            for number in range(20_000):
                scripted.says("point", number=number, text=text)
                scripted.says("spectrum", key="spectrum", text=text)
            took_s = CLOCK.monotonic_s() - begun_s
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            scripted.says("alarm", text="last")
            assert listener.until(lambda e: e.kind in ("alarm", "resync"))
        assert took_s < 10.0
        # 2048 events of history, 512 that wait for each listener, what the system buffers
        assert grown < 12_000_000


def test_listeners_that_go_leave_nothing_behind(served, scripted):
    for _ in range(12):
        with Listener(served) as listener:
            next(listener.events)
    wait_for(lambda: scripted.bus.listeners == 0)
    if Path("/proc/self/fd").exists():
        before = descriptors()
        for _ in range(12):
            with Listener(served) as listener:
                next(listener.events)
        wait_for(lambda: scripted.bus.listeners == 0)
        wait_for(lambda: descriptors() <= before + 1)


def test_too_many_listeners_are_refused_and_the_rest_goes_on(served, scripted, monkeypatch):
    monkeypatch.setattr("labctl.service.api.event_routes.MOST_STREAMS", 2)
    with Listener(served) as one, Listener(served) as two:
        next(one.events)
        next(two.events)
        assert served.get("/events").status == 429
        assert served.get("/status").status == 200
    assert MOST_STREAMS >= 16


def test_the_end_of_the_service_ends_the_streams_in_order(scripted):
    from caller import Caller

    server = ApiServer(scripted)
    server.start()
    with Listener(Caller(server, scripted)) as listener:
        next(listener.events)
        begun_s = CLOCK.monotonic_s()
        server.close()
        assert CLOCK.monotonic_s() - begun_s < 6.0
        assert all(event.kind == "status" for event in listener.events)


def test_a_trend_keeps_a_whole_night_in_bounded_memory(scripted):
    from datetime import timedelta

    keeper = TrendKeeper(period_s=2.0)
    start = CLOCK.utc()
    scripted.becomes(**running(CLOCK))
    status = scripted.status()
    for second in range(0, 50_000, 2):
        stamp = (start + timedelta(seconds=second)).isoformat()
        keeper.take(status.model_copy(update={"utc": stamp}))
    trend = keeper.trend()
    assert MOST_SAMPLES / 3 < len(trend.utc) <= MOST_SAMPLES
    assert trend.utc[0] == start.isoformat()
    assert set(trend.values) == {"cryostat", "pressure", "camera"}
    assert trend.units["cryostat"] == "K"


def test_a_stale_value_leaves_a_gap_in_the_trend(scripted):
    keeper = TrendKeeper()
    fields = running(CLOCK)
    fields["cryostat"] = fields["cryostat"].model_copy(update={"stale": True})
    scripted.becomes(**fields)
    keeper.take(scripted.status())
    assert keeper.trend().values["cryostat"] == [None]
