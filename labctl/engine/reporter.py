"""Tell an observer how a run goes, so that the observer cannot hurt the run."""

from collections import deque

from labctl.core.clock import Clock
from labctl.core.messages import Point
from labctl.engine.dry_run import DryRun
from labctl.engine.events import Event, Observer, PointCommitted, Progress


class Reporter:
    """Pass events on; an observer that raises is dropped, and the reason kept."""

    def __init__(self, observer: Observer | None, clock: Clock, expected: DryRun | None) -> None:
        self._observer = observer
        self._clock = clock
        self._expected = expected if expected is not None and expected.complete else None
        self._waiting: deque[Point] = deque()
        self._start_s = clock.monotonic_s()
        self._start_at = 0.0
        self.is_listening = observer is not None
        self.dropped = ""

    @property
    def total(self) -> int | None:
        """Return the expected number of points, or None if nobody knows."""
        return None if self._expected is None else self._expected.points

    def tell(self, event: Event) -> None:
        """Pass an event on."""
        if self._observer is None:
            return
        try:
            self._observer(event)
        # a window or a print must never take a run down
        except Exception as error:  # noqa: BLE001
            self._observer, self.is_listening = None, False
            self.dropped = f"the observer failed and was dropped: {type(error).__name__}: {error}"

    def start_from(self, number: int) -> None:
        """Count time from here, with `number` points done."""
        self._start_s = self._clock.monotonic_s()
        self._start_at = self._predicted_s(number)

    def given(self, point: Point) -> None:
        """Remember a point that is on its way to the disk."""
        if self._observer is not None:
            self._waiting.append(point)

    def committed(self, count: int) -> None:
        """Announce the points that have become safe; `count` are in all."""
        while self._waiting and self._waiting[0].number < count:
            point = self._waiting.popleft()
            self.tell(PointCommitted(point))
            self.tell(Progress(point.number + 1, self.total, self._left_s(point.number + 1)))

    def _left_s(self, done: int) -> float | None:
        if self._expected is None:
            return None
        total_s = self._expected.total_s
        predicted_s = self._predicted_s(done) - self._start_at
        elapsed_s = self._clock.monotonic_s() - self._start_s
        # half of the prediction as ballast: one point that began with a long move, or without the
        # one that was expected, does not set the pace of all others
        ballast_s = 0.5 * total_s
        pace = (elapsed_s + ballast_s) / (predicted_s + ballast_s) if total_s > 0 else 1.0
        return max(total_s - self._predicted_s(done), 0.0) * pace

    def _predicted_s(self, done: int) -> float:
        if self._expected is None or not done:
            return 0.0
        return self._expected.point_s[min(done, self._expected.points) - 1]
