"""Define the seam between the engine and a store: what is committed, and how it is read back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from labctl.core.messages import Answer, Message, Point
from labctl.core.readings import Reading


class RunState(StrEnum):
    """Say where a run is. The last five are ends; `interrupted` is found, never entered."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    ABORTING = "aborting"
    FINISHED = "finished"
    STOPPED = "stopped"
    ABORTED = "aborted"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_end(self) -> bool:
        """Tell whether a run in this state is over."""
        return self in _ENDS


_ENDS = frozenset(
    {
        RunState.FINISHED,
        RunState.STOPPED,
        RunState.ABORTED,
        RunState.FAILED,
        RunState.INTERRUPTED,
    }
)


class Exchange(NamedTuple):
    """Hold one message of a plan with the answer it got."""

    message: Message
    answer: Answer


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one committed point with the exchanges that led to it since the point before."""

    point: Point
    exchanges: Sequence[Exchange]


@dataclass(frozen=True, slots=True)
class StateChange:
    """Say that a run entered a state, when and why."""

    state: RunState
    utc: str
    monotonic_s: float
    reason: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RunStart:
    """Describe the start of a run, or of a further attempt at it.

    `parameters` and `station` (see `Station.describe`) are plain JSON, `snapshot` holds the
    read-back of every channel. `source` is the hash of the procedure's source text.
    `first_point` is the number of the first point of this attempt; `gap_s`, in s of UTC, is the
    time since the last sign of life of the attempt before, or None for the first.
    """

    procedure: str
    parameters: Mapping[str, Any]
    source: str
    labctl_version: str
    station: Mapping[str, Any]
    snapshot: Mapping[str, Reading]
    utc: str
    monotonic_s: float
    attempt: int = 0
    first_point: int = 0
    gap_s: float | None = None


class Journal(Protocol):
    """Keep what a run commits. Every method may raise `StorageError`."""

    run: str
    """Name of the run, for messages to people."""

    @property
    def committed(self) -> int:
        """Return how many points are safe on disk; numbers run from 0 without gaps."""
        ...

    def begin(self, start: RunStart) -> None:
        """Store the start of an attempt."""
        ...

    def reserve(self) -> None:
        """Raise `StorageError` if the next point might not fit; called before an exposure."""
        ...

    def commit(self, point: Point, exchanges: Sequence[Exchange]) -> None:
        """Store a point. It is safe once `committed` is above its number."""
        ...

    def flush(self) -> None:
        """Return when every point given to `commit` is safe."""
        ...

    def change_state(self, change: StateChange) -> None:
        """Append to the history of states; safe when it returns."""
        ...

    def close(
        self,
        end: StateChange,
        exchanges: Sequence[Exchange],
        snapshot: Mapping[str, Reading],
    ) -> None:
        """Store the end, with the exchanges since the last point, and release the run."""
        ...

    def release(self) -> None:
        """Let go of the run without storing anything; allowed after `close` and repeatedly."""
        ...

    def starts(self) -> Sequence[RunStart]:
        """Return the attempts so far, the first one first."""
        ...

    def states(self) -> Sequence[StateChange]:
        """Return the history of states."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Yield the points committed so far in order, checked against their checksums."""
        ...
