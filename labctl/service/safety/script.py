"""Carry out a closing script: bytes and time in, bytes and a verdict out, no line of its own."""

import re
from collections.abc import Generator
from dataclasses import dataclass

PAUSE_S = 0.05
"""Silence before another attempt."""
_STRAY_S = 0.05
"""How long the right reply may still come after one that was not."""
_LONGEST_REPLY = 4096
_MOST_STRAYS = 50

Pattern = re.Pattern[bytes]


@dataclass(frozen=True, slots=True)
class Step:
    """Ask `send` until a whole reply matches `reply`; see `labctl.core.closing`."""

    send: bytes
    reply: Pattern
    within_s: float
    repeats: int
    only_if: Pattern | None


@dataclass(frozen=True, slots=True)
class Script:
    """Hold the steps that close a device and verify it."""

    kind: str
    steps: tuple[Step, ...]
    safe: Pattern
    unsafe: Pattern
    harmless: Pattern
    attempts: int


@dataclass(frozen=True, slots=True)
class _Turn:
    send: bytes
    within_s: float


_Course = Generator[_Turn, bytes | None, str]
"""Yields what to send, is sent a whole reply or None for silence, returns what went wrong."""


class Closing:
    """Hold one execution of a script.

    Attributes
    ----------
    is_over
        Whether it has ended.
    problem
        Why the safe state is not confirmed; empty if it is, or while the script runs.
    """

    def __init__(self, script: Script, end: bytes, now_s: float) -> None:
        self.is_over = False
        self.problem = ""
        self._end = end
        self._course = _course(script)
        self._received = b""
        self._outgoing = b""
        self._until_s = now_s
        self._take(next(self._course), now_s)

    def outgoing(self) -> bytes:
        """Return what is to be sent now, once."""
        data, self._outgoing = self._outgoing, b""
        return data

    def feed(self, data: bytes, now_s: float) -> None:
        """Accept what the device sent."""
        self._received = (self._received + data)[-_LONGEST_REPLY:]
        while not self.is_over and self._end in self._received:
            reply, self._received = _split(self._received, self._end)
            self._go_on(reply, now_s)

    def tick(self, now_s: float) -> None:
        """Notice that no reply came in time."""
        if not self.is_over and now_s >= self._until_s:
            self._go_on(None, now_s)

    def give_up(self, problem: str) -> None:
        """End without the verdict of the device."""
        self.is_over, self.problem = True, problem

    def _go_on(self, reply: bytes | None, now_s: float) -> None:
        try:
            self._take(self._course.send(reply), now_s)
        except StopIteration as end:
            self.give_up(end.value)

    def _take(self, turn: _Turn, now_s: float) -> None:
        self._outgoing += turn.send
        self._until_s = now_s + turn.within_s


def _split(data: bytes, end: bytes) -> tuple[bytes, bytes]:
    at = data.index(end) + len(end)
    return data[:at], data[at:]


def _course(script: Script) -> _Course:
    problem = ""
    for attempt in range(script.attempts):
        if attempt:
            for _ in range(_MOST_STRAYS):
                if (yield _Turn(b"", PAUSE_S)) is None:
                    break
        problem = yield from _attempt(script)
        if not problem:
            return ""
    return problem


def _attempt(script: Script) -> _Course:
    last = b""
    for step in script.steps:
        if step.only_if is not None and step.only_if.fullmatch(last) is None:
            continue
        heard: list[bytes] = []
        found = yield from _ask(step, heard)
        if found is None:
            got = repr(heard[-1])[1:] if heard else "nothing"
            return f"asked {repr(step.send)[1:]}, got {got}"
        last = found
    return ""


def _ask(step: Step, heard: list[bytes]) -> Generator[_Turn, bytes | None, bytes | None]:
    for _ in range(1 + step.repeats):
        reply = yield _Turn(step.send, step.within_s)
        while reply is not None and len(heard) < _MOST_STRAYS:
            if step.reply.fullmatch(reply):
                return reply
            heard.append(reply)
            reply = yield _Turn(b"", _STRAY_S)
    return None
