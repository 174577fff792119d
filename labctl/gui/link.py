"""Carry everything between the service and the windows; the only place that has threads.

Requests run in threads of their own and are answered in the thread of the window, so that no
window ever waits for a table. Closing the link touches no run.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from qtpy import QtCore

from labctl.client import Event, Table
from labctl.core.errors import LabctlError
from labctl.core.status import StationStatus
from labctl.gui.listening import Listener
from labctl.gui.theme import is_alive
from labctl.gui.threads import Crew

T = TypeVar("T")

SILENCE_MS = 3500
"""The service says something every 2 s: after so much silence its values are not shown as true."""
BUDGET_MS = 4
"""So long may calls from other threads keep the window at a time."""


class Link(QtCore.QObject):
    """Carry everything between the service and the windows.

    Attributes
    ----------
    table
        The served table: for worker threads only.
    status
        The newest snapshot, None before the first one.
    description
        What the table consists of (`GET /table`); empty if the service does not tell it.
    is_connected
        Whether `status` is of now. While it is False, every beam counts as unknown.
    """

    status_changed = QtCore.Signal(object)
    connected = QtCore.Signal()
    lost = QtCore.Signal(str)
    described = QtCore.Signal(object)
    # hides QObject.event, which Qt calls in C++ and nobody here
    event = QtCore.Signal(object)  # type: ignore[assignment]
    frame = QtCore.Signal(object)
    notice = QtCore.Signal(str, str)
    _called = QtCore.Signal()

    def __init__(self, table: Table, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.table = table
        self.status: StationStatus | None = None
        self.description: Mapping[str, Any] = {}
        self.is_connected = False
        self.lost_reason = ""
        self._crew = Crew()
        self._calls: deque[Callable[[], None]] = deque()
        self._is_waking = threading.Event()
        self._is_closed = False
        self._boot = ""
        self._epoch = 0
        self._listener = Listener(table, self._call)
        self._listener.heard.connect(self._hear)
        self._listener.frame.connect(self.frame)
        self._called.connect(self._run_calls, QtCore.Qt.ConnectionType.QueuedConnection)
        self._silence = QtCore.QTimer(self, interval=SILENCE_MS, singleShot=True)
        self._silence.timeout.connect(self._miss)

    # ---- what a window asks for

    def ask(
        self,
        work: Callable[[Table], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[LabctlError], None] | None = None,
        *,
        lane: str = "",
    ) -> None:
        """Run `work` in a thread; `done` or `failed` is called in the thread of the window.

        A failure without `failed` becomes a notice. Work of the same `lane` is done in the order
        in which it was asked for; other work side by side.
        """
        self._crew.put(lambda: self._work(work, done, failed), lane)

    def urgent(
        self,
        work: Callable[[Table], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[LabctlError], None] | None = None,
    ) -> None:
        """Do the same in a thread made for it, which never waits behind other work."""
        run = lambda: self._work(work, done, failed)  # noqa: E731
        threading.Thread(target=run, name="urgent", daemon=True).start()

    def start(self) -> None:
        """Fetch what the table consists of, and follow it."""
        with suppress(LabctlError):
            self._take_description(_description(self.table))
        self._listener.start()

    def close(self) -> None:
        """End all threads; nothing is called back after that. Allowed repeatedly."""
        self._is_closed = True
        self._silence.stop()
        self._listener.close()
        self._crew.close()
        self._calls.clear()

    # ---- in worker threads

    def _work(
        self,
        work: Callable[[Table], T],
        done: Callable[[T], None] | None,
        failed: Callable[[LabctlError], None] | None,
    ) -> None:
        try:
            found = work(self.table)
        except LabctlError as error:
            self._call(_for_living(failed or self._tell, error))
        # a defect of labctl: it is shown, and the window goes on
        except Exception as error:  # noqa: BLE001
            defect = LabctlError(
                f"unexpected {type(error).__name__}: {error}",
                remedy="report it: copy the diagnostics from the alarms",
            )
            self._call(_for_living(failed or self._tell, defect))
        else:
            if done is not None:
                self._call(_for_living(done, found))

    def _call(self, function: Callable[[], None]) -> None:
        if self._is_closed:
            return
        self._calls.append(function)
        if not self._is_waking.is_set():
            self._is_waking.set()
            # the window may have gone while this thread waited for an answer
            with suppress(RuntimeError):
                self._called.emit()

    # ---- in the thread of the window

    @QtCore.Slot()
    def _run_calls(self) -> None:
        self._is_waking.clear()
        spent = QtCore.QElapsedTimer()
        spent.start()
        while self._calls:
            self._calls.popleft()()
            if spent.elapsed() >= BUDGET_MS and self._calls:
                self._is_waking.set()
                self._called.emit()
                return

    def _tell(self, error: LabctlError) -> None:
        remedy = f" – {error.remedy}" if error.remedy else ""
        self.notice.emit("error", f"{error.message}{remedy}")

    def _hear(self, event: Event, status: StationStatus | None) -> None:
        if event.kind == "lost":
            self._lose(str(event.data.get("reason", "")))
            return
        self._silence.start()
        if status is not None:
            self._take(status)
        elif event.kind != "status":
            self.event.emit(event)

    def _take(self, status: StationStatus) -> None:
        self.status = status
        is_new = not self.is_connected
        self.is_connected, self.lost_reason = True, ""
        if self._is_described_anew(status):
            self.ask(_description, self._take_description, lambda _: None)
        self._boot, self._epoch = status.boot, status.epoch
        if is_new:
            self.connected.emit()
        self.status_changed.emit(status)

    def _is_described_anew(self, status: StationStatus) -> bool:
        """Tell whether the description is of another start, or was made before a first look."""
        if status.boot != self._boot:
            return bool(self._boot) or not self.description
        return status.epoch != self._epoch and None in self.description.values()

    def _take_description(self, description: Mapping[str, Any]) -> None:
        self.description = description
        if description:
            self.described.emit(description)

    def _miss(self) -> None:
        if self._listener.silence_s * 1000 < SILENCE_MS:
            # the window itself was busy: what was said is still to be heard
            self._silence.start()
            return
        self._lose(f"the service has said nothing for {SILENCE_MS / 1000:g} s")

    def _lose(self, reason: str) -> None:
        if self.is_connected or not self.lost_reason:
            self.is_connected, self.lost_reason = False, reason or "no connection"
            self.lost.emit(self.lost_reason)


def _description(table: Table) -> Mapping[str, Any]:
    # services of labctl 0.1 tell nothing of the sort
    describe: Callable[[], Mapping[str, Any]] | None = getattr(table, "description", None)
    return describe() if describe is not None else {}


def _for_living(function: Callable[[T], None], value: T) -> Callable[[], None]:
    """Return a call that is left out if the window it belongs to has gone meanwhile."""

    def call() -> None:
        owner = getattr(function, "__self__", None)
        if not isinstance(owner, QtCore.QObject) or is_alive(owner):
            function(value)

    return call
