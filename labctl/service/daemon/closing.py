"""Make the table safe and close it, from any thread."""

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from labctl.core.errors import LabctlError
from labctl.service.daemon.crew import Worker

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor

POLL_S = 0.2


class Closing:
    """Know the ways to the safe state. Every method may be called from any thread.

    Attributes
    ----------
    is_in_haste
        Whether a run has to end now and not with its point.
    """

    def __init__(self, supervisor: "Supervisor") -> None:
        self._supervisor = supervisor
        self._guard = supervisor.guard
        self._safety = supervisor.safety
        self._wait: Callable[..., bool] = supervisor.safety.wait
        self._tokens = itertools.count(1)
        self.is_in_haste = False

    def make_safe(self, reason: str) -> list[str]:
        """Close shutters and block emission now; returns what is not confirmed."""
        holder, safe_s = self._holder(), self._supervisor.settings.safe_s
        if self._guard.is_up:
            try:
                unconfirmed = self._safety.close_all(reason)
            except LabctlError:
                """Without it the process that holds the table has to do it."""
            else:
                if holder is not None:
                    holder.child.send("safe", reason=reason)
                return unconfirmed
        if holder is not None:
            token = next(self._tokens)
            if holder.child.send("safe", reason=reason, token=token) and self._wait(
                lambda: token in self._safety.reports, safe_s
            ):
                return list(self._safety.reports.pop(token))
            holder.child.kill()
            holder.child.join(safe_s)
        return self._verified_now(safe_s)

    def let_runs_end(self, stop_s: float) -> None:
        """Wait for the run to end after its point; abort it after `stop_s`, then kill it."""
        desk, safe_s = self._supervisor.desk, self._supervisor.settings.safe_s
        self._wait(lambda: desk.worker is None or self.is_in_haste, stop_s, POLL_S)
        worker = desk.worker
        if worker is not None:
            worker.child.send("abort", reason="the service is ending")
            if not self._wait(lambda: desk.worker is None, safe_s):
                worker.child.kill()
                self._wait(lambda: desk.worker is None, safe_s)

    def confirm(self) -> list[str]:
        """Close the table and return what is not known to be safe, after a last look if needed."""
        supervisor = self._supervisor
        safe_s = supervisor.settings.safe_s
        supervisor.order("release").result(safe_s)
        if not self._wait(lambda: supervisor.hands.worker is None, safe_s):
            worker = supervisor.hands.worker
            if worker is not None:
                worker.child.kill()
            self._wait(lambda: supervisor.hands.worker is None, safe_s)
        if supervisor.board.safety.confirmed and not self._safety.due:
            return []
        return self._verified_now(safe_s)

    def _verified_now(self, safe_s: float) -> list[str]:
        if self._safety.is_latched:
            # the safety process has closed everything, and lets nobody in
            confirmed = self._supervisor.board.safety.confirmed
            return [] if confirmed else [self._safety.failure]
        before = self._safety.verified
        try:
            self._supervisor.order("verify").result(safe_s)
        except (LabctlError, TimeoutError) as error:
            return [f"the safe state cannot be verified: {error}"]
        # a process has to start and to open every port
        if not self._wait(lambda: self._safety.verified > before, 6 * safe_s):
            return ["the table did not confirm its safe state in time"]
        return [self._safety.failure] if self._safety.failure else []

    def _holder(self) -> Worker | None:
        supervisor = self._supervisor
        return supervisor.desk.worker or supervisor.hands.worker or self._safety.worker
