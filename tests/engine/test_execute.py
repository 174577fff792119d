"""What a run does when all goes well, and when it does not."""

import contextlib
import itertools
import math

import numpy as np
import pytest
from tiny_table import Broken, Seeker, Series, planned_power

from labctl.core.errors import LabctlError, LimitError, PartialData, RunAborted, UsageError
from labctl.core.journal import RunState
from labctl.core.messages import Acquire, Note, Read, Record, Set, Sleep, Wait
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.core.readings import Quality
from labctl.core.spectra import Spectrum
from labctl.engine import Control, execute
from labctl.engine.events import PointCommitted, Progress, RunEnded, RunStarted, StateChanged
from labctl.store import RunReader


class Custom(Procedure):
    name = "custom"
    Parameters = ParameterModel

    def __init__(self, make_plan) -> None:
        self.make_plan = make_plan

    def plan(self, p):
        return self.make_plan()


def run_custom(table, journal, make_plan, **options):
    return execute(Custom(make_plan), ParameterModel(), table, journal, **options)


def test_a_run_commits_every_point_with_its_answers(table, new_run):
    journal = new_run()
    outcome = execute(Series(), Series.Parameters(points=4), table, journal)
    assert (outcome.state, outcome.points, outcome.error) == (RunState.FINISHED, 4, None)
    reader = RunReader(journal.path)
    points = list(reader.points())
    assert [point.data["power"].value for point in points] == [planned_power(i) for i in range(4)]
    assert all(isinstance(point.data["spectrum"], Spectrum) for point in points)
    assert [note.text for _, note in reader.notes()] == ["begin", "end"]
    assert [change.state for change in reader.states] == ["running", "finished"]
    assert reader.start.snapshot["door"].value is True
    assert reader.end_snapshot["probe.power"].value == planned_power(3)


def test_raw_counts_cannot_be_altered_by_a_plan(table, new_run):
    def plan():
        spectrum = yield Acquire("spectrometer", 0.1)
        spectrum.counts[0, 0] = 7
        yield Record({"spectrum": spectrum})

    outcome = run_custom(table, new_run(), plan)
    assert outcome.state is RunState.FAILED
    assert "read-only" in outcome.reason


def test_observers_hear_of_progress_with_time_left(table, new_run):
    events = []
    execute(Series(), Series.Parameters(points=3), table, new_run(), observer=events.append)
    progress = [event for event in events if isinstance(event, Progress)]
    assert [(item.done, item.total) for item in progress] == [(1, 3), (2, 3), (3, 3)]
    assert progress[0].left_s > progress[1].left_s > progress[2].left_s == 0
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunEnded)
    numbers = [event.point.number for event in events if isinstance(event, PointCommitted)]
    assert numbers == [0, 1, 2]


def test_an_observer_that_fails_cannot_hurt_the_run(table, new_run):
    def observer(event):
        raise RuntimeError("window closed")

    outcome = execute(Series(), Series.Parameters(points=2), table, new_run(), observer=observer)
    assert outcome.state is RunState.FINISHED
    assert "window closed" in outcome.warnings[0]


ENDINGS = [
    (KeyboardInterrupt(), RunState.ABORTED),
    (Broken("the camera does not answer"), RunState.FAILED),
    (ZeroDivisionError("oops"), RunState.FAILED),
    (SystemExit(3), RunState.ABORTED),
    (GeneratorExit(), RunState.ABORTED),
]


@pytest.mark.parametrize(("error", "state"), ENDINGS, ids=lambda item: type(item).__name__)
def test_any_exception_leaves_the_table_safe_and_the_points_kept(table, new_run, error, state):
    table.camera.failures = [None, None, error]
    journal = new_run()
    if isinstance(error, (SystemExit, GeneratorExit)):
        with pytest.raises(type(error)):
            execute(Series(), Series.Parameters(), table, journal)
    else:
        outcome = execute(Series(), Series.Parameters(), table, journal)
        assert (outcome.state, outcome.points) == (state, 2)
        assert "point 2" in outcome.reason
        with pytest.raises((PartialData, RunAborted)):
            outcome.check()
    assert not table.shutter_open
    assert table.log.lines[-2:] == ["open", "safe"]
    reader = RunReader(journal.path)
    assert reader.state is state
    assert len(list(reader.points())) == 2


def count_messages() -> int:
    plan, count = Series().plan(Series.Parameters(points=2)), 0
    with contextlib.suppress(StopIteration):
        plan.send(None)
        for count in itertools.count(1):  # noqa: B007
            plan.send(object())
    return count


class AbortAt:
    """Abort when message number `count` of the plan starts."""

    def __init__(self, control, count) -> None:
        self.control, self.count = control, count

    def __call__(self, event) -> None:
        if type(event).__name__ == "MessageStarted":
            if self.count == 0:
                self.control.abort("test")
            self.count -= 1


@pytest.mark.parametrize("count", range(count_messages()))
def test_abort_at_every_yield_leaves_the_safe_state(table, new_run, count):
    control, journal = Control(), new_run()
    outcome = execute(
        Series(), Series.Parameters(points=2), table, journal,
        control=control, observer=AbortAt(control, count),
    )  # fmt: skip
    last = count == count_messages() - 1
    assert outcome.state is RunState.ABORTED or last
    assert table.log.lines[-1] == "safe" or last
    assert not table.shutter_open
    assert len(list(RunReader(journal.path).points())) == outcome.points


@pytest.mark.parametrize("yield_number", range(12))
def test_a_plan_that_fails_anywhere_leaves_the_safe_state(table, new_run, yield_number):
    class Faulty(Series):
        def plan(self, p):
            inner, answer = super().plan(p), None
            for _ in range(yield_number):
                answer = yield inner.send(answer)
            raise ValueError("mistake in the plan")

    outcome = execute(Faulty(), Series.Parameters(points=3), table, new_run())
    assert outcome.state is RunState.FAILED
    assert "ValueError: mistake in the plan" in outcome.reason
    assert table.log.lines[-1] == "safe"


def test_a_plan_that_refuses_to_end_does_not_keep_the_run_open(table, new_run):
    def plan():
        try:
            yield Set("probe.power", 1e-6)
            yield Set("nonsense", 1)
        finally:
            yield Read("door")

    journal = new_run()
    outcome = run_custom(table, journal, plan)
    assert outcome.state is RunState.FAILED
    assert any("did not end properly" in warning for warning in outcome.warnings)
    assert RunReader(journal.path).state is RunState.FAILED


@pytest.mark.parametrize("broken", [KeyboardInterrupt(), RuntimeError("no link")])
def test_a_broken_way_to_the_safe_state_is_tried_again(table, new_run, broken):
    table.camera.failures = [Broken("dead")]
    table.unsafe = [broken]
    outcome = execute(Series(), Series.Parameters(), table, new_run())
    assert outcome.unconfirmed == ()
    assert table.log.lines.count("safe") == 2


def test_what_is_not_confirmed_safe_is_reported(table, new_run):
    table.camera.failures = [Broken("dead")]
    table.unsafe = [["the probe shutter does not answer"]]
    outcome = execute(Series(), Series.Parameters(), table, new_run())
    assert outcome.unconfirmed == ("the probe shutter does not answer",)
    with pytest.raises(LabctlError, match="shutter does not answer"):
        outcome.check()


@pytest.mark.parametrize("answer", [None, Broken("no answer")])
def test_a_set_without_a_valid_read_back_ends_the_run(table, new_run, answer):
    table.power.answers = ["fine", answer]
    outcome = execute(Series(), Series.Parameters(), table, new_run())
    assert (outcome.state, outcome.points) == (RunState.FAILED, 1)
    with pytest.raises(PartialData, match="1 points kept"):
        outcome.check()


def test_an_invalid_reading_goes_to_the_plan_and_is_stored_as_invalid(table, new_run):
    table.door.last = None
    journal = new_run()
    execute(Series(), Series.Parameters(points=1), table, journal)
    door = RunReader(journal.path).point(0).data["door"]
    assert (door.value, door.quality, door.reason) == (None, Quality.INVALID, "sensor fault")


NONSENSE = [
    Record({"value": math.nan}),
    Record({"value": np.float64("inf")}),
    Record({"value": [1, 2]}),
    Record({"value": np.array([object()])}),
    Sleep(math.nan),
    Sleep(-1.0),
    Acquire("spectrometer", math.nan),
    Acquire("spectrometer", 1.0, 0),
    Acquire("camera", 1.0),
    Set("probe.power", math.nan),
    Set("probe.powr", 1e-6),
    Set("door", True),
    Wait("probe.power"),
    Note("x", {"value": math.nan}),
    "not a message",
]


@pytest.mark.parametrize("message", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_refused_before_the_table_or_the_record(table, new_run, message):
    def plan():
        yield Record({"fine": 1})
        yield message

    journal = new_run()
    outcome = run_custom(table, journal, plan)
    assert (outcome.state, outcome.points) == (RunState.FAILED, 1)
    assert isinstance(outcome.error, UsageError)
    assert "point 1" in outcome.reason
    assert not isinstance(message, Record) or "Record 'value'" in outcome.reason
    assert table.log.lines == ["safe"]
    assert len(RunReader(journal.path)) == 1


@pytest.mark.parametrize(
    "message", [Set("probe.power", 2.0), Acquire("spectrometer", 1000.0)], ids=str
)
def test_a_value_outside_the_limits_moves_nothing(table, new_run, message):
    def plan():
        yield message

    outcome = run_custom(table, new_run(), plan)
    assert isinstance(outcome.error, LimitError)
    assert table.log.lines == ["safe"]


def test_stop_ends_after_the_point(table, new_run):
    control = Control()

    def observer(event):
        if isinstance(event, PointCommitted) and event.point.number == 1:
            control.stop()

    outcome = execute(
        Series(), Series.Parameters(), table, new_run(), control=control, observer=observer
    )
    assert (outcome.state, outcome.points) == (RunState.STOPPED, 2)
    with pytest.raises(PartialData, match="labctl resume"):
        outcome.check()


def test_pause_waits_after_the_point_and_goes_on(table, new_run):
    control, seen = Control(), []

    def observer(event):
        if isinstance(event, PointCommitted) and event.point.number == 1:
            control.pause()
        if isinstance(event, StateChanged):
            seen.append(str(event.state))
            if event.state is RunState.PAUSED:
                control.proceed()

    journal = new_run()
    outcome = execute(
        Series(), Series.Parameters(), table, journal, control=control, observer=observer
    )
    assert (outcome.state, outcome.points) == (RunState.FINISHED, 5)
    assert seen == ["running", "paused", "running", "finished"]
    assert [str(change.state) for change in RunReader(journal.path).states] == seen


@pytest.mark.parametrize("end", ["stop", "abort"])
def test_a_paused_run_can_be_ended(table, new_run, end):
    control = Control()

    def observer(event):
        if isinstance(event, PointCommitted):
            control.pause()
        if isinstance(event, StateChanged) and event.state is RunState.PAUSED:
            getattr(control, end)()

    outcome = execute(
        Series(), Series.Parameters(), table, new_run(), control=control, observer=observer
    )
    assert (outcome.state, outcome.points) == (
        {"stop": RunState.STOPPED, "abort": RunState.ABORTED}[end],
        1,
    )


def test_abort_ends_a_long_sleep(table, new_run):
    control = Control()
    table.interlocks = []

    class Impatient(type(table.clock)):
        def sleep(self, duration_s):
            super().sleep(duration_s)
            if self.monotonic_s() > 5:
                control.abort()

    table.clock = Impatient()

    def plan():
        yield Sleep(80000.0)

    outcome = run_custom(table, new_run(), plan, control=control)
    assert outcome.state is RunState.ABORTED
    assert table.clock.monotonic_s() < 6


def test_an_adaptive_plan_gets_what_was_measured(table, new_run):
    journal = new_run("seeker")
    outcome = execute(Seeker(), Seeker.Parameters(points=6), table, journal)
    assert outcome.points == 6
    powers = {point.data["power"].value for point in RunReader(journal.path).points()}
    assert len(powers) > 1


def test_grouped_points_are_announced_only_once_safe(table, new_run):
    journal, early = new_run(commit_every_s=30.0), []

    def observer(event):
        if isinstance(event, PointCommitted):
            early.append(event.point.number >= journal.committed)

    outcome = execute(Series(), Series.Parameters(points=8), table, journal, observer=observer)
    assert outcome.points == 8
    assert early == [False] * 8
