"""Know how far the table is safe, by what the workers and the safety process say."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError, UsageError
from labctl.service.daemon.crew import Worker
from labctl.service.daemon.guard import guarded_or_reason
from labctl.store.lock import is_locked, owner_of

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor

SAFETY = "safety process"
NOT_CONFIRMED = "use the hardware switches, look at the table, then 'labctl continue'"
RESET = "remove the cause, look at the table, then 'labctl safe --reset' there"
SLICE_S = 0.1
RESET_S = 2.0
"""How long a reset waits to be told by the safety process."""
EXPECTED = frozenset({"safe", "eof", "revoked", "restarted", "stopped"})
"""Causes of a latch that are told otherwise: somebody asked, or a process ended."""


class SafetyWatch:
    """Hold what was last confirmed.

    Attributes
    ----------
    reports
        What workers said when they were asked with a token.
    verified
        How often a verification has ended.
    resets
        How often the safety process told that its latch was reset.
    due
        Whether the safe state has to be verified before the table is left to itself.
    failure
        Why nothing may run until a person has looked, or empty.
    is_latched
        Whether only a person at the table can let shutters be opened again.
    worker
        The worker that verifies the safe state at this moment, if any.
    """

    def __init__(self, supervisor: "Supervisor") -> None:
        self._supervisor = supervisor
        self._guard = supervisor.guard
        self._board = supervisor.board
        self._clock = supervisor.clock
        self._wall = RealClock()
        self._changed = threading.Condition()
        self.reports: dict[int, Sequence[str]] = {}
        self.verified = 0
        self.resets = 0
        self._guarded = tuple(
            f"{beam}: {step}"
            for beam in supervisor.place.file.beams
            for step in ("close the shutter", "switch emission off")
        )
        self.due = True
        self.failure = ""
        self.is_latched = False
        self.worker: Worker | None = None

    # ---- at the start

    def start(self) -> None:
        """Start the safety process, as far as the station can be guarded."""
        supervisor = self._supervisor
        if supervisor.settings.safety:
            self._await_orphan()
            reason = guarded_or_reason(self._guard, supervisor.served.file)
        else:
            reason = "it was left out"
        if reason:
            supervisor.place.serve_direct()
            supervisor.raise_alarm(
                f"no safety process guards the shutters: {reason}", level="warning", source="safety"
            )
        else:
            self._set(process="running")

    def _await_orphan(self) -> None:
        """Wait for a worker that a service before has left behind to end its point."""
        path, settings = self._supervisor.place.table_lock, self._supervisor.settings
        if not self._supervisor.served.simulated or not is_locked(path):
            return
        who, end_s = owner_of(path), self._wall.monotonic_s() + settings.orphan_s
        self._supervisor.raise_alarm(
            f"{who} of the service before ends its point first", level="info", source="recovery"
        )
        while is_locked(path) and self._wall.monotonic_s() < end_s:
            self._wall.sleep(SLICE_S)

    # ---- in the supervisor's thread

    def verify(self) -> None:
        """Open the table to bring it into the safe state, unless that is going on."""
        if self.worker is None and self.unlatch():
            self.due = False
            supervisor = self._supervisor
            self.worker = supervisor.crew.employ("safe", supervisor.next_epoch())

    def unlatch(self) -> bool:
        """Tell whether a worker may have the table; what a dead process latched is reset."""
        if not self._guard.is_up:
            return True
        if self.is_latched:
            return False
        try:
            status = self._guard.status()
        except LabctlError:
            # it is being started again: whoever wants the table waits
            return False
        if status["latched"]:
            try:
                self._guard.reset("the service, by its policy", policy=True)
            except LabctlError:
                self._latched("; ".join(str(cause[1]) for cause in status["causes"]))
                return False
        self._set(latched=False)
        return True

    def _latched(self, why: str) -> None:
        self.is_latched = True
        self.failure = f"latched: {why}"[:1000]
        self._set(latched=True, reason=self.failure)
        self._supervisor.raise_alarm(self.failure, source="safety", remedy=RESET)

    def _unlatched(self) -> None:
        self._set(latched=False, reason="")
        if self.is_latched:
            self.is_latched, self.failure = False, ""

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take an event of the verifying worker."""
        if message["event"] == "refused":
            reason = str(message["error"]["message"])
            self.fail(f"the table cannot be examined: {reason}")

    def reported(self, message: Mapping[str, Any]) -> None:
        """Take what a worker says of the safe state."""
        unconfirmed = self._beyond_guard([str(text) for text in message["unconfirmed"]])
        self._set(confirmed=not unconfirmed, reason="; ".join(unconfirmed), stamp=True)
        if unconfirmed:
            self.fail("; ".join(unconfirmed))
        elif not self.is_latched:
            self.failure = ""
        with self._changed:
            if message.get("token"):
                self.reports[int(message["token"])] = unconfirmed
            self._changed.notify_all()

    def worker_ended(self, worker: Worker, code: int) -> None:
        """Take notice that a worker has gone; one that died may have left a shutter open."""
        if code != 0:
            self.due = worker is not self.worker
            self._set(confirmed=False, reason="the process that held the table died")
        if worker is self.worker:
            self.worker = None
            if code != 0:
                self.fail("the process that examined the table died")
            self.verified += 1
        with self._changed:
            self._changed.notify_all()

    def told(self, event: Mapping[str, Any]) -> None:
        """Take what the safety process says."""
        if event.get("event") == "lost":
            self._lost()
        elif event.get("event") == "status":
            causes = [str(cause[1]) for cause in event.get("causes", ())]
            self._set(latched=bool(event.get("latched")), reason="; ".join(causes)[:1000])
        elif event.get("event") == "closed":
            self._closed(event)

    def _closed(self, event: Mapping[str, Any]) -> None:
        latched, problems = bool(event.get("latched")), _problems(event)
        is_news = latched and not self._board.safety.latched
        if is_news and event.get("kind") not in EXPECTED:
            text = f"everything was closed: {event.get('why')}"
            self._supervisor.raise_alarm(text, source="safety", remedy=RESET)
        if not latched:
            self._unlatched()
        self._note_closed(event)
        if problems:
            self.fail("; ".join(problems))
        if event.get("kind") == "reset" and not latched:
            with self._changed:
                self.resets += 1
                self._changed.notify_all()

    def _note_closed(self, report: Mapping[str, Any]) -> None:
        latched, problems = bool(report.get("latched")), _problems(report)
        self._set(
            latched=latched,
            confirmed=not problems,
            reason="; ".join(problems) or (str(report.get("why")) if latched else ""),
            stamp=True,
        )

    def _lost(self) -> None:
        supervisor = self._supervisor
        if supervisor.is_ending:
            return
        self._set(process="lost", confirmed=False, reason="the safety process has ended")
        supervisor.mishaps.lost(SAFETY, self._revive)

    def _revive(self) -> None:
        """Start the safety process again, unless its keeper has done so; in a thread of its own."""
        self._guard.revive()
        self._set(process="running")
        self._supervisor.announce()

    def fail(self, reason: str) -> None:
        """Let nothing run until a person has looked."""
        self.failure = reason[:1000]
        self._supervisor.raise_alarm(
            f"the table is not known to be safe: {self.failure}",
            source="safety",
            remedy=NOT_CONFIRMED,
        )

    # ---- from any thread

    def close_all(self, who: str) -> list[str]:
        """Have the safety process close everything; returns what is not confirmed.

        Raises
        ------
        LabctlError
            If it cannot be asked.
        """
        report = self._guard.safe(who)
        self._note_closed(report)
        return _problems(report)

    def reset_latch(self, who: str) -> None:
        """Let shutters be opened again; not for the supervisor's thread, which hears of it."""
        if not self._guard.is_up:
            raise UsageError("this station has no safety process: nothing is latched")
        known = self.resets
        self._guard.reset(who)
        # what the process told before it may still be on its way
        self.wait(lambda: self.resets != known, RESET_S)
        self._unlatched()

    def wait(
        self, condition: Callable[[], bool], timeout_s: float, poll_s: float | None = None
    ) -> bool:
        """Return whether a condition holds in time; looks again at every change, or so often."""
        end_s = self._wall.monotonic_s() + timeout_s
        with self._changed:
            while not condition():
                left_s = end_s - self._wall.monotonic_s()
                if left_s <= 0:
                    return False
                self._changed.wait(min(left_s, poll_s or left_s))
        return True

    def _beyond_guard(self, unconfirmed: Sequence[str]) -> list[str]:
        """Leave out what the safety process has closed itself, when it refused the worker."""
        own = [text for text in unconfirmed if text.startswith(self._guarded)]
        if not own or not self._guard.is_up:
            return list(unconfirmed)
        try:
            ports: Mapping[str, Any] = self._guard.status()["ports"]
        except LabctlError:
            return list(unconfirmed)
        if not all(port["confirmed"] for port in ports.values()):
            return list(unconfirmed)
        return [text for text in unconfirmed if text not in own]

    def _set(
        self,
        *,
        confirmed: bool | None = None,
        latched: bool | None = None,
        reason: str | None = None,
        process: Literal["running", "lost", "none"] | None = None,
        stamp: bool = False,
    ) -> None:
        changes = {
            "confirmed": confirmed,
            "latched": latched,
            "reason": reason,
            "process": process,
            "checked_utc": self._clock.utc().isoformat() if stamp else None,
        }
        known = {name: value for name, value in changes.items() if value is not None}
        with self._changed:
            self._board.safety = self._board.safety.model_copy(update=known)


def _problems(report: Mapping[str, Any]) -> list[str]:
    """Return what a report of the safety process does not confirm, one sentence each."""
    return [f"{name}: {text}" for name, text in report.get("problems", {}).items()]
