"""Move along a line at constant speed, in closed form of time."""


class Motion:
    """Hold a position that moves linearly to its target.

    Parameters
    ----------
    position
        Where it is at the start, in the unit of the device.
    speed
        Units per second.
    overhead_s
        Time that a move takes before it begins to travel, in s.
    """

    def __init__(self, position: float, speed: float, overhead_s: float) -> None:
        self.target = position
        self._start = position
        self._speed = speed
        self._overhead_s = overhead_s
        self._begin_s = 0.0
        self._end_s = 0.0

    def move_to(self, target: float, now_s: float, extra_s: float = 0.0) -> float:
        """Start to move from the present position; returns the duration in s."""
        start = self.position(now_s)
        overhead_s = self._overhead_s + extra_s
        duration_s = overhead_s + abs(target - start) / self._speed
        self._start, self.target = start, target
        self._begin_s, self._end_s = now_s + overhead_s, now_s + duration_s
        return duration_s

    def position(self, now_s: float) -> float:
        """Return where it is."""
        if now_s >= self._end_s:
            return self.target
        if now_s <= self._begin_s:
            return self._start
        travelled = (now_s - self._begin_s) / (self._end_s - self._begin_s)
        return self._start + travelled * (self.target - self._start)

    def is_moving(self, now_s: float) -> bool:
        """Tell whether the move is still under way."""
        return now_s < self._end_s

    def stop(self, now_s: float) -> None:
        """Stay where it is."""
        self.target = self._start = self.position(now_s)
        self._begin_s = self._end_s = now_s
