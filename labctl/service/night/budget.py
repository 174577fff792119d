"""Say where the time of a run went, from the times that are stored with its answers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from labctl.core.journal import RunState, StateChange
from labctl.core.messages import Set, Sleep, Wait
from labctl.core.readings import Reading
from labctl.core.spectra import Exposure
from labctl.store.reader import RunReader

KINDS = ("exposing", "moving", "settling", "waiting", "suspended", "restoring", "lost", "other")
"""`restoring` is setting up again after a gap; `lost` led to no point and was done again."""

_KIND: dict[type, str] = {Set: "moving", Wait: "settling"}


@dataclass(frozen=True, slots=True)
class Span:
    """Hold what the table did from one time to another."""

    kind: str
    start: datetime
    end: datetime

    @property
    def duration_s(self) -> float:
        """Return the length in s."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Budget:
    """Hold the spans of a run in order, and their sums in s by kind."""

    spans: tuple[Span, ...] = ()
    sums_s: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, spans: Iterable[Span]) -> "Budget":
        """Add up spans; neighbours of one kind become one."""
        merged: list[Span] = []
        for span in spans:
            is_same = merged and merged[-1].kind == span.kind and merged[-1].end >= span.start
            start = merged.pop().start if is_same else span.start
            merged.append(Span(span.kind, start, span.end))
        sums = dict.fromkeys(KINDS, 0.0)
        for span in merged:
            sums[span.kind] += span.duration_s
        return cls(tuple(merged), sums)


def budget_of(reader: RunReader) -> Budget:
    """Return where the time of a run went.

    Every stamp of the record ends what was under way: a reading the move, settling or question
    that it answers; an exposure says itself when it began and how long it took. What lies between
    attempts, and within pauses, is suspended.
    """
    changes = [change for change in reader.states if change.state is not RunState.INTERRUPTED]
    if not changes:
        return Budget()
    stamps = sorted(_stamps(reader), key=lambda stamp: stamp.at)
    finished = changes[-1].state is RunState.FINISHED
    active = list(_active(changes))
    spans: list[Span] = []
    at = _time(changes[0].utc)
    for number, (start, stop) in enumerate(active):
        spans += _between("suspended", at, start)
        within = [stamp for stamp in stamps if start < stamp.at <= stop]
        is_last = number == len(active) - 1
        rest = "other" if finished and is_last else "lost"
        spans += _divided(start, stop, within, "restoring" if number else "", rest)
        at = stop
    spans += _between("suspended", at, _time(changes[-1].utc))
    return Budget.of(spans)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Hold when an answer was known, or when an exposure of `length_s` began."""

    at: datetime
    kind: str
    length_s: float = 0.0


def _active(changes: list[StateChange]) -> Iterator[tuple[datetime, datetime]]:
    """Yield the times during which the run was running."""
    begun: datetime | None = None
    for change in changes:
        is_on = change.state in (RunState.RUNNING, RunState.PAUSING, RunState.STOPPING)
        if is_on and begun is None:
            begun = _time(change.utc)
        elif not is_on and begun is not None:
            yield begun, _time(change.utc)
            begun = None


def _stamps(reader: RunReader) -> Iterator[_Stamp]:
    slept_s = 0.0
    for _, exchange in reader.replies():
        answer = exchange.answer
        if isinstance(answer, Exposure):
            yield _Stamp(answer.utc, "exposing", answer.exposure_s * answer.accumulations)
        elif isinstance(answer, Reading):
            yield _Stamp(answer.utc, _KIND.get(type(exchange.message), "other"), slept_s)
        slept_s = exchange.message.duration_s if isinstance(exchange.message, Sleep) else 0.0
    for point in reader.points(skip_damaged=True):
        yield _Stamp(point.utc, "other")


def _divided(
    start: datetime, stop: datetime, stamps: list[_Stamp], first: str, rest: str
) -> Iterator[Span]:
    """Divide the time of one attempt; the stretch before its first answer may have a name."""
    at = start
    for stamp in stamps:
        if stamp.kind == "exposing":
            yield from _between(first or "moving", at, stamp.at)
            end = min(stamp.at + timedelta(seconds=stamp.length_s), stop)
            yield from _between("exposing", stamp.at, end)
            at = max(at, end)
        else:
            slept = min(at + timedelta(seconds=stamp.length_s), stamp.at)
            yield from _between("waiting", at, slept)
            yield from _between(first or stamp.kind, max(at, slept), stamp.at)
            at = max(at, stamp.at)
        first = ""
    yield from _between(rest, at, stop)


def _between(kind: str, start: datetime, end: datetime) -> Iterator[Span]:
    if end > start:
        yield Span(kind, start, end)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
