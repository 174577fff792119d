"""Give the table to whoever is next: a run, a verification of its safe state, or people."""

from typing import TYPE_CHECKING

from labctl.core.clock import RealClock

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor


class Turns:
    """Know who has the table next; used by the supervisor's thread only."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self._wall = RealClock()
        self._idle_since_s = self._wall.monotonic_s()

    def worker_ended(self) -> None:
        """Count the time that the table is idle from now."""
        self._idle_since_s = self._wall.monotonic_s()

    def go_on(self) -> None:
        """Give the table to whoever is next, unless somebody has it."""
        s, desk = self._s, self._s.desk
        if desk.worker is not None or s.safety.worker is not None or s.mishaps.restarting:
            return
        if desk.item is None and not s.safety.failure:
            desk.claim()
        if desk.item is None:
            if not s.board.queue.next_item:
                s.diary.rest()
            self._rest()
        elif not desk.is_waiting and s.hands.worker is not None:
            s.hands.leave()
        elif not desk.is_waiting and s.safety.unlatch():
            # the first thing that a worker does is to make the table safe
            s.safety.due = False
            desk.start()

    def _rest(self) -> None:
        """Verify what somebody left behind, then keep the values of the table known."""
        s, hands, safety = self._s, self._s.hands, self._s.safety
        if hands.worker is not None:
            return
        idle_s = self._wall.monotonic_s() - self._idle_since_s
        is_wanted = s.settings.monitor and hands.is_wanted and idle_s > s.settings.idle_s
        if safety.due:
            safety.verify()
        elif is_wanted and not safety.failure and safety.unlatch():
            hands.take(s.next_epoch())
