"""Bring a table in its safe state back to where a run had it, and prove that it is there.

Wait until all conditions have held for a while; read every setting back and set it again; let
the cryostat settle; measure a reference again and compare; end in the safe state.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from labctl.core.channels import Settable, Settleable
from labctl.core.errors import AnalysisError, InstrumentError, SafetyError
from labctl.core.messages import Set, Wait
from labctl.core.readings import Quality, Reading, Scalar
from labctl.engine import Control
from labctl.service.night.attended import attended
from labctl.service.night.doing import TEMPERATURE, Doing
from labctl.service.night.events import What
from labctl.service.night.rules import Rule, read, rules_of, shown
from labctl.service.night.sentinel import (
    Verdict,
    configured_reference,
    find_reference,
    measure,
)
from labctl.service.night.settings import NightSettings
from labctl.service.session import Session

POLL_S = 5.0
SLICE_S = 0.25
AGAIN_S = 60.0
"""Pause before the table is set up again after it could not be."""

SAME = 1e-3
"""Relative difference of two settings that counts as none; read-backs have noise of their own."""


class OutOfPatience(SafetyError):
    """Report that the conditions of the table did not hold again in time."""


class Tell(Protocol):
    """Keep an event of the night."""

    def __call__(self, what: What, why: str = "", **data: object) -> None:
        """Store what was decided, and why."""
        ...


class Restoration:
    """Know the conditions of a table, and how to bring it back.

    Parameters
    ----------
    tell
        Keeps what is decided, with the reason.
    """

    def __init__(
        self, session: Session, settings: NightSettings, tell: Tell, control: Control
    ) -> None:
        self.doing = Doing()
        self._session = session
        self._station = session.station
        self._settings = settings
        self._tell = tell
        self._control = control
        self._rest_k: float | None = None
        self._is_at_rest = False
        self.rules = tuple(rules_of(session, self.doing, self._wanted_k, settings.conditions))
        self._parts = self._station.channels, self._station.acquirers, self._station.interlocks

    def note_rest(self) -> None:
        """Remember where the cryostat is: a run that does not set it is to find it there."""
        asked = self.doing.settings.get(TEMPERATURE)
        if isinstance(asked, int | float):
            self._rest_k, self._is_at_rest = float(asked), self.doing.settled_k is not None
        elif not self._is_at_rest and (channel := self._station.channels.get(TEMPERATURE)):
            reading = read(channel, self._station.clock)
            if self._rest_k is None and reading.quality is not Quality.INVALID:
                self._rest_k = reading.number
            # a run may leave it on the way to a set-point that it did not wait for
            self._is_at_rest = self._is_near_rest(reading, 1.0)

    def bring_to_rest(self) -> None:
        """Bring the cryostat back to where the last run left it: its end has put it on hold.

        Raises
        ------
        InstrumentError
            If the cryostat does not take its set-point, or does not settle.
        """
        messages = [one for one in self._messages() if one.channel == TEMPERATURE]
        if messages and self._rest_k is not None:
            self._tell("waited", f"the cryostat is brought back to {self._rest_k:g} K")
            for message in messages:
                self._carry_out(message)
            self._is_at_rest = True

    def violation(self, *, safe: bool) -> str:
        """Return the first condition that does not hold, or an empty string.

        On a table in its `safe` state, those that need light or a set temperature say nothing.
        """
        for rule in self.rules:
            if (rule.while_safe or not safe) and (why := rule.why_not()):
                return f"{rule.name}: {why}"
        return ""

    def await_hold(self, deadline_s: float) -> None:
        """Return when all conditions of a safe table have held for the time of the settings.

        Raises
        ------
        OutOfPatience
            If that is not before `deadline_s` of the monotonic clock, or a stop was asked for.
        RunAborted
            If a person asked for an abort.
        """
        clock = self._station.clock
        held_since_s: float | None = None
        while True:
            why = self.violation(safe=True)
            now_s = clock.monotonic_s()
            if why:
                held_since_s = None
                self._check_patience(deadline_s, why)
            elif held_since_s is None:
                held_since_s = now_s
            if held_since_s is not None and now_s - held_since_s >= self._hold_s:
                return
            self.sleep(POLL_S)

    def deadline_s(self) -> float:
        """Return until when the patience of the settings lasts, on the monotonic clock."""
        return self._station.clock.monotonic_s() + self._settings.conditions.patience_s

    def restore(self, folder: Path, why: str) -> Verdict:
        """Bring the table to where `doing` had it, compare the run's reference, make it safe.

        Raises
        ------
        OutOfPatience
            If that cannot be within the patience of the settings.
        SafetyError
            If the table is not confirmed to be safe.
        AnalysisError
            If the reference has changed, and the settings say that this is an error.
        """
        deadline_s = self.deadline_s()
        while True:
            self.await_hold(deadline_s)
            try:
                problem, verdict = self._try_set_up(folder)
            finally:
                self.make_safe()
            if not problem:
                break
            self._tell("waited", f"the table could not be set up again: {problem}")
            self._check_patience(deadline_s, problem)
            self.sleep(AGAIN_S)
        if verdict.differs and self._settings.on_difference == "fail":
            raise AnalysisError(
                f"the reference changed across the gap ({why}): {verdict.words}",
                remedy="look at the sample, then resume the run",
            )
        return verdict

    def make_safe(self) -> None:
        """Bring the table into its safe state; raises `SafetyError` if it is not confirmed."""
        self.doing.made_safe()
        if unconfirmed := self._station.safe():
            raise SafetyError(
                f"the safe state is not confirmed: {'; '.join(unconfirmed)}",
                remedy="close the shutters by hand and switch the lasers off",
            )

    def sleep(self, duration_s: float) -> None:
        """Wait, and listen; raises `RunAborted` if a person asked for an abort."""
        clock = self._station.clock
        end_s = clock.monotonic_s() + duration_s
        while (left_s := end_s - clock.monotonic_s()) > 0:
            clock.sleep(min(left_s, SLICE_S))
            self._control.check()

    @property
    def _hold_s(self) -> float:
        return self._settings.conditions.hold_s

    def _wanted_k(self) -> float | None:
        """Return where the cryostat ought to be, in K; None while it is on its way."""
        if self.doing.sets_temperature:
            return self.doing.settled_k
        return self._rest_k if self._is_at_rest else None

    def _is_near_rest(self, reading: Reading, part: float) -> bool:
        """Tell whether the cryostat is where it ought to be, within a part of the tolerance."""
        most_k = self._settings.conditions.cryostat_k
        if most_k is None or self._rest_k is None or reading.quality is Quality.INVALID:
            return False
        return abs(reading.number - self._rest_k) <= part * most_k

    def _look_fresh(self, rule: Rule, found: str) -> str:
        return found or rule.why_not()

    def _check_patience(self, deadline_s: float, why: str) -> None:
        if self._control.stopping or self._station.clock.monotonic_s() > deadline_s:
            raise OutOfPatience(
                f"{why}, and did not recover", remedy="remove the cause, then resume the run"
            )

    def _try_set_up(self, folder: Path) -> tuple[str, Verdict]:
        """Return why the table cannot be used, or an empty string, and what the reference shows."""
        verdict = Verdict("was not measured")
        try:
            self._compare_settings()
            for message in self._messages():
                self._carry_out(message)
            why = self.violation(safe=False)
            if not why:
                verdict = self._measure_reference(folder)
                why = verdict.failed
        except (InstrumentError, SafetyError) as error:
            why = error.message
        return why, verdict

    def _compare_settings(self) -> None:
        """Read every setting back before it is set again, and say which have moved."""
        for channel, value in self.doing.settings.items():
            # a safe table has no light, and the heater holds where it was
            if channel.endswith(".power") or channel == TEMPERATURE:
                continue
            settable = self._station.channels[channel]
            reading = read(settable, self._station.clock)
            if _has_moved(reading, value, getattr(settable, "tolerance_um", 0.0)):
                found = f"{channel} is {shown(reading)}, had been set to {value}"
                self._tell("moved set-point", found, channel=channel)

    def _messages(self) -> list[Set | Wait]:
        messages = self.doing.messages()
        rest_k, most_k = self._rest_k, self._settings.conditions.cryostat_k
        if self.doing.sets_temperature or rest_k is None or most_k is None:
            return messages
        reading = read(self._station.channels[TEMPERATURE], self._station.clock)
        if self._is_near_rest(reading, 0.3):
            return messages
        return [Set(TEMPERATURE, rest_k), Wait(TEMPERATURE), *messages]

    def _carry_out(self, message: Set | Wait) -> None:
        self._control.check()
        channel = self._station.channels[message.channel]
        reading: Reading | None = None
        if isinstance(message, Set) and isinstance(channel, Settable):
            reading = channel.set(message.value)
            self.doing.set_again(message.channel)
        elif isinstance(message, Wait) and isinstance(channel, Settleable):
            reading = channel.wait(self._control.check)
        if reading is None or reading.quality is Quality.INVALID:
            why = "cannot be set" if reading is None else reading.reason
            raise InstrumentError(f"{message.channel}: {why}")
        if isinstance(message, Wait) and reading.quality is not Quality.GOOD:
            raise InstrumentError(f"{message.channel}: {reading.reason}")

    def _measure_reference(self, folder: Path) -> Verdict:
        reference = find_reference(folder, self.doing.settings.get(TEMPERATURE))
        if reference is None and self._settings.reference is not None:
            reference = configured_reference(self._session, self._settings.reference)
        if reference is None:
            return Verdict("cannot be compared: nothing was measured here before the gap")
        with self._unattended():
            return measure(self._session, reference, self._control)

    @contextlib.contextmanager
    def _unattended(self) -> Iterator[None]:
        """Let conditions end a run for the length of a block: a reference is not suspended."""
        station = self._station
        before = station.channels, station.acquirers, station.interlocks
        station.channels, station.acquirers, station.interlocks = self._parts
        try:
            blind_s = self._settings.conditions.blind_s
            look = self._look_fresh
            with attended(station, self.rules, look, blind_s, action="safe"):
                yield
        finally:
            station.channels, station.acquirers, station.interlocks = before


def _has_moved(reading: Reading, value: Scalar, tolerance: float) -> bool:
    if reading.quality is Quality.INVALID:
        return True
    if isinstance(value, str | bool) or isinstance(reading.value, str | bool | None):
        return reading.value != value
    return not abs(reading.number - value) <= max(SAME * abs(value), tolerance)
