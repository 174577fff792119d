"""The policies of a night: what runs when, what is tried again, and how it ends."""

from datetime import timedelta

import pytest
from storm_table import WorkerKilled

from labctl.core.errors import PartialData
from labctl.core.items import ItemState
from labctl.engine import Control, PointCommitted
from labctl.service.night.events import nights, read_events
from labctl.service.night.runner import QueueRunner
from labctl.service.night.settings import LedgerSettings, NightSettings
from labctl.store import RunReader


def what_happened(night):
    return [event.what for event in read_events(night.database)]


def states(night):
    return [item.state for item in night.queue.list()]


def break_line(night, name, times=1):
    night.table.simulation.faults(name).at(1, "silence", count=times)


def test_a_queue_runs_to_its_end_and_leaves_a_safe_table(evening, item):
    with evening() as night:
        night.queue.add([item(label="one"), item(label="two")])
        result = QueueRunner(night.session, night.queue).run()
        result.check()
        assert states(night) == [ItemState.FINISHED] * 2
        assert [len(one.runs) for one in night.queue.list()] == [1, 1]
        happened = what_happened(night)
        assert happened == [
            "night began", "claimed", "started", "finished", "claimed", "started", "finished",
            "made safe", "night ended",
        ]  # fmt: skip
        ports = night.table.ports
        assert not any(ports.shutters[b].is_open(night.clock.monotonic_s()) for b in ports.lasers)
        assert not any(laser.emission for laser in ports.lasers.values())


def test_a_failed_attempt_is_tried_again_in_the_same_run(evening, item):
    with evening() as night:
        night.queue.add([item(retry={"most": 2, "wait_s": 30.0})])

        def strike(event):
            if isinstance(event, PointCommitted) and event.point.number == 0:
                break_line(night, "pm100d_probe", times=20)
                night.clock.at(
                    night.clock.monotonic_s() + 60,
                    night.table.simulation.faults("pm100d_probe").clear,
                )

        QueueRunner(night.session, night.queue, observer=strike).run().check()
        (one,) = night.queue.list()
        assert one.state is ItemState.FINISHED
        (run,) = one.runs
        with RunReader(night.session.runs.find(run)) as reader:
            assert len(reader) == 2
            assert len(reader.starts) >= 2
        happened = what_happened(night)
        assert happened.index("failed") < happened.index("retried") < happened.index("finished")


def test_back_off_doubles_until_the_retries_are_used_up(evening, item):
    with evening() as night:
        night.queue.add([item(retry={"most": 3, "wait_s": 10.0}), item(label="next")])
        night.table.simulation.sdks["andor"].faults.zero_frames = True
        result = QueueRunner(night.session, night.queue).run()
        waits = [e.why.split()[1] for e in read_events(night.database) if e.what == "retried"]
        assert waits == ["10", "20", "40"]
        assert states(night) == [ItemState.FAILED] * 2
        assert "all zeros" in night.queue.list()[0].reason
        with pytest.raises(PartialData, match="2 of 2 items did not finish"):
            result.check()


def test_an_error_that_would_come_again_is_not_tried_again(evening, item):
    with evening() as night:
        one = item(retry={"most": 5, "wait_s": 10.0})
        night.queue.add([one])

        power = night.session.station.channels["probe.power"]

        def lose_the_calibration(event):
            if isinstance(event, PointCommitted):
                power.section = power.section.model_copy(update={"calibration": "power.lost"})

        QueueRunner(night.session, night.queue, observer=lose_the_calibration).run()
        assert what_happened(night).count("failed") == 1
        assert "retried" not in what_happened(night)
        assert "no calibration 'power.lost'" in night.queue.get(one.id).reason


@pytest.mark.parametrize(
    ("policy", "left"), [("skip", ItemState.FAILED), ("stop", ItemState.WAITING)]
)
def test_a_failure_means_for_the_rest_what_the_item_says(evening, item, policy, left):
    with evening() as night:
        night.queue.add([item(on_failure=policy), item()])
        night.table.simulation.sdks["andor"].faults.zero_frames = True
        QueueRunner(night.session, night.queue).run()
        assert states(night) == [ItemState.FAILED, left]
        assert bool(night.queue.held) == (policy == "stop")


@pytest.mark.parametrize("policy", ["stop", "continue"])
def test_a_pause_waits_for_somebody_and_then_follows_its_policy(evening, item, policy):
    with evening() as night:
        night.queue.add([item()])
        night.queue.insert_pause(0, "turn the sample")
        begin_s, told = night.clock.monotonic_s(), []
        settings = NightSettings(pause_s=600.0, after_pause=policy)
        QueueRunner(
            night.session, night.queue, settings=settings,
            notify=lambda title, text: told.append((title, text)),
        ).run()  # fmt: skip
        assert night.clock.monotonic_s() - begin_s >= 600.0
        assert ("the queue waits for you", "turn the sample") in told
        ran = policy == "continue"
        assert states(night)[1] is (ItemState.FINISHED if ran else ItemState.WAITING)
        assert bool(night.queue.held) is not ran


def test_a_hold_is_lifted_by_the_next_command_of_a_person(evening, item):
    with evening() as night:
        night.queue.add([item()])
        night.queue.hold("nobody came")
        QueueRunner(night.session, night.queue).run().check()
        assert "held" in what_happened(night)


def test_an_item_that_may_not_start_yet_is_waited_for_on_the_clock(evening, item):
    with evening() as night:
        later = night.clock.utc() + timedelta(hours=3)
        night.queue.add([item(not_before=later.isoformat())])
        QueueRunner(night.session, night.queue).run().check()
        (claimed,) = [e for e in read_events(night.database) if e.what == "claimed"]
        assert timedelta(0) <= claimed.time - later < timedelta(seconds=2)


def test_an_item_whose_time_has_passed_is_skipped_and_it_is_said(evening, item):
    with evening() as night:
        soon = night.clock.utc() + timedelta(seconds=20)
        night.queue.add([item(label="long"), item(label="late", deadline=soon.isoformat())])
        result = QueueRunner(night.session, night.queue).run()
        assert states(night) == [ItemState.FINISHED, ItemState.SKIPPED]
        (skipped,) = [e for e in read_events(night.database) if e.what == "skipped"]
        assert "deadline" in skipped.why
        assert len(result.items) == 2


def test_a_stop_ends_the_night_after_the_point(evening, item):
    with evening() as night:
        night.queue.add([item(), item()])
        control = Control()

        def stop(event):
            if isinstance(event, PointCommitted):
                control.stop("enough")

        result = QueueRunner(night.session, night.queue, observer=stop, control=control).run()
        assert states(night) == [ItemState.ABORTED, ItemState.WAITING]
        assert result.ended_by == "enough"
        assert what_happened(night)[-2:] == ["made safe", "night ended"]


def test_a_message_that_cannot_be_sent_does_not_stop_the_night(evening, item):
    def broken(title, text):
        raise OSError("no network")

    with evening() as night:
        night.queue.add([item()])
        QueueRunner(night.session, night.queue, notify=broken).run().check()
        told = [e.why for e in read_events(night.database)]
        assert any("no network" in why for why in told)
        assert what_happened(night)[-1] == "night ended"


@pytest.mark.parametrize("enforce", [False, True])
def test_a_dose_limit_warns_or_forbids_before_anything_is_exposed(evening, item, enforce):
    settings = NightSettings(
        ledger=LedgerSettings(dose_limit_j_per_cm2=1.0, enforce=enforce, spot_radius_um=0.5)
    )
    with evening() as night:
        night.queue.add([item()])
        QueueRunner(night.session, night.queue, settings=settings).run()
        (warning,) = [e for e in read_events(night.database) if e.what == "dose warning"]
        assert "mono (30, 0) µm would get" in warning.why
        assert states(night) == [ItemState.SKIPPED if enforce else ItemState.FINISHED]


def run_until_killed(evening, items, when):
    """Run the queue in a process that is killed 1 s after it began, or after its first point."""
    with evening() as night:
        night.queue.add(items)

        def kill(event):
            if when == "point" and isinstance(event, PointCommitted):
                night.clock.at(night.clock.monotonic_s() + 1.0, night.table.kill)

        if when == "start":
            night.clock.at(night.clock.monotonic_s() + 1.0, night.table.kill)
        QueueRunner(night.session, night.queue, observer=kill).run()


@pytest.mark.parametrize(
    ("policy", "end"), [("resume", ItemState.FINISHED), ("ask", ItemState.INTERRUPTED)]
)
def test_after_a_kill_the_policy_of_the_item_decides(evening, item, policy, end):
    one, after = item(on_recovery=policy), item(label="after")
    with pytest.raises(WorkerKilled):
        run_until_killed(evening, [one, after], "point")
    with evening() as night:
        QueueRunner(night.session, night.queue).run()
        assert night.queue.get(one.id).state is end
        assert night.queue.get(after.id).state is ItemState.FINISHED
        assert len(nights(night.database)) == 1
        assert what_happened(night).count("night began") == 2
        if policy == "resume":
            (run,) = night.queue.get(one.id).runs
            with RunReader(night.session.runs.find(run)) as reader:
                assert len(reader) == 2
                assert len(reader.starts) == 2


def test_an_item_that_kills_twice_is_put_into_quarantine_and_the_rest_runs(evening, item):
    one, after = item(on_recovery="resume"), item(label="after")
    for items, when in (([one, after], "point"), ([], "start")):
        with pytest.raises(WorkerKilled):
            run_until_killed(evening, items, when)
    with evening() as night:
        QueueRunner(night.session, night.queue).run()
        assert night.queue.get(one.id).state is ItemState.QUARANTINED
        assert night.queue.get(after.id).state is ItemState.FINISHED


def test_a_table_that_is_not_confirmed_safe_ends_the_night(evening, item):
    with evening() as night:
        night.queue.add([item(retry={"most": 3}), item(label="after")])
        shutter = night.table.simulation.emulators["sc10_probe"]

        def stick(event):
            if isinstance(event, PointCommitted):
                frames_s = night.clock.monotonic_s()
                night.clock.at(frames_s + 3.0, lambda: setattr(shutter, "stuck", True))

        settings = NightSettings(unsafe_s=60.0)
        told = []
        result = QueueRunner(
            night.session, night.queue, settings=settings, observer=stick,
            notify=lambda title, text: told.append(title),
        ).run()  # fmt: skip
        assert result.unconfirmed
        assert "the table is NOT CONFIRMED safe" in told
        assert night.queue.held
        assert states(night) == [ItemState.FAILED, ItemState.WAITING]
        assert not night.table.ports.lasers["probe"].emission
        shutter.stuck = False
