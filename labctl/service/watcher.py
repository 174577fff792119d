"""Follow a served table, and tell people who are not there what they want to know."""

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from labctl.core.clock import Clock, RealClock
from labctl.core.errors import LabctlError
from labctl.core.items import ItemState
from labctl.core.status import Alarm, StationState, StationStatus
from labctl.service.daemon.bus import RESYNC, BusEvent, Subscription
from labctl.service.notify import Notifier

SOURCE = "notify"
"""Source of the alarm that nobody could be told: it is not told either."""
LOOK_S = 1.0

_GOOD_ENDS = frozenset({ItemState.FINISHED})
_WORKING = frozenset({StationState.RUNNING, StationState.PAUSING, StationState.STOPPING})


class Watched(Protocol):
    """Be followed; `labctl.service.daemon.Daemon` is."""

    def status(self) -> StationStatus:
        """Return a snapshot."""
        ...

    def subscribe(self, since_seq: int | None = None) -> Subscription:
        """Listen to events."""
        ...


class Watcher:
    """Turn events of a table into notices, until `close`; a context manager.

    Told are the end of each run that did not finish, the end of the whole queue, each alarm and
    warning, a latch, and a run that has given no point for `silence_s`.
    """

    def __init__(self, table: Watched, notifier: Notifier, *, clock: Clock | None = None) -> None:
        self._table = table
        self._notifier = notifier
        self._clock = clock or RealClock()
        self._station = table.status().station
        self._told_alarm = max((one.id for one in table.status().alarms), default=0)
        self._heard_s = self._clock.monotonic_s()
        self._is_silence_told = False
        self._ended: dict[str, int] = {}
        self._was_working = False
        self._is_latched = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watcher", daemon=True)
        self._thread.start()

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End; allowed repeatedly."""
        self._stop.set()
        self._thread.join(5.0)

    def _work(self) -> None:
        looked_s = -LOOK_S
        with self._table.subscribe() as events:
            while not (self._stop.is_set() or events.is_closed):
                event = events.get(LOOK_S)
                try:
                    if event is not None:
                        self._take(event)
                    if self._clock.monotonic_s() - looked_s >= LOOK_S:
                        looked_s = self._clock.monotonic_s()
                        self._look(events)
                # the database may be closed already: the watch ends with the service
                except LabctlError:
                    if self._stop.is_set():
                        return

    def _take(self, event: BusEvent) -> None:
        if event.kind in ("point", "run", RESYNC):
            self._heard_s = self._clock.monotonic_s()
            self._is_silence_told = False
        if event.kind == "run" and event.data.get("ended"):
            self._run_ended(event.data)
        elif event.kind == "alarm":
            self._alarm(Alarm.model_validate(event.data))

    def _run_ended(self, data: Mapping[str, Any]) -> None:
        ended = str(data["ended"])
        self._ended[ended] = self._ended.get(ended, 0) + 1
        if ended not in _GOOD_ENDS:
            name = data.get("run") or data.get("item") or "a run"
            reason = str(data.get("reason") or "no reason was given")
            self._tell("failed", f"{name} {ended}", reason)

    def _alarm(self, alarm: Alarm) -> None:
        if alarm.id <= self._told_alarm or alarm.level == "info" or alarm.source == SOURCE:
            return
        self._told_alarm = alarm.id
        remedy = f"\n{alarm.remedy}" if alarm.remedy else ""
        self._tell("alarm", f"{alarm.level}: {alarm.text}", f"{alarm.text}{remedy}")

    def _look(self, events: Subscription) -> None:
        status = self._table.status()
        # what had happened by then is known first: the queue is done with all its items
        while (event := events.get()) is not None:
            self._take(event)
            if event.seq >= status.seq:
                break
        # what a resync skipped stands in the status
        for alarm in status.alarms:
            self._alarm(alarm)
        if status.safety.latched and not self._is_latched:
            self._tell("alarm", "shutters stay closed", status.safety.reason or "latched")
        self._is_latched = status.safety.latched
        self._look_for_silence(status)
        self._look_for_the_end(status)

    def _look_for_silence(self, status: StationStatus) -> None:
        now_s, most_s = self._clock.monotonic_s(), self._notifier.settings.silence_s
        if status.state is not StationState.RUNNING:
            self._heard_s = now_s
        elif most_s and not self._is_silence_told and now_s - self._heard_s > most_s:
            self._is_silence_told = True
            run = status.run
            doing = f"{run.name}: {run.step}" if run is not None else "no run is known"
            minutes = (now_s - self._heard_s) / 60
            self._tell("silence", f"no point for {minutes:.0f} min", doing)

    def _look_for_the_end(self, status: StationStatus) -> None:
        is_working = status.state in _WORKING or status.queue.counts.get("waiting", 0) > 0
        if self._was_working and status.state is StationState.IDLE and not is_working:
            counts = ", ".join(f"{count} {state}" for state, count in self._ended.items())
            self._tell("done", "the queue is done", counts or "nothing ran")
            self._ended.clear()
        self._was_working = is_working

    def _tell(self, kind: Any, title: str, text: str) -> None:
        self._notifier.tell(kind, f"{self._station}: {title}", text)
