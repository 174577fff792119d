"""The plan of the night: times, doses, disk, limits, conditions."""

import json
import math
import random
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from queue_items import NIGHT, make_item

from labctl.core.clock import VirtualClock
from labctl.core.errors import UsageError
from labctl.core.items import ItemState, QueueItem, new_item_id
from labctl.service import Session
from labctl.service.queue import (
    DryRuns,
    Queue,
    StationDatabase,
    learn_spreads,
    plan_night,
    read_queue_file,
)
from labctl.service.queue.spread import PRIOR_SIGMA, Forecast, Spread, Spreads, learn

SHORT = {"exposure_s": 10.0, "accumulations": 3}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    with Session("configs/simulated.toml", tmp_path_factory.mktemp("data")) as opened:
        yield opened


@pytest.fixture(scope="module")
def walks(session):
    return DryRuns(session)


def spectrum(label="", parameters=None, **conditions):
    return make_item(label, "spectrum", {**SHORT, **(parameters or {})}, **conditions)


def test_the_example_night_is_valid_and_planned_to_its_end(session, walks):
    items = read_queue_file("configs/queues/overnight.toml", session.station.clock)
    now_utc = session.station.clock.utc()
    plan = plan_night(items, walks, now_utc, folder=Path())
    assert not plan.problems
    assert [item.id for item in plan.items] == [item.id for item in items]
    assert all(item.end_utc and not item.skipped for item in plan.items)
    assert 6 * 3600 < plan.total_s < 36 * 3600
    low_s, high_s = plan.interval_s
    assert low_s < plan.total_s < high_s < 1.6 * plan.total_s
    kinds = {item.procedure for item in items}
    assert kinds >= {"thermometry_calibration", "power_series", "dual_beam", "temperature_series"}
    assert set(plan.dose_j) == {"substrate", "mono", "intermediate", "strong"}
    assert set(plan.dose_j["intermediate"]) == {"probe", "pump"}
    json.dumps(plan.as_json(), allow_nan=False)


def test_items_are_estimated_when_added_and_refused_beyond_a_limit(session, walks, database):
    queue = Queue(database, session.station.clock, walks)
    (item,) = queue.add([spectrum()])
    run = session.dry_run("spectrum", SHORT)
    assert (item.estimate_s, item.points) == (run.total_s, run.points)
    for wrong, told in [
        ({"power": "5 mW"}, r"probe.power: 0\.005 W is outside"),
        ({"region": "nowhere"}, "nowhere"),
        ({"powr": 1}, "did you mean 'power'"),
    ]:
        with pytest.raises(UsageError, match=told):
            queue.add([spectrum(parameters=wrong)])
    with pytest.raises(UsageError, match="unknown procedure 'spektrum'"):
        queue.add([make_item("x", "spektrum")])
    assert len(queue.list()) == 1


def test_dose_is_power_times_time_by_spot_and_beam(walks):
    items = [
        spectrum(parameters={"region": region, "power": 1e-4, "window": "raman"})
        for region in ("mono", "mono", "weak")
    ]
    plan = plan_night(items, walks, NIGHT)
    alone_j = plan.items[2].dose_j["weak"]["probe"]
    assert alone_j >= 1e-4 * 30.0
    assert plan.dose_j["mono"]["probe"] == pytest.approx(2 * alone_j)
    total_j = sum(walks.walk(item).run.dose_j["probe"] for item in items)
    assert sum(beams["probe"] for beams in plan.dose_j.values()) == pytest.approx(total_j)


def test_the_disk_that_a_run_needs_is_foreseen(session, walks):
    item = make_item("", "power_series", {**SHORT, "windows": ["raman"], "powers": [1e-4]})
    folder = session.run(item.procedure, item.parameters).folder
    used = sum(path.stat().st_size for path in folder.iterdir())
    needed = plan_night([item], walks, NIGHT).disk_bytes
    assert 0.8 * used < needed < 2 * used


def test_a_disk_that_is_too_small_is_a_problem(walks, monkeypatch):
    usage = shutil.disk_usage(".")._replace(free=10_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    plan = plan_night([spectrum()], walks, NIGHT, folder=Path())
    assert any("must stay free" in problem for problem in plan.problems)


def test_violations_name_the_item_and_what_waits_for_it_is_skipped(walks):
    bad = spectrum("bad", {"power": 5e-3})
    plan = plan_night([bad, spectrum("next", after=bad.id), spectrum("other")], walks, NIGHT)
    assert len(plan.problems) == 1
    assert "spectrum [bad]" in plan.problems[0]
    assert [bool(item.skipped) for item in plan.items] == [False, True, False]
    assert [item.start_utc is None for item in plan.items] == [True, True, False]


def test_the_plan_waits_for_not_before_and_skips_past_deadlines(walks):
    one_s = plan_night([spectrum()], walks, NIGHT).total_s
    late = spectrum("late", not_before=NIGHT + timedelta(hours=5))
    missed = spectrum("missed", deadline=NIGHT + timedelta(seconds=one_s / 2))
    tight = spectrum("tight", deadline=NIGHT + timedelta(seconds=1.05 * one_s))
    plan = plan_night([late, spectrum("first"), tight, missed], walks, NIGHT)
    ends = {item.id: item for item in plan.items}
    assert "deadline" in ends[missed.id].skipped
    assert any("may miss its deadline" in text for text in ends[tight.id].remarks)
    assert ends[late.id].start_utc == NIGHT + timedelta(hours=5)
    assert ends[late.id].end_interval_utc[0] > NIGHT + timedelta(hours=5)
    assert plan.end_utc == ends[late.id].end_utc


def test_the_plan_runs_in_the_order_of_the_queue(walks, database):
    clock = VirtualClock(NIGHT)
    queue = Queue(database, clock)
    behind = spectrum("behind")
    late = spectrum("late", not_before=NIGHT + timedelta(minutes=30))
    queue.add([behind, spectrum("a", after=behind.id), late, spectrum("b")])
    queue.insert_pause(4, "look")
    queue.add([spectrum("c", not_before=NIGHT)])
    plan = plan_night(queue.list(), walks, clock.utc())
    started = []
    for planned in plan.items:
        clock.sleep((planned.start_utc - clock.utc()).total_seconds())
        item = queue.claim()
        assert item.id == planned.id
        started.append(item.label)
        clock.sleep(planned.duration_s)
        queue.finish(item.id, ItemState.FINISHED)
    assert started == ["behind", "a", "b", "late", "look", "c"]
    assert any("behind a pause" in text for text in plan.remarks)


def test_the_running_item_counts_with_what_is_left_of_it(walks, database):
    clock = VirtualClock(NIGHT)
    queue = Queue(database, clock, walks)
    (item,) = queue.add([spectrum()])
    queue.claim()
    clock.sleep(item.estimate_s / 4)
    plan = plan_night(queue.list(), walks, clock.utc())
    assert plan.total_s == pytest.approx(0.75 * item.estimate_s)


def test_items_that_wait_for_a_person_are_told(walks):
    stopped = QueueItem(id=new_item_id(), procedure="spectrum", state=ItemState.INTERRUPTED)
    plan = plan_night([stopped, spectrum("x", after=stopped.id)], walks, NIGHT, held="service")
    assert any("does not run by itself" in text for text in plan.remarks)
    assert any("service" in text for text in plan.remarks)


# ---- What past runs tell ------------------------------------------------------------------------


def test_without_runs_the_interval_is_that_of_the_prior():
    forecast = Forecast(Spreads())
    forecast.add("p", 1000.0)
    low_s, high_s = forecast.interval_s()
    spread = math.sqrt(PRIOR_SIGMA**2 * 1.5)
    student = 2.132  # 95 % quantile for four degrees of freedom, from a table
    assert high_s == pytest.approx(1000 * math.exp(student * spread), rel=0.03)
    assert low_s == pytest.approx(1000 / math.exp(student * spread), rel=0.03)


def test_runs_that_took_longer_shift_the_forecast_and_narrow_it():
    learnt = learn([1.25, 1.27, 1.23, 1.26, 1.24, 1.25, 1.26, 1.25])
    assert 1.15 < math.exp(learnt.mean) < 1.25
    assert learnt.variance < learn(()).variance / 2
    assert learn([1.25]).mean < learnt.mean


def test_equal_items_share_the_error_of_their_mean():
    spreads = Spreads({"p": Spread(0.0, 0.01, 0.0, 5), "q": Spread(0.0, 0.0, 0.01, 5)})

    def width(name):
        forecast = Forecast(spreads)
        for _ in range(100):
            forecast.add(name, 10.0)
        low_s, high_s = forecast.interval_s()
        return math.log(high_s / low_s)

    assert width("p") == pytest.approx(2 * 1.645 * 0.1, rel=0.01)
    assert width("q") == pytest.approx(width("p") / 10, rel=0.02)


def test_the_interval_covers_what_happens_nine_times_in_ten():
    chance = random.Random(5)
    inside = 0
    for _ in range(400):
        bias = chance.gauss(0, PRIOR_SIGMA / math.sqrt(2))
        past = [math.exp(bias + chance.gauss(0, PRIOR_SIGMA)) for _ in range(4)]
        forecast = Forecast(Spreads({"p": learn(past)}))
        actual_s = 0.0
        for _ in range(5):
            forecast.add("p", 100.0)
            actual_s += 100.0 * math.exp(bias + chance.gauss(0, PRIOR_SIGMA))
        low_s, high_s = forecast.interval_s()
        inside += low_s < actual_s < high_s
    assert 0.85 < inside / 400 < 0.96


def test_the_spread_is_learnt_from_finished_runs_in_one_piece(path):
    clock = VirtualClock(NIGHT)
    with StationDatabase(path) as database:
        queue = Queue(database, clock)

        def run(state, actual_s, name="", **more):
            item = spectrum().model_copy(update={"estimate_s": 100.0})
            queue.add([item])
            queue.claim()
            clock.sleep(actual_s)
            queue.finish(item.id, state, name, **more)
            return item

        run(ItemState.FINISHED, 110.0)
        run(ItemState.FINISHED, 500.0, duration_s=110.0)
        run(ItemState.FAILED, 9.0)
        cut = run(ItemState.INTERRUPTED, 50.0, "0001_x")
        queue.requeue(cut.id)
        queue.claim()
        clock.sleep(60.0)
        queue.finish(cut.id, ItemState.FINISHED, "0001_x")
        known = learn_spreads(database).of("spectrum")
        assert known.runs == 2
        assert known.mean == pytest.approx(math.log(1.1) * 2 / 4)
        assert learn_spreads(database).of("other") == learn(())
