"""Let other threads and signal handlers pause, stop and abort a run."""

import queue
from types import FrameType

from labctl.core.errors import RunAborted


class Control:
    """Steer one run from anywhere.

    Every method may be called from any thread and from a signal handler: flags are set without
    a lock, and waking up uses a `SimpleQueue`, whose `put` is re-entrant.
    """

    def __init__(self) -> None:
        self.aborting = False
        self.stopping = False
        self.pausing = False
        self.reason = ""
        self.interruptible = False
        """True only while the engine waits for hardware: then a signal may break in."""
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()

    def pause(self) -> None:
        """Pause after the point being measured."""
        self.pausing = True

    def proceed(self) -> None:
        """Go on after a pause."""
        self.pausing = False
        self._wake.put(None)

    def stop(self, reason: str = "stopped by the operator") -> None:
        """End the run after the point being measured."""
        self.reason = self.reason or reason
        self.stopping = True
        self._wake.put(None)

    def abort(self, reason: str = "aborted by the operator") -> None:
        """Bring the table into the safe state and end the run, before the next message.

        A message under way ends first, `Sleep` and pauses within a fraction of a second. In
        the thread of the engine, `handle_signal` breaks into the message itself.
        """
        self.reason = reason
        self.aborting = True
        self._wake.put(None)

    def handle_signal(self, signal_number: int, _frame: FrameType | None) -> None:
        """Abort at once, breaking into an exposure; install with `signal.signal`.

        Commits and the way to the safe state are never broken into.
        """
        self.abort(f"signal {signal_number}")
        if self.interruptible:
            self.interruptible = False
            raise RunAborted(f"the run was ended by signal {signal_number}")

    def wait(self, timeout_s: float) -> None:
        """Return when something was asked for, or after `timeout_s` of the machine's time."""
        try:
            self._wake.get(timeout=timeout_s)
        except queue.Empty:
            return

    def check(self) -> None:
        """Raise `RunAborted` if an abort was asked for."""
        if self.aborting:
            raise RunAborted(f"the run was ended: {self.reason}")
