"""Decide who may speak to the guarded ports, and whether the holder is still in control.

A lease belongs to one client and has an epoch: a number that only ever grows. It begins at rest:
nothing can be opened then and nobody has to report. Its first beat wakes it; from then on beats
must come, each with the number of the step that is under way, and each step has a deadline that
is fixed when it is first heard of. A thread that beats while the run loop hangs cannot move it.
"""

import math
from dataclasses import dataclass

from labctl.service.safety.protocol import Refused

Fault = tuple[str, str]
"""Kind of a fault, and the fault in words."""


@dataclass(slots=True)
class Lease:
    """Hold what is known of the holder."""

    epoch: int
    who: str
    is_awake: bool = False
    step: int = -1
    progress: float = 0.0
    last_beat_s: float = 0.0
    deadline_s: float = math.inf
    limit_s: float = 0.0
    open_s: float = 0.0

    def beat(
        self, now_s: float, step: int, progress: float, deadline_s: float, open_s: float
    ) -> None:
        """Take note of a sign of life.

        Parameters
        ----------
        step
            Number of the step under way; only a higher one than before sets a new deadline.
        deadline_s
            How long the step may take from now, in s.
        open_s
            How long a shutter may be open during the step, in s.

        Raises
        ------
        Refused
            If the step lies before the one that was under way.
        """
        if step < self.step:
            raise Refused(f"step {step} after step {self.step}")
        if step > self.step:
            self.is_awake = True
            self.step, self.limit_s, self.open_s = step, deadline_s, open_s
            self.deadline_s = now_s + deadline_s
        self.progress = progress
        self.last_beat_s = now_s

    def rest(self) -> None:
        """Ask for no beats, and let nothing be opened, until the next step."""
        self.is_awake = False
        self.deadline_s = math.inf

    def fault(self, now_s: float, open_since_s: float | None, silence_s: float) -> Fault | None:
        """Return what shows that the holder is not in control, or None."""
        if not self.is_awake:
            return None
        if now_s - self.last_beat_s > silence_s:
            return "silent", f"no beat of {self.who} for {now_s - self.last_beat_s:.3f} s"
        if now_s > self.deadline_s:
            return "overdue", f"step {self.step} of {self.who} took more than {self.limit_s:g} s"
        if open_since_s is not None and now_s - open_since_s > self.open_s:
            return "exposed", f"a shutter was open for more than {self.open_s:g} s"
        return None


class LeaseBook:
    """Give out leases, one at a time, each with a higher epoch than any before."""

    def __init__(self, highest: int = 0) -> None:
        self.highest = highest
        self.current: Lease | None = None
        self._ended = "it was never given out"

    def next_epoch(self, wanted: int | None = None) -> int:
        """Return the epoch that a new lease would have.

        Raises
        ------
        Refused
            If there is a holder, or the wanted epoch is not higher than every one before.
        """
        if self.current is not None:
            raise Refused(f"{self.current.who} holds the lease, epoch {self.current.epoch}")
        if wanted is not None and wanted <= self.highest:
            raise Refused(f"epoch {wanted} is over: {self.highest} was given out already")
        return self.highest + 1 if wanted is None else wanted

    def give(self, epoch: int, who: str) -> Lease:
        """Begin a lease; raises `Refused` as `next_epoch`."""
        self.highest = self.next_epoch(epoch)
        self.current = Lease(epoch, who)
        return self.current

    def require(self, epoch: int) -> Lease:
        """Return the lease of an epoch; raises `Refused` unless it is the current one."""
        if self.current is None or self.current.epoch != epoch:
            raise Refused(f"epoch {epoch} is over: {self._why(epoch)}")
        return self.current

    def end(self, reason: str) -> None:
        """End the current lease, if there is one, for good."""
        if self.current is not None:
            self.current = None
            self._ended = reason

    def _why(self, epoch: int) -> str:
        if epoch == self.highest:
            return self._ended
        return f"the last one given out is {self.highest}"
