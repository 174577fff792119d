"""Commit regularly in a thread of its own, so that the run goes on measuring meanwhile."""

import threading
from collections.abc import Callable
from contextlib import suppress

from labctl.core.errors import StorageError


class RegularCommits:
    """Call `commit` every `period_s` seconds.

    A `StorageError` ends nothing: whoever writes has kept it, and raises it at the next call of
    the run itself.
    """

    def __init__(self, period_s: float, commit: Callable[[], object]) -> None:
        self._period_s = period_s
        self._commit = commit
        self._over = threading.Event()

    def start(self) -> None:
        """Begin; points may be given now."""
        threading.Thread(target=self._work, name="commit", daemon=True).start()

    def end(self) -> None:
        """End the thread soon, without waiting for it."""
        self._over.set()

    def _work(self) -> None:
        while not self._over.wait(self._period_s):
            with suppress(StorageError):
                self._commit()
