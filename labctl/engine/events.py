"""Define what the engine tells an observer, such as a progress display."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labctl.core.journal import RunState
from labctl.core.messages import Message, Point


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Say that a run begins or goes on. `total` is the expected number of points, if known."""

    run: str
    procedure: str
    attempt: int
    first_point: int
    total: int | None


@dataclass(frozen=True, slots=True)
class MessageStarted:
    """Say that a message is about to be carried out for point `number`."""

    number: int
    message: Message


@dataclass(frozen=True, slots=True)
class PointCommitted:
    """Say that a point is safe on disk."""

    point: Point


@dataclass(frozen=True, slots=True)
class Progress:
    """Say how far a run is: `done` points of `total`, and the time left in s, if known."""

    done: int
    total: int | None
    left_s: float | None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """Say that the run entered a state, and why."""

    state: RunState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NoteLeft:
    """Carry a remark of the plan."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Say how a run ended. `unconfirmed` lists what may not be safe, one sentence each."""

    state: RunState
    points: int
    reason: str
    unconfirmed: Sequence[str]


Event = RunStarted | MessageStarted | PointCommitted | Progress | StateChanged | NoteLeft | RunEnded
Observer = Callable[[Event], None]
