"""Follow a run: progress on standard error, Ctrl-C to stop, twice to abort."""

import signal
from types import FrameType, TracebackType
from typing import Any

from labctl.cli.progress import ProgressDisplay
from labctl.engine import Control, Event, NoteLeft, Progress, RunStarted, StateChanged


class Watch:
    """Show a run and steer it by signals; a context manager."""

    def __init__(self, display: ProgressDisplay | None = None) -> None:
        self.control = Control()
        self._display = display or ProgressDisplay()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Watch":
        self._display.__enter__()
        self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupt)
        self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self.control.handle_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._display.__exit__(kind, value, trace)

    def observe(self, event: Event) -> None:
        """Show an event of the engine."""
        match event:
            case RunStarted():
                again = f" attempt {event.attempt + 1}" if event.attempt else ""
                self._display.start(f"{event.run}{again}", event.total)
            case Progress():
                self._display.advance(event.done, event.total, event.left_s)
            case StateChanged(reason=reason) if reason:
                self._display.tell(f"{event.state.value}: {reason}")
            case NoteLeft():
                self._display.tell(f"  {event.text}")
            case _:
                pass

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.control.stopping:
            self.control.handle_signal(number, frame)
        else:
            self._display.tell("stopping after this point; Ctrl-C again aborts")
            self.control.stop("Ctrl-C")
