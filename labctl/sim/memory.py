"""Connect a driver to an emulator in the same process."""

import math

from labctl.core.clock import Clock
from labctl.core.errors import ConnectionFailed
from labctl.sim.faults import FaultScript


class MemoryLink:
    """Carry bytes to an emulator and back; fulfils `labctl.core.link.Link`.

    Parameters
    ----------
    name
        The instrument, for messages.
    line
        The instrument's end of the line.
    clock
        The station's clock; waiting for a reply advances a virtual one exactly to its arrival.
    """

    def __init__(self, name: str, line: FaultScript, clock: Clock) -> None:
        self._name = name
        self._line = line
        self._clock = clock
        self._drops = line.drops
        self._closed = False

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises
        ------
        ConnectionFailed
            If the line has dropped or was closed.
        """
        self._check()
        self._line.feed(data, self._clock.monotonic_s())

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, at least one byte, or b"" if nothing came in time.

        Raises
        ------
        ConnectionFailed
            If the line has dropped or was closed.
        """
        now_s = self._clock.monotonic_s()
        deadline_s = now_s + timeout_s
        while True:
            self._check()
            data = self._line.take(now_s)
            if data or now_s >= deadline_s:
                return data
            due_s = self._line.next_due_s()
            until_s = min(deadline_s, math.inf if due_s is None else due_s)
            self._clock.sleep(until_s - now_s)
            # rounding may leave the clock a hair short of the moment it was to reach
            now_s = max(self._clock.monotonic_s(), until_s)

    def close(self) -> None:
        """Release the port; closing twice is allowed."""
        self._closed = True

    def _check(self) -> None:
        if self._closed:
            raise ConnectionFailed(
                f"{self._name}: the simulated port is closed", remedy="open the port again"
            )
        if self._line.drops != self._drops:
            raise ConnectionFailed(
                f"{self._name}: the simulated line has dropped", remedy="open the port again"
            )
