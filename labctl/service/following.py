"""Tell a display how a run goes, in plain numbers and words."""

from typing import Protocol

from labctl.core.journal import RunState
from labctl.engine import Control, Event, NoteLeft, Observer, Progress, RunStarted, StateChanged

__all__ = ["Control", "Display", "observer_for"]

_WORTH_SAYING = frozenset({RunState.PAUSED, RunState.RUNNING})
"""How a run ended is said once, with its result or its error."""


class Display(Protocol):
    """Show how far a run is."""

    def start(self, label: str, total: int | None) -> None:
        """Begin to show a run of `total` points, if that is known."""
        ...

    def advance(self, done: int, total: int | None, left_s: float | None) -> None:
        """Show that `done` points are safe, and the table's time that is left, in s."""
        ...

    def tell(self, text: str) -> None:
        """Show a remark."""
        ...


def observer_for(display: Display) -> Observer:
    """Return an observer that shows the events of a run."""

    def observe(event: Event) -> None:
        match event:
            case RunStarted():
                again = f", attempt {event.attempt + 1}" if event.attempt else ""
                display.start(f"{event.run}{again}", event.total)
            case Progress():
                display.advance(event.done, event.total, event.left_s)
            case StateChanged(state=state, reason=reason) if reason and state in _WORTH_SAYING:
                display.tell(f"{state.value}: {reason}")
            case NoteLeft(text=text):
                display.tell(f"  {text}")
            case _:
                pass

    return observe
