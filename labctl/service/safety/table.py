"""Guard a table: who may open what, what ends that, and how everything is closed."""

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from labctl.service.safety.channel import Channel
from labctl.service.safety.config import SafetyConfig
from labctl.service.safety.interlock import Interlock
from labctl.service.safety.journal import Journal, State
from labctl.service.safety.latch import Latch
from labctl.service.safety.lease import LeaseBook
from labctl.service.safety.protocol import Refused
from labctl.service.safety.relay import GuardedPort
from labctl.service.safety.rounds import Done, Report, Round, listed, shown

ENDS_LEASE = frozenset({"eof", "silent", "overdue", "exposed", "revoked", "suspended", "stopped"})
_LONGEST_GAP_S = 1.0
_LONGEST_SUSPENSION_S = 0.5


@dataclass(slots=True)
class _Wish:
    """Hold a request for the lease until the table is closed and the epoch is stored."""

    epoch: int
    who: str
    done: Done
    report: Report = field(default_factory=dict)
    stored: threading.Event | None = None


class GuardedTable:
    """Hold all guarded ports, the lease and the latch. Times are monotonic seconds.

    `tell` is called with every report and change of state.
    """

    def __init__(
        self,
        config: SafetyConfig,
        journal: Journal,
        state: State,
        now_s: float,
        suspended_s: float,
        tell: Callable[[Report], None],
    ) -> None:
        self._config = config
        self._journal = journal
        self._tell = tell
        self.book = LeaseBook(state.highest_epoch)
        self.latch = Latch(list(state.latch))
        self.ports = {item.name: GuardedPort(item, self.judge, now_s) for item in config.ports}
        own = [port.interlock for port in self.ports.values() if port.interlock is not None]
        self._interlocks = [*own, *(Interlock(item, now_s) for item in config.files)]
        self._rounds: list[Round] = []
        self._present: set[tuple[str, str]] = set()
        self._wish: _Wish | None = None
        self._last_s = now_s
        self._suspended_s = suspended_s
        if state.is_held and not self.latch:
            self.latch.set("restarted", "the safety process ended while a lease was held")
        self._close("start", self.latch.words, now_s)

    # -- what clients ask for; `done` is called once, with a report, when it is over

    def acquire(self, who: str, wanted: int | None, now_s: float, done: Done) -> None:
        """Give out a lease once the table is known to be safe; raises `Refused`."""
        epoch = self.book.next_epoch(wanted)
        if self._wish is not None:
            raise Refused("somebody else is acquiring the lease")
        self._refuse_latched()
        self._wish = _Wish(epoch, who, done)
        finish = functools.partial(self._prepare_grant, self._wish)
        self._close("acquire", f"{who} asks for the lease", now_s, done=finish)

    def beat(
        self,
        epoch: int,
        now_s: float,
        *,
        step: int,
        progress: float,
        deadline_s: float,
        open_s: float,
    ) -> None:
        """Take note of a sign of life; raises `Refused`."""
        lease = self.book.require(epoch)
        if deadline_s > self._config.longest_step_s:
            raise Refused(f"a step may take at most {self._config.longest_step_s:g} s")
        lease.beat(now_s, step, progress, deadline_s, open_s)

    def rest(self, epoch: int, now_s: float, done: Done) -> None:
        """Let nothing be opened until the next step, and verify the shutters."""
        self.book.require(epoch).rest()
        shutters = [port for port in self.ports.values() if port.config.script.kind == "shutter"]
        self._close("rest", "the holder rests", now_s, ports=shutters, done=done)

    def release(self, epoch: int, now_s: float, done: Done) -> None:
        """End a lease on the holder's wish and close everything."""
        who = self.book.require(epoch).who
        self.book.end("it was released")
        self._close("release", f"{who} releases the lease", now_s, done=done)

    def trip(self, kind: str, words: str, now_s: float, done: Done | None = None) -> None:
        """Close everything at once and latch."""
        if kind in ENDS_LEASE:
            self.book.end(words)
        self.latch.set(kind, words)
        self._close(kind, words, now_s, done=done)

    def reset(self, who: str, as_policy: bool, now_s: float, done: Done) -> None:
        """Clear the latch once everything is closed and every interlock holds."""
        if reason := self.latch.hindrance(as_policy=as_policy):
            raise Refused(reason)
        words = f"{who} resets the latch"
        finish = functools.partial(self._reset_after, len(self.latch.causes), done)
        self._close("reset", words, now_s, done=finish)

    def close_for_good(self, reason: str, now_s: float, done: Done) -> None:
        """Close everything because the process ends; a lease has no say in it."""
        self._close("end", reason, now_s, done=done)

    def attach(self, name: str, channel: Channel) -> None:
        """Give a port to the holder of the lease; raises `Refused`."""
        self.book.require(channel.epoch)
        if name not in self.ports:
            raise Refused(f"no port {name!r}; guarded are {', '.join(self.ports)}")
        self.ports[name].attach(channel)

    def status(self, now_s: float) -> Report:
        """Return everything that a person or the daemon wants to know."""
        lease = self.book.current
        return {
            "latched": bool(self.latch),
            "causes": [list(cause) for cause in self.latch.causes],
            "epoch": self.book.highest,
            "holder": None if lease is None else lease.who,
            "awake": lease is not None and lease.is_awake,
            "step": None if lease is None else lease.step,
            "progress": None if lease is None else lease.progress,
            "ports": {name: shown(port) for name, port in self.ports.items()},
            "interlocks": {
                item.config.name: "open"
                if item.is_open
                else "closed"
                if item.is_known
                else "unknown"
                for item in self._interlocks
            },
            "journal": self._journal.problem,
            "monotonic_s": now_s,
        }

    # -- the course of time

    def tick(self, now_s: float, suspended_s: float) -> None:
        """Look at everything that has changed or become due."""
        for port in self.ports.values():
            port.tick(now_s)
        for interlock in self._interlocks:
            interlock.look(now_s)
        gap_s, self._last_s = now_s - self._last_s, now_s
        asleep_s, self._suspended_s = suspended_s - self._suspended_s, suspended_s
        if asleep_s > _LONGEST_SUSPENSION_S:
            self.trip("suspended", f"the machine was suspended for {asleep_s:.1f} s", now_s)
        elif gap_s > _LONGEST_GAP_S and self.book.current is not None:
            self.trip("suspended", f"the safety process stood still for {gap_s:.1f} s", now_s)
        present = dict(self._faults(now_s))
        for key in present.keys() - self._present:
            self.trip(key[0], present[key], now_s)
        self._present = {*present}
        self._finish_rounds(now_s)
        wish = self._wish
        if wish is not None and wish.stored is not None and wish.stored.is_set():
            self._finish_grant(wish)
        if self.latch:
            for port in self.ports.values():
                if port.is_due_again(now_s):
                    port.close_device(now_s)

    def judge(self, port: GuardedPort, command: bytes, channel: Channel) -> str:
        """Return why a command may not go out, or an empty string."""
        try:
            lease = self.book.require(channel.epoch)
        except Refused as refusal:
            return str(refusal)
        if port.config.script.harmless.fullmatch(command):
            return ""
        shown = repr(command)[1:]
        if self.latch:
            return f"{port.name}: {shown} is refused while latched: {self.latch.words}"
        if not lease.is_awake:
            return f"{port.name}: {shown} is refused: no step of the run is under way"
        return ""

    def _faults(self, now_s: float) -> Iterator[tuple[tuple[str, str], str]]:
        """Yield every condition that must not be, as ((kind, where), words)."""
        for interlock in self._interlocks:
            if interlock.is_open:
                name = interlock.config.name
                yield ("interlock", name), f"{name} is open"
        lease = self.book.current
        if lease is None or not lease.is_awake:
            return
        if fault := lease.fault(now_s, self._open_since_s(), self._config.silence_s):
            yield (fault[0], f"{lease.epoch}"), fault[1]
        for port in self.ports.values():
            if not port.is_up:
                yield ("link", port.name), f"{port.name}: the line is down: {port.down_reason}"
        for interlock in self._interlocks:
            if interlock.is_blind(now_s):
                name = interlock.config.name
                yield ("blind", name), f"{name} does not tell whether it is closed"

    def _open_since_s(self) -> float | None:
        stamps = [
            port.open_since_s
            for port in self.ports.values()
            if port.config.script.kind == "shutter" and port.open_since_s is not None
        ]
        return min(stamps, default=None)

    # -- closing

    def _close(
        self,
        kind: str,
        words: str,
        now_s: float,
        *,
        ports: Sequence[GuardedPort] | None = None,
        done: Done | None = None,
    ) -> None:
        chosen = list(self.ports.values()) if ports is None else ports
        for port in chosen:
            port.close_device(now_s)
        self._rounds.append(Round(kind, words, chosen, now_s, done))
        # written down only now: the closing commands are on the wire already
        self._journal.note("closing", kind=kind, why=words, since_s=round(now_s, 6))

    def _finish_rounds(self, now_s: float) -> None:
        for one in list(self._rounds):
            if not one.is_over:
                continue
            self._rounds.remove(one)
            report = one.report() | {"latched": bool(self.latch)}
            self._judge_round(one, report, now_s)
            self._save()
            self._journal.note("closed", **report)
            if one.done is not None:
                one.done(report)
            # what was asked for may have been to reset the latch
            self._tell(report | {"latched": bool(self.latch)})

    def _judge_round(self, one: Round, report: Report, now_s: float) -> None:
        """Latch what a holder left behind unconfirmed, and block the lasers too."""
        if report["confirmed"] or one.kind not in ("rest", "release"):
            return
        problems = listed(report["problems"])
        self.latch.set("unconfirmed", f"not confirmed closed: {problems}")
        if one.kind == "rest":
            self._close("unconfirmed", problems, now_s)

    def _prepare_grant(self, wish: _Wish, report: Report) -> None:
        """Store the epoch first: a lease that a restart would forget is not given out."""
        wish.report = report
        if report["confirmed"] and not self.latch:
            self._journal.save(State(wish.epoch, True, ()))
        wish.stored = self._journal.written()

    def _finish_grant(self, wish: _Wish) -> None:
        self._wish = None
        report = wish.report
        try:
            if not report["confirmed"]:
                raise Refused(f"the table is not known to be safe: {listed(report['problems'])}")
            self._refuse_latched()
            if self._journal.problem:
                raise Refused(f"the state cannot be written: {self._journal.problem}")
            self.book.give(wish.epoch, wish.who)
        except Refused as refusal:
            self._save()
            wish.done(report | {"refused": str(refusal)})
        else:
            wish.done(report | {"epoch": wish.epoch})

    def _reset_after(self, known: int, done: Done, report: Report) -> None:
        hindrance = "" if report["confirmed"] else listed(report["problems"])
        if any(interlock.is_open for interlock in self._interlocks):
            hindrance = "an interlock is open"
        elif len(self.latch.causes) != known:
            hindrance = f"something else happened meanwhile: {self.latch.causes[-1][1]}"
        if hindrance:
            done(report | {"refused": f"the latch stays: {hindrance}"})
            return
        self.latch.clear()
        self._save()
        done(report | {"latched": False})

    def _refuse_latched(self) -> None:
        if self.latch:
            raise Refused(f"latched: {self.latch.words}; reset the latch first")

    def _save(self) -> None:
        held = self.book.current is not None
        self._journal.save(State(self.book.highest, held, tuple(self.latch.causes)))
