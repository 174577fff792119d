"""A run is resumed by running its plan again, answered from the record."""

import pytest
from tiny_table import Broken, Seeker, Series

from labctl.core.errors import ReplayError, SafetyError, UsageError
from labctl.core.journal import RunState
from labctl.core.messages import Read, Record, Set
from labctl.engine import execute, resume
from labctl.store import RunReader, RunWriter


def cut_short(table, journal, procedure, points=5, after=3):
    table.camera.failures = [None] * after + [Broken("dead")]
    outcome = execute(procedure, procedure.Parameters(points=points), table, journal)
    assert (outcome.state, outcome.points) == (RunState.FAILED, after)
    table.log.lines.clear()


def reopen(table, journal):
    return RunWriter.reopen(journal.path, clock=table.clock, margin_bytes=0)


@pytest.mark.parametrize("procedure", [Series(), Seeker()], ids=lambda item: item.name)
@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_resumed_run_measures_exactly_the_rest(table, new_run, procedure, after):
    journal = new_run(procedure.name)
    cut_short(table, journal, procedure, after=after)
    before = [point.data["spectrum"].counts for point in RunReader(journal.path).points()]
    outcome = resume(procedure, table, reopen(table, journal))
    assert (outcome.state, outcome.points) == (RunState.FINISHED, 5)
    points = list(RunReader(journal.path).points())
    assert [point.data["index"] for point in points] == list(range(5))
    assert [point.attempt for point in points] == [0] * after + [1] * (5 - after)
    for counts, point in zip(before, points, strict=False):
        assert counts.tobytes() == point.data["spectrum"].counts.tobytes()


def test_the_table_is_safe_and_set_up_again_before_the_plan_goes_on(table, new_run):
    journal = new_run()
    cut_short(table, journal, Series())
    resume(Series(), table, reopen(table, journal))
    assert table.log.lines[:6] == [
        "safe",
        "set cryostat.temperature 300.0",
        "set probe.power 1.5e-05",
        "wait cryostat.temperature",
        "set probe.power 2.2e-05",
        "open",
    ]


def test_the_gap_is_stored_with_the_attempt(table, new_run):
    journal = new_run()
    cut_short(table, journal, Series())
    table.clock.sleep(3600.0)
    resume(Series(), table, reopen(table, journal))
    first, second = RunReader(journal.path).starts
    assert (first.gap_s, first.first_point) == (None, 0)
    assert second.first_point == 3
    assert second.gap_s == pytest.approx(3600.0, abs=1.0)


def test_notes_are_not_doubled(table, new_run):
    journal = new_run()
    cut_short(table, journal, Series())
    resume(Series(), table, reopen(table, journal))
    assert [note.text for _, note in RunReader(journal.path).notes()] == ["begin", "end"]


def test_a_run_is_resumed_as_often_as_needed(table, new_run):
    journal = new_run()
    cut_short(table, journal, Series(), after=1)
    for _ in range(3):
        table.camera.failures = [None, Broken("again")]
        assert resume(Series(), table, reopen(table, journal)).state is RunState.FAILED
    assert resume(Series(), table, reopen(table, journal)).points == 5
    assert [point.attempt for point in RunReader(journal.path).points()] == [0, 1, 2, 3, 4]


def swap_power(plan):
    answer = None
    while True:
        message = plan.send(answer)
        if isinstance(message, Set) and message.value == 8e-6:
            message = Set(message.channel, 9e-6)
        answer = yield message


def extra_read(plan):
    answer = None
    while True:
        message = plan.send(answer)
        if isinstance(message, Record) and message.data["index"] == 1:
            yield Read("door")
        answer = yield message


def other_record(plan):
    answer = None
    while True:
        message = plan.send(answer)
        if isinstance(message, Record):
            message = Record({**message.data, "index": message.data["index"] % 2})
        answer = yield message


def too_short(plan):
    answer = None
    for _ in range(6):
        message = plan.send(answer)
        answer = yield message


CHANGES = [
    (swap_power, "point 1, message 0: .*9e-06.*8e-06"),
    (extra_read, "point 1, message 4: .*Read.*Record"),
    (other_record, "point 2, message 4: .*Record"),
    (too_short, "point 0, message 6: the plan ends"),
]


@pytest.mark.parametrize(
    ("change", "words"), CHANGES, ids=lambda item: getattr(item, "__name__", "")
)
def test_the_first_message_that_differs_is_named(table, new_run, change, words):
    class Changed(Series):
        def plan(self, p):
            return change(super().plan(p))

    journal = new_run()
    cut_short(table, journal, Series())
    with pytest.raises(ReplayError, match=words):
        resume(Changed(), table, reopen(table, journal))
    assert table.log.lines == ["safe"]
    assert RunReader(journal.path).state is RunState.FAILED
    assert resume(Series(), table, reopen(table, journal)).points == 5


def test_a_plan_with_a_random_source_of_its_own_is_found_out(table, new_run):
    import random

    class Fickle(Series):
        def plan(self, p):
            yield Set("probe.power", random.random() * 1e-6)
            yield from super().plan(p)

    journal = new_run()
    cut_short(table, journal, Fickle())
    with pytest.raises(ReplayError, match=r"point 0, message 0: .* besides parameters, seed"):
        resume(Fickle(), table, reopen(table, journal))


def test_a_finished_run_or_another_procedure_is_refused(table, new_run):
    journal = new_run()
    execute(Series(), Series.Parameters(points=1), table, journal)
    with pytest.raises(UsageError, match="is finished"):
        resume(Series(), table, reopen(table, journal))
    with pytest.raises(UsageError, match="of procedure 'series', not 'seeker'"):
        resume(Seeker(), table, reopen(table, journal))


def test_nothing_moves_while_the_table_is_not_safe(table, new_run):
    journal = new_run()
    cut_short(table, journal, Series())
    table.unsafe = [["the shutter does not answer"]]
    with pytest.raises(SafetyError, match="shutter does not answer"):
        resume(Series(), table, reopen(table, journal))
    assert table.log.lines == ["safe"]
    assert resume(Series(), table, reopen(table, journal)).points == 5
