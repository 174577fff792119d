"""Define how a guarded device is closed, as data that a process without drivers can carry out."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """Ask one question, or give one command, and say which reply it must have.

    Replies that do not match are passed over: they belong to a question of somebody else that
    was still on its way. After `within_s` without the right one the question is asked again, up
    to `repeats` times.
    """

    send: bytes
    """All bytes, terminator included."""
    reply: bytes
    """Regular expression that the whole reply must match, terminator included."""
    within_s: float = 0.15
    repeats: int = 0
    only_if: bytes = b""
    """Carried out only if the reply of the step before matches this."""


@dataclass(frozen=True, slots=True)
class InterlockQuestion:
    """Say how a device is asked for its interlock; a reply of any other form is no answer."""

    send: bytes
    closed: bytes
    open: bytes
    period_s: float = 0.02


@dataclass(frozen=True, slots=True)
class ClosingScript:
    """Say how a shutter or a laser is brought into its safe state, verified, and kept there.

    All patterns are regular expressions on bytes. The script must be harmless in any state of
    the device, because it is carried out whenever nobody knows which one that is, and more than
    once.
    """

    kind: Literal["shutter", "laser"]
    steps: tuple[Step, ...]
    """Close, then verify. The last question should be asked twice with another in between, so
    that no late reply of somebody else can pass for a confirmation."""
    safe: bytes
    unsafe: bytes
    """Whole replies that show the safe state or the other, whoever asked: between the two, a
    shutter counts as open. A pattern that matches nothing means that no reply shows it."""
    harmless: bytes
    """Whole commands, without terminator, that may pass while nothing may be opened."""
    interlock: InterlockQuestion | None = None
    attempts: int = 3
