"""Run work in threads that never keep the program from ending."""

import threading
from collections import deque
from collections.abc import Callable

MOST_THREADS = 16
IDLE_S = 30.0

Work = Callable[[], None]


class Crew:
    """Run work in up to `MOST_THREADS` daemon threads, made when they are needed.

    The executors of the standard library wait for their threads when the program ends, also for
    one that waits for an exposure of an hour.
    """

    def __init__(self, most: int = MOST_THREADS) -> None:
        self._most = most
        self._ready = threading.Condition()
        self._work: deque[tuple[Work, str]] = deque()
        self._lanes: dict[str, deque[Work]] = {}
        self._threads = self._idle = 0
        self._is_closed = False

    def put(self, work: Work, lane: str = "") -> None:
        """Run `work`; within a lane one after the other, in order."""
        with self._ready:
            if self._is_closed:
                return
            if lane and lane in self._lanes:
                self._lanes[lane].append(work)
                return
            if lane:
                self._lanes[lane] = deque()
            self._work.append((work, lane))
            if self._idle < len(self._work) and self._threads < self._most:
                self._threads += 1
                threading.Thread(target=self._serve, name="labctl link", daemon=True).start()
            self._ready.notify()

    def close(self) -> None:
        """Start nothing any more; what is under way ends by itself."""
        with self._ready:
            self._is_closed = True
            self._work.clear()
            self._ready.notify_all()

    def _serve(self) -> None:
        while (taken := self._take()) is not None:
            work, lane = taken
            work()
            if lane:
                self._follow(lane)

    def _take(self) -> tuple[Work, str] | None:
        with self._ready:
            self._idle += 1
            self._ready.wait_for(lambda: self._work or self._is_closed, IDLE_S)
            self._idle -= 1
            if self._work and not self._is_closed:
                return self._work.popleft()
            self._threads -= 1
            return None

    def _follow(self, lane: str) -> None:
        """Let the next one of a lane wait for a thread."""
        with self._ready:
            if self._lanes[lane]:
                self._work.append((self._lanes[lane].popleft(), lane))
                self._ready.notify()
            else:
                del self._lanes[lane]
