"""Lay a night out along its hours: one lane for each item, a mark for each failure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from labctl.service.night.digest import Digest

WIDTH = 1000.0
LANE = 22.0
LEFT = 168.0
_STEPS_H = (0.25, 0.5, 1, 2, 3, 4, 6, 12, 24)
_MOST_TICKS = 13
_LEAST = 0.4
"""Narrower bars would not be seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Hold one bar of a lane; lengths are units of the drawing."""

    kind: str
    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold one failure or the hour at one place."""

    x: float
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """Hold what one item did along the night."""

    label: str
    state: str
    y: float
    bars: Sequence[Bar]
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Hold the drawing of a night."""

    lanes: Sequence[Lane]
    hours: Sequence[Mark]
    width: float
    height: float
    left: float = LEFT
    lane: float = LANE


def timeline_of(digest: Digest) -> Timeline:
    """Return the drawing of a night."""
    begin, end = digest.begin, max(digest.end, digest.begin + timedelta(minutes=1))
    scale = (WIDTH - LEFT) / (end - begin).total_seconds()

    def place(time: datetime) -> float:
        return LEFT + min(max((time - begin).total_seconds() * scale, 0.0), WIDTH - LEFT)

    lanes = []
    for number, one in enumerate(digest.items):
        bars = [
            Bar(span.kind, place(span.start), max(place(span.end) - place(span.start), _LEAST),
                f"{span.kind}, {span.duration_s / 60:.1f} min")
            for run in one.runs
            for span in run.budget.spans
            if span.kind != "suspended"
        ]  # fmt: skip
        own = [gap for gap in digest.gaps if gap.item == one.item.id and gap.end is not None]
        bars += [
            Bar("suspended", place(gap.begin), max(place(gap.end) - place(gap.begin), _LEAST),
                f"{gap.duration_s / 60:.1f} min: {gap.cause}")
            for gap in own if gap.end is not None
        ]  # fmt: skip
        marks = [
            Mark(place(fault.time), f"{fault.time:%H:%M} {fault.what}")
            for fault in digest.faults
            if fault.item == one.item.id
        ]
        label = one.item.label or one.item.procedure or "pause"
        lanes.append(Lane(label[:24], one.item.state.value, number * LANE, bars, marks))
    hours = [Mark(place(time), f"{time:%H:%M}") for time in _hours(begin, end)]
    return Timeline(lanes, hours, WIDTH, len(lanes) * LANE + 20)


def _hours(begin: datetime, end: datetime) -> Iterator[datetime]:
    length_h = (end - begin).total_seconds() / 3600
    step_h = next((step for step in _STEPS_H if length_h / step <= _MOST_TICKS), _STEPS_H[-1])
    step = timedelta(hours=step_h)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    time = midnight + step * -(-(begin - midnight) // step)
    while time <= end:
        yield time
        time += step
