"""Commit regularly in a thread of its own, so that the run goes on measuring meanwhile."""

import threading
from collections.abc import Callable
from contextlib import suppress

from labctl.core.clock import RealClock
from labctl.core.errors import StorageError


class RegularCommits:
    """Commit every `period_s`, and insert what waits whenever it is called before.

    Inserting leaves the interpreter free. A `StorageError` ends nothing: whoever writes has kept
    it, and raises it at the next call of the run itself.

    Parameters
    ----------
    period_s
        Time between two commits in s.
    insert
        Puts the points that wait into the open transaction.
    commit
        Puts them there and commits.
    """

    def __init__(
        self, period_s: float, insert: Callable[[], object], commit: Callable[[], object]
    ) -> None:
        self._period_s = period_s
        self._insert = insert
        self._commit = commit
        self._is_over = False
        self._wake = threading.Event()

    def start(self) -> None:
        """Begin; points may be given now."""
        threading.Thread(target=self._work, name="commit", daemon=True).start()

    def call(self) -> None:
        """Have the points that wait inserted soon."""
        self._wake.set()

    def end(self) -> None:
        """End the thread soon, without waiting for it."""
        self._is_over = True
        self._wake.set()

    def _work(self) -> None:
        clock, last_s = RealClock(), 0.0
        while not self._is_over:
            self._wake.wait(self._period_s)
            self._wake.clear()
            with suppress(StorageError):
                if clock.monotonic_s() - last_s < self._period_s:
                    self._insert()
                    continue
                self._commit()
                last_s = clock.monotonic_s()
