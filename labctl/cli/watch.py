"""Follow a run: progress on standard error, Ctrl-C to stop, twice to abort."""

import contextlib
import os
import signal
from types import FrameType, TracebackType
from typing import Any

from labctl.cli.progress import ProgressDisplay
from labctl.service.following import Control, observer_for

ABORTING = ("SIGTERM", "SIGHUP")
"""Signals that end a run at once, shutters closed: a shutdown, a terminal that is gone."""


class Watch:
    """Show a run and steer it by signals; a context manager.

    `real_time` says whether the table's seconds are those of the wall.
    """

    def __init__(self, *, real_time: bool) -> None:
        self.control = Control()
        self.display = ProgressDisplay("left" if real_time else "left (table time)")
        self.observe = observer_for(self.display)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Watch":
        self.display.__enter__()
        self._install(signal.SIGINT, self._interrupt)
        for name in ABORTING:
            if hasattr(signal, name):
                self._install(getattr(signal, name), self.control.handle_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.display.__exit__(kind, value, trace)

    def _install(self, number: int, handler: Any) -> None:
        # under nohup a hang-up is ignored, and stays so
        if signal.getsignal(number) is not signal.SIG_IGN:
            self._before[number] = signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.control.stopping:
            self.control.handle_signal(number, frame)
            return
        self.control.stop("stopped by Ctrl-C")
        # the signal may have come in the middle of a print: this does not go through its buffer
        with contextlib.suppress(OSError):
            os.write(2, b"stopping after this point; Ctrl-C again aborts\n")
