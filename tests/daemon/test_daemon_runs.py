"""Runs of a queue by a daemon in this process, on instruments in another one."""

import os

import pytest
from daemon_rig import LONG, POINTS, POWER_SERIES, check_run, item

from labctl.core.errors import ConfigError, LimitError, SafetyError, UsageError
from labctl.core.items import ItemState, Retry
from labctl.core.journal import RunState
from labctl.core.status import StationState
from labctl.service.daemon.daemon import Daemon
from labctl.service.night.events import read_events
from labctl.service.night.ledger import Ledger
from labctl.service.night.settings import NightSettings


def test_a_queue_of_several_items_runs_to_its_end_whoever_does_not_listen(rig):
    with rig.daemon.subscribe(capacity=3) as deaf:
        ids = rig.add(item(label="one"), item(label="two"), item(label="three"))
        for one in ids:
            check_run(rig, rig.await_end(one))
        assert deaf.get(0.0).kind == "resync"
    rig.await_state(StationState.IDLE)
    status = rig.daemon.status()
    assert status.run is None
    assert status.queue.counts == {"finished": 3}
    assert status.safety.confirmed
    assert status.safety.process == "running"
    live = rig.daemon.latest_spectrum()
    assert live.saved
    assert live.array().shape == (1340,)
    told = [event.what for event in read_events(rig.daemon.database)]
    assert [what for what in told if what in ("claimed", "finished")] == ["claimed", "finished"] * 3
    (spot,) = Ledger(rig.daemon.database, NightSettings().ledger).spots()
    assert spot.dose_j_per_cm2["probe"] > 0


def test_a_second_start_is_refused_and_names_the_first(rig):
    with pytest.raises(ConfigError, match=f"process {os.getpid()}") as refusal:
        Daemon(rig.daemon.place.station_file, rig.data)
    assert refusal.value.exit_code == 3


def test_what_clients_need_to_connect_is_for_the_owner_only(rig):
    rig.daemon.announce(port=1234, token="secret")
    assert rig.daemon.place.info.stat().st_mode & 0o777 == 0o600
    assert rig.daemon.place.folder.stat().st_mode & 0o777 == 0o700


def test_a_run_pauses_after_the_point_and_goes_on(rig):
    (one,) = rig.add(item())
    rig.await_point(one, 0)
    rig.daemon.pause("after_point")
    rig.await_state(StationState.PAUSED)
    assert rig.daemon.queue.get(one).state is ItemState.PAUSED
    rig.daemon.proceed()
    check_run(rig, rig.await_end(one))


def test_a_run_pauses_at_once_and_repeats_the_point(rig):
    (one,) = rig.add(item(parameters=LONG))
    rig.await_event("step", lambda event: "probe" in event.data.get("beams", ()))
    rig.daemon.pause("now")
    rig.await_state(StationState.PAUSED)
    assert rig.daemon.status().safety.confirmed
    assert rig.daemon.queue.get(one).state is ItemState.PAUSED
    rig.daemon.proceed()
    done = rig.await_end(one)
    check_run(rig, done)
    with rig.reader(done.runs[0]) as reader:
        assert len(reader.starts) == 2


def test_a_pause_in_the_queue_waits_for_the_operator(rig):
    pause = rig.daemon.queue.insert_pause(label="change the sample")
    (one,) = rig.add(item())
    rig.await_state(StationState.PAUSED)
    assert rig.daemon.status().alarms[-1].text == "change the sample"
    rig.daemon.proceed()
    check_run(rig, rig.await_end(one))
    assert rig.daemon.queue.get(pause.id).state is ItemState.FINISHED


def test_an_abort_ends_the_run_at_once_and_nothing_more_starts(rig):
    first, second = rig.add(item(parameters=LONG), item())
    rig.await_event("step", lambda event: "probe" in event.data.get("beams", ()))
    rig.daemon.abort_now("smoke")
    done = rig.await_end(first)
    assert done.state is ItemState.ABORTED
    assert "smoke" in done.reason
    assert rig.daemon.status().safety.confirmed
    assert rig.daemon.queue.get(second).state is ItemState.WAITING
    rig.daemon.proceed()
    check_run(rig, rig.await_end(second))


def test_the_queue_stops_after_the_run(rig):
    first, second = rig.add(item(), item())
    rig.await_point(first, 0)
    rig.daemon.stop_after_run()
    check_run(rig, rig.await_end(first))
    rig.await_state(StationState.PAUSED)
    assert rig.daemon.queue.get(second).state is ItemState.WAITING
    rig.daemon.queue.remove([second])
    rig.daemon.start_queue()


def test_a_run_that_is_stopped_keeps_its_points(rig):
    (one,) = rig.add(item())
    rig.await_point(one, 0)
    rig.daemon.stop_after_point()
    done = rig.await_end(one)
    assert done.state is ItemState.ABORTED
    with rig.reader(done.runs[0]) as reader:
        assert reader.state is RunState.STOPPED
        assert 1 <= len(reader) < POINTS
    rig.daemon.start_queue()


def test_laser_off_ends_a_run_and_latches_until_somebody_resets(rig):
    (one,) = rig.add(item(parameters=LONG))
    rig.await_event("step", lambda event: "probe" in event.data.get("beams", ()))
    assert rig.daemon.safe("Ada") == []
    assert rig.daemon.status().safety.latched
    assert rig.await_end(one).state is ItemState.ABORTED
    rig.await_state(StationState.FAILED)
    status = rig.daemon.status()
    assert status.safety.latched
    assert status.queue.reason == "laser off by Ada"
    with pytest.raises(SafetyError, match="Ada"):
        rig.daemon.proceed()
    rig.daemon.reset_latch("Ada")
    assert not rig.daemon.status().safety.latched
    (one,) = rig.add(item())
    rig.daemon.start_queue()
    check_run(rig, rig.await_end(one))


def test_wrong_parameters_are_refused_when_they_are_added(rig):
    with pytest.raises(UsageError, match="exposure_s"):
        rig.add(item(parameters={"exposure_s": "3 km"}))
    with pytest.raises(UsageError, match="unknown procedure"):
        rig.add(item(procedure="nothing"))


def test_an_item_that_cannot_be_carried_out_is_refused_and_the_queue_goes_on(rig):
    bad = POWER_SERIES | {"powers": [0.5]}
    rig.await_open()
    with pytest.raises(UsageError, match=r"outside 0 to 0\.002 W"):
        rig.add(item(parameters=bad))
    # nobody can walk through it now: it is refused when it is to start
    rig.daemon.release()
    rig.await_event("state", lambda event: not event.data["interactive"])
    first, second = rig.add(item(parameters=bad, conditions={"retry": Retry(most=3)}), item())
    check_run(rig, rig.await_end(second))
    refused = rig.daemon.queue.get(first)
    assert refused.state is ItemState.FAILED
    assert "0.5" in refused.reason
    # the same would come of it again
    assert refused.attempts == 1


def test_values_are_read_and_set_by_hand_while_nothing_runs(rig):
    rig.daemon.attach()
    assert rig.daemon.read_channel("cryostat.temperature")["quality"] == "good"
    assert rig.daemon.set_channel("stage.position", "cvd")["value"] == "cvd"
    with pytest.raises(LimitError):
        rig.daemon.set_channel("probe.power", 5.0)
    with pytest.raises(UsageError, match="no channel"):
        rig.daemon.read_channel("probe.colour")
    rig.daemon.set_channel("probe.power", 1e-4)
    live = rig.daemon.acquire(0.5, beams=["probe"])
    assert not live.saved
    assert live.array().max() > 0
    status = rig.daemon.status()
    assert status.interactive
    assert {beam.name: beam.shutter for beam in status.beams} == {
        "probe": "closed",
        "pump": "closed",
    }
    found = rig.daemon.estimate("power_series", POWER_SERIES)
    assert found["points"] == POINTS


def test_a_live_view_gives_way_to_a_run(rig):
    rig.await_state(StationState.IDLE)
    rig.daemon.attach()
    rig.daemon.start_live(0.2)
    rig.await_event("spectrum", lambda event: not event.data["saved"])
    (one,) = rig.add(item())
    assert rig.daemon.queue.get(one).estimate_s > 0
    rig.await_event("spectrum", lambda event: event.data["saved"])
    assert not rig.daemon.status().live
    with pytest.raises(UsageError, match="belongs to"):
        rig.daemon.set_channel("stage.position", "mono")
    check_run(rig, rig.await_end(one))


# ---- what a window asks of a daemon


def test_a_table_is_described_as_it_is(rig):
    rig.await_open()
    found = {one["name"]: one for one in rig.daemon.describe()["channels"]}
    status = rig.daemon.status()
    rig.daemon.attach()
    assert set(found) == set(rig.daemon.status().values)
    for name, value in rig.daemon.status().values.items():
        assert found[name]["unit"] == value.unit, name
        if found[name]["choices"] and value.value != "none":
            assert value.value in found[name]["choices"], name
        if found[name]["kind"] == "boolean":
            assert isinstance(value.value, bool), name
    for name, one in found.items():
        if one["settable"] and one["high"] is not None:
            with pytest.raises(LimitError):
                rig.daemon.set_channel(name, one["high"] * 1.01 + 1e-9)
        elif not one["settable"]:
            with pytest.raises(UsageError):
                rig.daemon.set_channel(name, 1.0)
    camera = rig.daemon.describe()["camera"]
    assert (camera["rows"], camera["columns"], camera["full_well_e"]) == (400, 1340, 65535.0)
    gratings = {one["number"]: one["grooves_per_mm"] for one in rig.daemon.describe()["gratings"]}
    assert gratings == {1: 1800.0, 2: 1200.0, 3: 300.0}
    assert status.station == rig.daemon.describe()["station"]


def await_frame(rig, kind):
    while (event := rig.await_event("spectrum")).data["kind"] != kind:
        """Look at the next."""
    return event


def test_other_channels_are_read_during_a_live_view(rig):
    rig.await_state(StationState.IDLE)
    rig.daemon.attach()
    rig.daemon.set_channel("probe.power", 1e-4)
    rig.daemon.start_live(0.2, beams=["probe"])
    await_frame(rig, "spectrum")
    begun = rig.daemon.status().utc
    late = {"cryostat.temperature", "cryostat.pressure", "probe.laser_power"}
    while late:
        reading = rig.await_event("readings", lambda event: event.data["utc"] > begun)
        late.discard(reading.data["key"].removeprefix("reading "))
        # closed for a moment between films: that is not told
        assert {beam.shutter for beam in rig.daemon.status().beams if beam.exposing} == {"open"}
    assert rig.daemon.status().live
    rig.daemon.stop_live()


def test_a_live_view_goes_on_with_other_settings_and_says_when_it_ends(rig):
    rig.await_state(StationState.IDLE)
    rig.daemon.attach()
    rig.daemon.set_channel("probe.power", 1e-4)
    rig.daemon.start_live(0.2, beams=["probe"])
    rig.await_event("state", lambda event: event.data["live"])
    first = await_frame(rig, "spectrum")
    assert not first.data["saved"]
    live = rig.daemon.latest_spectrum()
    assert live.metadata["beams"] == ["probe"]
    assert live.metadata["quality"] in ("good", "uncertain")
    rig.daemon.start_live(0.3, mode="image")
    await_frame(rig, "image")
    image = rig.daemon.latest_spectrum()
    assert image.array().shape == (400, 1340)
    assert image.metadata["exposure_s"] == 0.3
    # the table is still there for commands
    assert rig.daemon.set_channel("stage.position", "mono")["value"] == "mono"
    await_frame(rig, "image")
    rig.daemon.stop_live()
    rig.await_event("state", lambda event: not event.data["live"])
    shutters = {beam.shutter for beam in rig.daemon.status().beams}
    assert shutters == {"closed"}


def test_a_live_view_ends_with_laser_off_and_what_was_asked_before_opens_nothing(rig):
    rig.daemon.set_channel("probe.power", 1e-4)
    rig.daemon.start_live(0.2, beams=["probe"])
    rig.await_event("step", lambda event: event.data.get("beams") == ["probe"])
    assert rig.daemon.safe("Ada") == []
    rig.await_event("state", lambda event: not event.data["live"])
    rig.daemon.reset_latch("Ada")
    rig.daemon.start_queue()
    rig.daemon.attach()
    # the command after it is carried out
    assert rig.daemon.acquire(0.2).metadata["beams"] == []


def test_an_item_is_measured_now_and_a_queue_that_is_held_stays_held(rig):
    rig.daemon.queue.hold("not yet")
    (waiting,) = rig.add(item(label="later"))
    now = rig.daemon.run_now(item(label="now"))
    check_run(rig, rig.await_end(now.id))
    assert rig.daemon.queue.held == "not yet"
    assert rig.daemon.queue.get(waiting).state is ItemState.WAITING
    rig.daemon.queue.remove([waiting])
    rig.daemon.start_queue()


def test_an_item_that_waits_for_something_cannot_be_measured_now(rig):
    with pytest.raises(UsageError, match="waits for nothing"):
        rig.daemon.run_now(item(conditions={"not_before": "2099-01-01T00:00:00+00:00"}))
    with pytest.raises(UsageError, match="exposure_s"):
        rig.daemon.run_now(item(parameters={"exposure_s": "3 km"}))
    assert rig.daemon.queue.list((ItemState.WAITING,)) == []
