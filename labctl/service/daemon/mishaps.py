"""Act on what should not happen: a lost process, a worker that hangs, a machine that slept."""

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from labctl.core.errors import LabctlError
from labctl.service.daemon.vigil import Vigil

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor


class Mishaps:
    """Watch out for mishaps; used by the supervisor's thread only.

    Attributes
    ----------
    restarting
        Processes that are being started again: until then nobody gets the table.
    """

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self.restarting: set[str] = set()
        self._vigil = Vigil(supervisor.settings.suspend_s)
        self._restarted: Callable[[str], None] = supervisor.later(self.restarting.discard)

    def begin(self) -> None:
        """Begin to watch: what was before does not count."""
        self._vigil = Vigil(self._s.settings.suspend_s)

    def look(self) -> None:
        """Look whether something has happened."""
        gap_s = self._vigil.gap_s()
        if gap_s:
            self._slept(gap_s)
        for worker in self._s.crew.silent():
            self._s.raise_alarm(f"{worker.child.name} hangs and is killed", source="service")
            worker.child.kill()

    def lost(self, name: str, restart: Callable[[], object]) -> None:
        """Start a process again that has ended by itself; the point is then repeated once."""
        s = self._s
        if s.is_ending:
            return
        s.raise_alarm(f"the process '{name}' has ended", level="warning", source="service")
        s.desk.lost_host = name
        self.restarting.add(name)
        # a library of a vendor may take its time to load
        action = partial(self._restart, name, restart)
        threading.Thread(target=action, name=f"restart {name}").start()

    def _restart(self, name: str, restart: Callable[[], object]) -> None:
        try:
            restart()
            self._s.announce()
        except LabctlError as error:
            text = f"the process '{name}' cannot be started again: {error.message}"
            self._s.raise_alarm(text, source="service", remedy=error.remedy)
        self._restarted(name)

    def _slept(self, gap_s: float) -> None:
        s = self._s
        why = f"the machine or the service slept for {gap_s:.0f} s"
        s.crew.forgive()
        s.raise_alarm(
            f"{why}: the table is made safe", source="service", remedy="'labctl continue' goes on"
        )
        if s.desk.worker is not None:
            s.desk.tell("abort", "suspend", why)
        elif s.hands.worker is not None:
            s.hands.worker.child.send("safe", reason=why)
        s.queue.hold(why)
