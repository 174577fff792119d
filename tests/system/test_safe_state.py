"""Whatever ends a run, wherever it is: shutters closed, lasers off, heater held, stage still."""

import random
import signal

import pytest
from virtual_table import SHORTEST, procedure_of

from labctl.core.clock import VirtualClock
from labctl.core.journal import RunState
from labctl.core.messages import Set
from labctl.core.procedure import Procedure
from labctl.engine import Control, MessageStarted, StateChanged

SAMPLES = 7
PROMPT_S = 5.0
"""Longest way to the safe state, in s of the table; a link in doubt is proved on the way."""


class SignallingClock(VirtualClock):
    """Deliver a signal while somebody waits, at a moment that was chosen before."""

    def __init__(self) -> None:
        super().__init__()
        self.control: Control | None = None
        self.due_s = float("inf")
        self.was_interruptible = False

    def arm(self, control: Control, due_s: float) -> None:
        self.control, self.due_s = control, due_s

    def sleep(self, duration_s: float) -> None:
        left_s = self.due_s - self.monotonic_s()
        if duration_s < left_s:
            super().sleep(duration_s)
            return
        super().sleep(max(0.0, left_s))
        self.due_s = float("inf")
        self.was_interruptible = self.control.interruptible
        self.control.handle_signal(signal.SIGTERM, None)
        super().sleep(duration_s - max(0.0, left_s))


class Failing(Procedure):
    """Wrap a procedure, and fail in the plan after some messages, with a mistake as plans make."""

    def __init__(self, inner: Procedure, after: int) -> None:
        self.name = inner.name
        self.Parameters = inner.Parameters
        self._inner = inner
        self._after = after

    def plan(self, p):
        plan = self._inner.plan(p)
        answer = None
        for _ in range(self._after):
            answer = yield plan.send(answer)
        raise ZeroDivisionError("a mistake in the plan")


class Clinging(Procedure):
    """Go on asking while it fails, and when it is closed, as no plan should."""

    name = "clinging"
    Parameters = procedure_of("spectrum")[0].Parameters

    def plan(self, p):
        try:
            yield Set("probe.power", 1e-4)
            raise ZeroDivisionError("a mistake in the plan")
        finally:
            yield Set("probe.power", 2e-4)


def messages_of(table, root, name):
    """Return how many messages a procedure yields, and how long it takes on the table, in s."""
    count = 0

    def observe(event):
        nonlocal count
        count += isinstance(event, MessageStarted)

    start_s = table.clock.monotonic_s()
    outcome, reader = table.execute(*procedure_of(name), root, observer=observe)
    outcome.check()
    reader.close()
    return count, table.clock.monotonic_s() - start_s


def sample(count, seed):
    """Return some message numbers: the first, the last, and some between."""
    between = random.Random(seed).sample(range(2, count), min(SAMPLES, count - 2))
    return sorted({1, count, *between})


@pytest.mark.parametrize("name", sorted(SHORTEST))
def test_an_abort_at_any_yield_leaves_the_table_safe(tmp_path, new_table, name):
    table = new_table()
    table.cool()
    count, _ = messages_of(table, tmp_path, name)
    assert table.unsafe() == []
    for number in sample(count, name):
        control, seen = Control(), 0

        def observe(event, control=control, number=number):
            nonlocal seen
            seen += isinstance(event, MessageStarted)
            if seen == number:
                control.abort()

        outcome, reader = table.execute(
            *procedure_of(name), tmp_path, control=control, observer=observe
        )
        with reader:
            # a commit is never broken into: an abort at the last Record comes too late
            ended = RunState.FINISHED if number == count else RunState.ABORTED
            assert outcome.state is reader.state, number
            assert outcome.state in (RunState.ABORTED, ended), number
            assert len(reader) == outcome.points == len(list(reader.points()))
        assert outcome.unconfirmed == ()
        assert table.unsafe() == [], number


@pytest.mark.parametrize("name", ["power_series", "temperature_series", "dual_beam"])
def test_a_signal_at_any_moment_breaks_in_and_leaves_the_table_safe(tmp_path, new_table, name):
    clock = SignallingClock()
    table = new_table(clock=clock)
    table.cool()
    _, usual_s = messages_of(table, tmp_path, name)
    broken_into = 0
    for seed in range(2 * SAMPLES):
        control = Control()
        # the second half early, where the motors are at work
        part = random.Random(seed).random() * (1.0 if seed % 2 else 0.2)
        due_s = clock.monotonic_s() + part * usual_s
        clock.arm(control, due_s)
        safe_s = []

        def observe(event, safe_s=safe_s):
            # announced when the table has been made safe
            if isinstance(event, StateChanged) and event.state is RunState.ABORTING:
                safe_s.append(clock.monotonic_s())

        outcome, reader = table.execute(
            *procedure_of(name), tmp_path, control=control, observer=observe
        )
        reader.close()
        assert outcome.state is RunState.ABORTED
        assert outcome.unconfirmed == ()
        assert table.unsafe() == [], due_s
        broken_into += clock.was_interruptible
        # nobody waits for the end of an exposure or of a settling
        assert safe_s[0] < due_s + PROMPT_S
    assert broken_into > SAMPLES


@pytest.mark.parametrize("name", sorted(SHORTEST))
def test_a_mistake_in_the_plan_leaves_the_table_safe(tmp_path, new_table, name):
    table = new_table()
    table.cool()
    procedure, parameters = procedure_of(name)
    for after in (0, 1, 3, 5, 8):
        failing = Failing(procedure, after)
        outcome, reader = table.execute(failing, parameters, tmp_path)
        with reader:
            assert outcome.state is reader.state is RunState.FAILED
            assert len(reader) == outcome.points
        assert "a mistake in the plan" in str(outcome.error)
        assert table.unsafe() == []


def test_a_plan_that_asks_on_while_it_fails_leaves_the_table_safe(tmp_path, new_table):
    table = new_table()
    table.cool()
    procedure = Clinging()
    outcome, reader = table.execute(procedure, procedure.Parameters(), tmp_path)
    reader.close()
    assert outcome.state is RunState.FAILED
    assert table.unsafe() == []


def test_a_plan_that_asks_on_when_it_is_closed_is_not_heard(tmp_path, new_table):
    table = new_table()
    table.cool()
    procedure, control = Clinging(), Control()
    outcome, reader = table.execute(
        procedure,
        procedure.Parameters(),
        tmp_path,
        control=control,
        observer=lambda event: control.abort() if isinstance(event, MessageStarted) else None,
    )
    reader.close()
    assert outcome.state is RunState.ABORTED
    assert any("did not end properly" in warning for warning in outcome.warnings)
    assert table.unsafe() == []
