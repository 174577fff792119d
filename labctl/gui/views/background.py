"""Compute off the GUI thread, at a bounded rate, and only what is newest."""

from collections.abc import Callable
from typing import Any

from qtpy import QtCore

from labctl.core.errors import LabctlError
from labctl.gui.link import Link

PERIOD_MS = 200
"""At most 5 results per second."""

Work = Callable[[], Any]


class Background(QtCore.QObject):
    """Run the newest piece of work in the link's threads.

    One piece is under way at a time. What is asked for meanwhile waits; of several that wait
    only the last is done, because the others are about an exposure that nobody looks at any more.
    """

    done = QtCore.Signal(object)
    """Emitted in the GUI thread with what the work returned."""
    failed = QtCore.Signal(str)
    """Emitted with the reason if the work could not be done."""

    def __init__(self, link: Link, parent: QtCore.QObject, period_ms: int = PERIOD_MS) -> None:
        super().__init__(parent)
        self._link = link
        self._waiting: Work | None = None
        self._is_busy = False
        self._rest = QtCore.QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(period_ms)
        self._rest.timeout.connect(self._begin)

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing is under way and nothing waits."""
        return not self._is_busy and self._waiting is None

    def ask(self, work: Work) -> None:
        """Do this as soon as the last is done and the period is over."""
        self._waiting = work
        if not self._is_busy and not self._rest.isActive():
            self._begin()

    def forget(self) -> None:
        """Drop what waits."""
        self._waiting = None

    def _begin(self) -> None:
        work, self._waiting = self._waiting, None
        if work is None:
            return
        self._is_busy = True
        self._rest.start()
        self._link.ask(lambda _: work(), self._take, self._fail)

    def _take(self, result: Any) -> None:
        self._is_busy = False
        self.done.emit(result)
        self._go_on()

    def _fail(self, error: LabctlError) -> None:
        self._is_busy = False
        self.failed.emit(error.message)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting is not None and not self._rest.isActive():
            self._begin()
