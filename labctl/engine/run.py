"""Conduct one run: converse with the plan, commit its points, end in a known state."""

from collections.abc import Mapping
from datetime import datetime

from labctl import __version__
from labctl.core.channels import Interlock, Station
from labctl.core.errors import LabctlError, SafetyError
from labctl.core.journal import Exchange, Journal, RunStart, RunState, StateChange
from labctl.core.messages import Acquire, Answer, Message, Note, Plan, Point, Record
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.core.readings import Reading
from labctl.engine.checks import checked, plan_error
from labctl.engine.control import Control
from labctl.engine.ending import as_labctl_error, end_of
from labctl.engine.events import MessageStarted, NoteLeft, RunEnded, RunStarted, StateChanged
from labctl.engine.interlocks import InterlockWatch
from labctl.engine.outcome import Outcome
from labctl.engine.replay import Trail, replay
from labctl.engine.reporter import Reporter
from labctl.engine.safety import make_safe
from labctl.engine.source import source_hash
from labctl.engine.table import SLICE_S, Table

PATIENCE_S = 12 * 3600.0
"""Longest pause that an interlock may cause before it ends the run, in s."""


class _Violation(Exception):
    def __init__(self, interlock: Interlock, found: str) -> None:
        super().__init__(found)
        self.interlock = interlock
        self.text = f"interlock {interlock.name!r}: {found}"


class Run:
    """Hold everything that one attempt at a run needs.

    States: running → finished; running → pausing → paused → running; running → stopping →
    stopped; from anywhere → aborting → aborted or failed.
    """

    def __init__(
        self,
        procedure: Procedure,
        parameters: ParameterModel,
        station: Station,
        journal: Journal,
        control: Control,
        reporter: Reporter,
    ) -> None:
        self._procedure = procedure
        self._parameters = parameters
        self._station = station
        self._journal = journal
        self._control = control
        self._reporter = reporter
        self._table = Table(station, control, self._attend)
        self._plan: Plan = procedure.plan(parameters)
        self._number = 0
        self._answer: Answer = None
        self._exchanges: list[Exchange] = []
        self._trail = Trail()
        self._attempt = 0
        self._displaced = False
        self._state = RunState.IDLE
        self._unconfirmed: list[str] = []
        self._warnings: list[str] = []

    def rewind(self) -> None:
        """Run the plan again from the record; the table is then set up anew before going on."""
        self._close_plan()
        self._plan = self._procedure.plan(self._parameters)
        self._exchanges, self._trail = [], Trail()
        self._number, self._answer = replay(self._plan, self._journal.entries(), self._trail)
        self._displaced = True

    @property
    def last_point_utc(self) -> datetime | None:
        """Return when the last replayed point was committed, or None."""
        return self._trail.last_point_utc

    def conduct(self, attempt: int = 0, gap_s: float | None = None) -> Outcome:
        """Run to the end, whatever it is, and say which.

        `SystemExit` and its like are raised again once the table is safe and the journal closed.
        """
        self._attempt = attempt
        error: BaseException | None = None
        try:
            self._begin(gap_s)
            self._drive()
        # whatever happens, the table is made safe first and the cause reported afterwards
        except BaseException as caught:  # noqa: BLE001
            error = caught
        outcome = self._end(error)
        if error is not None and not isinstance(error, (Exception, KeyboardInterrupt)):
            raise error
        return outcome

    def _begin(self, gap_s: float | None) -> None:
        self._watch = InterlockWatch(self._station)
        clock = self._station.clock
        start = RunStart(
            procedure=self._procedure.name,
            parameters=self._parameters.model_dump(mode="json"),
            source=source_hash(self._procedure),
            labctl_version=__version__,
            station=self._station.describe(),
            snapshot=self._station.snapshot(),
            utc=clock.utc().isoformat(),
            monotonic_s=clock.monotonic_s(),
            attempt=self._attempt,
            first_point=self._number,
            gap_s=gap_s,
        )
        self._journal.begin(start)
        self._reporter.start_from(self._number)
        self._reporter.tell(
            RunStarted(
                self._journal.run,
                start.procedure,
                self._attempt,
                self._number,
                self._reporter.total,
            )
        )
        self._enter(RunState.RUNNING)

    def _drive(self) -> None:
        while True:
            try:
                if self._displaced:
                    self._set_up_again()
                self._converse()
                return
            except _Violation as violation:
                self._stand_by(violation)
                self.rewind()
                self._enter(RunState.RUNNING, "the interlocks hold again")

    def _set_up_again(self) -> None:
        for message in self._trail.messages():
            self._attend()
            self._reporter.tell(MessageStarted(self._number, message))
            self._table.answer(message)
        self._displaced = False

    def _converse(self) -> None:
        if self._control.pausing and self._number:
            self._pause()
        send = self._plan.send
        while self._state is not RunState.STOPPED:
            try:
                message = checked(send(self._answer), self._number)
            except StopIteration:
                return
            except LabctlError:
                raise
            except Exception as error:
                raise plan_error(error, self._procedure.name, self._number) from error
            self._attend()
            if self._reporter.is_listening:
                self._reporter.tell(MessageStarted(self._number, message))
            if isinstance(message, Record):
                self._commit(message)
                self._after_point()
            else:
                self._carry_out(message)

    def _carry_out(self, message: Message) -> None:
        if isinstance(message, Acquire):
            self._journal.reserve()
        elif isinstance(message, Note):
            self._reporter.tell(NoteLeft(self._number, message.text))
        answer = self._answer = self._table.answer(message)
        self._exchanges.append(Exchange(message, answer))
        self._trail.follow(message)

    def _attend(self) -> None:
        """Act on what the operator asked for, and on interlocks."""
        control = self._control
        if control.aborting:
            control.check()
        violated = self._watch.violated()
        if violated is not None:
            raise _Violation(*violated)
        if control.stopping and self._state is RunState.RUNNING:
            self._announce(RunState.STOPPING)
        elif control.pausing and self._state is RunState.RUNNING:
            self._announce(RunState.PAUSING)

    def _commit(self, message: Record) -> None:
        clock = self._station.clock
        point = Point(
            self._number,
            message.kind,
            message.data,
            clock.utc(),
            clock.monotonic_s(),
            self._attempt,
        )
        self._journal.commit(point, self._exchanges)
        self._answer, self._number, self._exchanges = self._number, self._number + 1, []
        if self._reporter.is_listening:
            self._reporter.given(point)
            self._reporter.committed(self._journal.committed)

    def _after_point(self) -> None:
        self._control.check()
        if self._control.stopping:
            self._state = RunState.STOPPED
        elif self._control.pausing:
            self._pause()

    def _pause(self) -> None:
        self._enter(RunState.PAUSED, "paused by the operator")
        while self._control.pausing and not self._control.stopping:
            self._control.wait(SLICE_S)
            self._attend()
        if self._control.stopping:
            self._state = RunState.STOPPED
        else:
            self._enter(RunState.RUNNING, "the operator lets the run go on")

    def _stand_by(self, violation: _Violation) -> None:
        """Make the table safe and wait until the interlocks hold; end the run if they may not."""
        interlock, text = violation.interlock, violation.text
        unconfirmed = make_safe(self._station)
        self._displaced = True
        if interlock.action != "pause" or unconfirmed:
            self._state = RunState.ABORTING if interlock.action == "abort" else self._state
            raise SafetyError(text, remedy=interlock.remedy)
        self._journal.flush()
        self._reporter.committed(self._journal.committed)
        self._enter(RunState.PAUSED, f"{text}. {interlock.remedy}".strip())
        clock = self._station.clock
        end_s = clock.monotonic_s() + PATIENCE_S
        while self._watch.violated() is not None:
            self._control.check()
            if self._control.stopping or clock.monotonic_s() > end_s:
                raise SafetyError(f"{text}, and did not recover", remedy=interlock.remedy)
            clock.sleep(SLICE_S)

    def _enter(self, state: RunState, reason: str = "") -> None:
        self._journal.change_state(self._change(state, reason))
        self._announce(state, reason)

    def _announce(self, state: RunState, reason: str = "") -> None:
        self._state = state
        self._reporter.tell(StateChanged(state, reason))

    def _change(self, state: RunState, reason: str) -> StateChange:
        clock = self._station.clock
        return StateChange(
            state, clock.utc().isoformat(), clock.monotonic_s(), reason, self._attempt
        )

    def _end(self, error: BaseException | None) -> Outcome:
        # every way out ends in the safe state, the good one too
        self._unconfirmed = make_safe(self._station)
        if error is not None:
            state, reason = end_of(error, self._number, self._state)
            self._announce(RunState.ABORTING, reason)
        elif self._state is RunState.STOPPED:
            state, reason = RunState.STOPPED, self._control.reason
        else:
            state, reason = RunState.FINISHED, ""
        self._close_plan()
        stored = self._close_journal(state, reason)
        if stored is not None and error is None:
            error, state, reason = stored, RunState.FAILED, str(stored)
        points = self._journal.committed
        self._reporter.committed(points)
        self._announce(state, reason)
        self._reporter.tell(RunEnded(state, points, reason, tuple(self._unconfirmed)))
        if self._reporter.dropped:
            self._warnings.append(self._reporter.dropped)
        return Outcome(
            self._journal.run,
            state,
            points,
            reason,
            None if error is None else as_labctl_error(error, reason, self._journal.run),
            tuple(self._unconfirmed),
            tuple(self._warnings),
        )

    def _close_plan(self) -> None:
        try:
            self._plan.close()
        # a plan that does not end properly must not keep the run from ending
        except BaseException as error:  # noqa: BLE001
            self._warnings.append(f"the plan did not end properly: {type(error).__name__}: {error}")

    def _close_journal(self, state: RunState, reason: str) -> BaseException | None:
        snapshot: Mapping[str, Reading] = {}
        try:
            snapshot = self._station.snapshot()
        # the end state is stored even if an instrument no longer answers
        except BaseException as error:  # noqa: BLE001
            self._warnings.append(f"no read-back at the end: {error}")
        try:
            self._journal.close(self._change(state, reason), self._exchanges, snapshot)
        except BaseException as error:  # noqa: BLE001
            self._warnings.append(f"the end of the run is not stored: {error}")
            self._journal.release()
            return error
        return None
