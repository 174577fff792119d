"""Listen to the service: events in order, exposures only as fast as they can be shown."""

import threading
from collections.abc import Callable
from typing import Any

from qtpy import QtCore

from labctl.client import Event, EventStream, Table
from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError
from labctl.core.status import StationStatus

KINDS = (
    "run", "point", "state", "note", "queue", "alarm", "safety", "readings", "progress", "step",
)  # fmt: skip
FRAME_MS = 33
"""At most 30 exposures per second are shown."""
RETRY_S = 1.0

Call = Callable[[Callable[[], None]], None]


class Listener(QtCore.QObject):
    """Follow events and exposures in two threads; the signals come in the thread of the window.

    Parameters
    ----------
    call
        Runs a function in the thread of the window, from any thread.
    """

    heard = QtCore.Signal(object, object)
    """An event, and its snapshot if it is one."""
    frame = QtCore.Signal(object)

    def __init__(self, table: Table, call: Call) -> None:
        super().__init__()
        self._table = table
        self._call = call
        self._clock = RealClock()
        self._heard_s = self._clock.monotonic_s()
        self._is_closed = threading.Event()
        self._events: EventStream | None = None
        self._frames: Any = None
        self._newest: Any = None
        self._is_shown = threading.Lock()
        self._pace = QtCore.QTimer(self, interval=FRAME_MS, singleShot=True)
        self._pace.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._pace.timeout.connect(self._show)

    def start(self) -> None:
        """Begin to listen."""
        for follow in (self._follow_events, self._follow_frames):
            threading.Thread(target=follow, name=follow.__name__, daemon=True).start()

    def close(self) -> None:
        """End both threads; allowed repeatedly."""
        self._is_closed.set()
        self._pace.stop()
        for stream in (self._events, self._frames):
            if stream is not None:
                stream.close()

    # ---- events

    def _follow_events(self) -> None:
        while not self._is_closed.is_set():
            self._events = self._table.events(KINDS)
            try:
                for event in self._events:
                    self._pass_on(event)
            # a refused token, or an answer of another version: said, and tried again
            except (LabctlError, ValueError) as error:
                self._pass_on(Event("lost", {"reason": str(error)}))
            self._is_closed.wait(RETRY_S)

    @property
    def silence_s(self) -> float:
        """Return for how long the service has said nothing, in s, whatever the window was doing."""
        return self._clock.monotonic_s() - self._heard_s

    def _pass_on(self, event: Event) -> None:
        self._heard_s = self._clock.monotonic_s()
        is_status = event.kind == "status"
        status = StationStatus.model_validate(event.data) if is_status else None
        self._call(lambda: self.heard.emit(event, status))

    # ---- exposures

    def _follow_frames(self) -> None:
        open_frames = getattr(self._table, "frames", None)
        while open_frames is not None and not self._is_closed.is_set():
            try:
                self._frames = open_frames()
                for frame in self._frames:
                    self._keep(frame)
                    if self._is_closed.is_set():
                        return
            # the connection is watched through the events
            except (LabctlError, OSError, ValueError):
                self._frames = None
            self._is_closed.wait(RETRY_S)

    def _keep(self, frame: Any) -> None:
        with self._is_shown:
            is_waited_for = self._newest is not None
            self._newest = frame
        if not is_waited_for:
            self._call(self._plan)

    def _plan(self) -> None:
        if not self._pace.isActive():
            self._show()

    def _show(self) -> None:
        with self._is_shown:
            frame, self._newest = self._newest, None
        if frame is not None:
            self._pace.start()
            self.frame.emit(frame)
