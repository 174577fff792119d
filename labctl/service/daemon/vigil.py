"""Notice that the machine, or this process, slept."""

from labctl.core.clock import RealClock, suspended_s


class Vigil:
    """Compare the times at which somebody looked."""

    def __init__(self, most_s: float) -> None:
        self._most_s = most_s
        self._wall = RealClock()
        self._seen_s = self._wall.monotonic_s()
        self._suspended_s = suspended_s()

    def gap_s(self) -> float:
        """Return for how many s of the machine nobody looked, if that is too long; else 0.

        Call it often. Time during which the machine was suspended counts, which its monotonic
        clock does not.
        """
        now_s, suspended = self._wall.monotonic_s(), suspended_s()
        gap_s = (now_s - self._seen_s) + (suspended - self._suspended_s)
        self._seen_s, self._suspended_s = now_s, suspended
        return gap_s if gap_s > self._most_s else 0.0
