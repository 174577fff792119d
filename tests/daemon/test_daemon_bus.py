import threading

from hypothesis import given
from hypothesis import strategies as st

from labctl.service.daemon.bus import Bus


def fetched(listener):
    events = []
    while (event := listener.get(0.0)) is not None:
        events.append(event)
    return events


def test_events_come_in_order_with_growing_numbers():
    bus = Bus()
    with bus.subscribe() as listener:
        for number in range(5):
            bus.publish("point", {"number": number})
        events = fetched(listener)
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert [event.data["number"] for event in events] == [0, 1, 2, 3, 4]


def test_a_slow_listener_gets_the_newest_live_event_and_every_point():
    bus = Bus()
    with bus.subscribe() as listener:
        for number in range(100):
            bus.publish("spectrum", {"number": number})
            bus.publish("point", {"number": number})
        events = fetched(listener)
    points = [event.data["number"] for event in events if event.kind == "point"]
    spectra = [event.data["number"] for event in events if event.kind == "spectrum"]
    assert points == list(range(100))
    assert spectra == [99]
    assert listener.dropped == 99


def test_live_events_of_different_keys_do_not_replace_each_other():
    bus = Bus()
    with bus.subscribe() as listener:
        for value in range(3):
            bus.publish("readings", {"key": "a", "value": value})
            bus.publish("readings", {"key": "b", "value": value})
        assert [(e.data["key"], e.data["value"]) for e in fetched(listener)] == [("a", 2), ("b", 2)]


def test_a_listener_that_falls_behind_on_points_is_told_to_read_anew():
    bus = Bus()
    with bus.subscribe(capacity=10) as listener:
        for number in range(50):
            bus.publish("point", {"number": number})
        (mark,) = fetched(listener)
        assert mark.kind == "resync"
        assert mark.seq == 50
        bus.publish("point", {"number": 50})
        (event,) = fetched(listener)
    assert event.data["number"] == 50


def test_a_late_listener_gets_what_it_missed():
    bus = Bus()
    for number in range(5):
        bus.publish("point", {"number": number})
    with bus.subscribe(since_seq=3) as listener:
        assert [event.seq for event in fetched(listener)] == [4, 5]


def test_a_listener_that_missed_too_much_or_comes_from_another_start_reads_anew():
    bus = Bus(history=3)
    for number in range(10):
        bus.publish("point", {"number": number})
    for since in (2, 11):
        with bus.subscribe(since_seq=since) as listener:
            assert [event.kind for event in fetched(listener)] == ["resync"]
    with bus.subscribe(since_seq=7) as listener:
        assert [event.seq for event in fetched(listener)] == [8, 9, 10]


@given(st.integers(1, 20), st.lists(st.sampled_from(["point", "spectrum", "fetch"]), max_size=200))
def test_no_point_is_missing_without_a_mark(capacity, actions):
    bus, points, known = Bus(history=1000), [], 0
    with bus.subscribe(capacity=capacity) as listener:
        for action in [*actions, *["fetch"] * 400]:
            if action != "fetch":
                event = bus.publish(action, {})
                points += [event.seq] if action == "point" else []
            elif (event := listener.get(0.0)) is not None and event.kind != "spectrum":
                missed = [seq for seq in points if known < seq < event.seq]
                assert event.kind == "resync" or not missed
                known = event.seq
    assert not [seq for seq in points if seq > known]


def test_a_dead_listener_costs_no_memory_and_nobody_waits_for_it():
    bus = Bus(history=100)
    listener = bus.subscribe(capacity=100)
    for number in range(20_000):
        bus.publish("point", {"number": number})
        bus.publish("readings", {"key": f"channel {number % 20}"})
    assert len(fetched(listener)) <= 121
    listener.close()
    assert bus.listeners == 0


def test_whoever_waits_is_woken_by_an_event_and_by_the_end():
    bus = Bus()
    listener = bus.subscribe()
    told = threading.Event()
    other = bus.subscribe(notify=told.set)
    found = []
    thread = threading.Thread(target=lambda: found.extend([listener.get(None), listener.get(None)]))
    thread.start()
    bus.publish("point", {})
    assert told.wait(5.0)
    bus.close()
    thread.join(5.0)
    assert [event and event.kind for event in found] == ["point", None]
    assert other.is_closed
