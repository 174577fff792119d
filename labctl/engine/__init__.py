"""Run plans: message dispatch, run states, interlocks, dry run, resume by replay."""

from labctl.engine.control import Control
from labctl.engine.dry_run import DryRun, Move, dry_run
from labctl.engine.events import (
    Event,
    MessageStarted,
    NoteLeft,
    Observer,
    PointCommitted,
    Progress,
    RunEnded,
    RunStarted,
    StateChanged,
)
from labctl.engine.execute import execute, resume
from labctl.engine.outcome import Outcome

__all__ = [
    "Control",
    "DryRun",
    "Event",
    "MessageStarted",
    "Move",
    "NoteLeft",
    "Observer",
    "Outcome",
    "PointCommitted",
    "Progress",
    "RunEnded",
    "RunStarted",
    "StateChanged",
    "dry_run",
    "execute",
    "resume",
]
