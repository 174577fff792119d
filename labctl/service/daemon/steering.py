"""Steer a run from another process, and break into what it waits for."""

import _thread
import os
import signal
import threading
from types import FrameType

from labctl.core.errors import RunAborted
from labctl.engine import Control


class SteeredControl(Control):
    """Steer a run from any thread; an abort breaks into an exposure in the main thread.

    The first reason for an abort stays.
    """

    def install(self) -> None:
        """Let SIGTERM abort the run; call it in the main thread."""
        signal.signal(signal.SIGTERM, self.handle_signal)

    def abort(self, reason: str = "aborted by the operator") -> None:
        """End the run in the safe state before its next message."""
        super().abort(self.reason if self.aborting else reason)

    def abort_now(self, reason: str) -> None:
        """End the run in the safe state, breaking into the message under way."""
        self.abort(reason)
        main = threading.main_thread().ident
        if os.name == "posix" and main is not None:
            signal.pthread_kill(main, signal.SIGTERM)
        else:
            _thread.interrupt_main(signal.SIGTERM)

    def handle_signal(self, signal_number: int, _frame: FrameType | None) -> None:
        """Abort at once, as `Control.handle_signal`, and keep the reason."""
        self.abort(f"signal {signal_number}")
        if self.interruptible:
            self.interruptible = False
            raise RunAborted(f"the run was ended: {self.reason}")
