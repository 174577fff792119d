"""Serve one station: the object behind `labctl serve`, its API and its faces."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from labctl.core.errors import LabctlError, UsageError
from labctl.core.items import QueueItem
from labctl.core.procedure import Procedure, find_procedures
from labctl.core.status import Alarm, StationStatus
from labctl.service.calibrations import (
    Decision,
    FoundCalibrations,
    Known,
    known_calibrations,
)
from labctl.service.daemon.bus import BACKLOG, Subscription
from labctl.service.daemon.description import describe_station, load_optics
from labctl.service.daemon.hand_access import COMMAND_S, HandAccess
from labctl.service.daemon.live import LiveSpectrum, NewestExposure
from labctl.service.daemon.place import StationPlace
from labctl.service.daemon.settings import DaemonSettings
from labctl.service.daemon.supervisor import Supervisor
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue


class Daemon(HandAccess):
    """Hold one station with its queue, and the processes that work for it.

    Every public method may be called from any thread. Commands return when they have been
    accepted, not when they have had their effect: that is told by events. They raise
    `LabctlError` with a remedy if they are refused.

    Parameters
    ----------
    station_file
        The station file. A simulated table is started in a process of its own.
    data
        Folder for runs and the station's own files; None uses the one that the file names.
    settings
        Speed of a simulated table, deadlines, and what to leave out.

    Attributes
    ----------
    database, queue
        The station database (this process is its only writer) and the queue in it. Both may be
        used from any thread; every change of the queue becomes an event `queue`.
    place
        Where the station's files are: `place.folder`, `place.socket`, `place.data`.

    Raises
    ------
    ConfigError
        If another process serves this station, which is named, or the file cannot be used.
    StorageError
        If the data folder cannot be written, or the database is damaged.
    """

    def __init__(
        self,
        station_file: str | Path | None = None,
        data: str | Path | None = None,
        settings: DaemonSettings | None = None,
    ) -> None:
        self.settings = settings or DaemonSettings()
        self.place = StationPlace.open(station_file, data)
        try:
            self.database = StationDatabase(self.place.database)
            self._supervisor = Supervisor(self.place, self.database, self.settings)
        except BaseException:
            self.place.close()
            raise
        self.queue: Queue = self._supervisor.queue
        self._ended = threading.Event()
        self._is_stopping = False

    # ---- life

    def start(self) -> None:
        """Start the processes, bring the table into its safe state and recover what was cut."""
        self._supervisor.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return True when the daemon has ended, False after `timeout_s` of the machine's time."""
        return self._ended.wait(timeout_s)

    def stop(self) -> None:
        """End from a signal handler: as `close`, in a thread; a second call aborts the run."""
        if self._is_stopping:
            self._supervisor.closing.is_in_haste = True
        self._is_stopping = True
        threading.Thread(target=self.close, name="closing").start()

    def close(self) -> list[str]:
        """End: stop after the point (with a deadline), safe state, all processes, the lock.

        Returns what could not be confirmed to be safe, one sentence each. Allowed repeatedly.
        """
        try:
            return self._supervisor.close()
        finally:
            self.database.close()
            self.place.close()
            self._ended.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def announce(self, **fields: Any) -> None:
        """Add fields (`port`, `token`, `socket`) to `service.json` (0600), for clients to find."""
        self.place.announce(**fields)

    # ---- what is

    def status(self) -> StationStatus:
        """Return a snapshot; its `seq` is where to subscribe for the increments."""
        return self._supervisor.status()

    def latest_spectrum(self) -> LiveSpectrum | None:
        """Return the newest exposure of a run or of the live view, or None before the first."""
        return self._supervisor.newest.newest

    @property
    def exposures(self) -> NewestExposure:
        """Return what holds the newest exposure and tells of the next."""
        return self._supervisor.newest

    def describe(self) -> dict[str, Any]:
        """Return what the table has, as plain JSON: channels, beams, positions, camera."""
        folder, clock = self.place.station_file.parent, self._supervisor.clock
        return describe_station(self.place.file, folder, load_optics(self.database), clock)

    def procedures(self) -> Mapping[str, type[Procedure]]:
        """Return the procedures of the station by name.

        Raises
        ------
        ConfigError
            If one of their modules cannot be imported.
        """
        return find_procedures(self.place.file.station.procedures)

    def calibrations(self) -> Sequence[Known]:
        """Return all calibrations by kind, the newest of each first."""
        now_utc = self._supervisor.clock.utc()
        folder = self.place.station_file.parent
        return known_calibrations(self.place.file, folder, self.place.data, now_utc)

    def decide(self, run: Path, decision: Decision, who: str) -> Sequence[str]:
        """Accept or discard the calibrations that the run in a folder found.

        The table is opened anew by whoever uses it next, so that they count from then on.

        Raises
        ------
        UsageError
            If it found none.
        """
        now_utc = self._supervisor.clock.utc()
        decided = FoundCalibrations(self.place.data).decide(run, decision, who, now_utc)
        self._supervisor.order("reopen").result(COMMAND_S)
        return decided

    def subscribe(
        self,
        since_seq: int | None = None,
        *,
        capacity: int = BACKLOG,
        notify: Callable[[], None] | None = None,
    ) -> Subscription:
        """Listen to the events after `since_seq`, or from now on; see `labctl…daemon.bus`.

        `Subscription.get(timeout_s)` returns `BusEvent(seq, kind, data)` or None. After a
        `resync` event the listener takes a new `status()`, reads the points of the run from the
        store, and goes on with the same subscription. `notify` lets asyncio wait:
        `notify=lambda: loop.call_soon_threadsafe(event.set)`.
        """
        return self._supervisor.bus.subscribe(since_seq, capacity=capacity, notify=notify)

    # ---- the queue

    def add(self, items: Sequence[QueueItem]) -> list[QueueItem]:
        """Check procedures and parameters of items, estimate them if the table is open, add them.

        Raises
        ------
        UsageError
            If a procedure or parameter is unknown, missing or out of range: then none is added.
        """
        return self.queue.add(items)

    def run_now(self, item: QueueItem) -> QueueItem:
        """Run an item in front of all others, after the present run if there is one.

        A queue that is held stays held: it does not go on after the item.

        Raises
        ------
        UsageError
            If the item is a pause, waits for something, or is wrong as in `add`.
        SafetyError
            If the table is not known to be safe.
        """
        given = item.conditions
        if item.kind != "run" or given.not_before is not None or given.after is not None:
            raise UsageError(
                "only a run that waits for nothing can be measured now",
                remedy="leave its conditions out, or add it to the queue",
            )
        (added,) = self.queue.add([item], at=0)
        try:
            self._supervisor.order("run_now", added.id).result(COMMAND_S)
        except LabctlError:
            self.queue.remove([added.id])
            raise
        return added

    def start_queue(self) -> None:
        """Start to work through the queue; does nothing if that goes on already."""
        self._supervisor.order("start_queue").result(COMMAND_S)

    def pause(self, kind: Literal["after_point", "now"] = "after_point") -> None:
        """Pause the run after the point being measured, or now (that point is repeated later).

        Without a run the queue is paused: no item starts until `proceed`.
        """
        self._supervisor.order("pause", kind).result(COMMAND_S)

    def proceed(self) -> None:
        """Go on after a pause, whoever caused it; starts the queue again.

        Raises
        ------
        SafetyError
            If the safety process has latched, or the table is not known to be safe.
        """
        self._supervisor.order("proceed").result(COMMAND_S)

    def stop_after_run(self) -> None:
        """Start no further item after the present one."""
        self._supervisor.order("stop_after_run").result(COMMAND_S)

    def stop_after_point(self) -> None:
        """End the present run after the point being measured, and start no further item."""
        self._supervisor.order("stop_after_point").result(COMMAND_S)

    def abort_now(self, reason: str = "aborted by the operator") -> None:
        """End the present run at once in the safe state, and start no further item."""
        self._supervisor.order("abort_now", reason).result(COMMAND_S)

    def approve(self, item: str) -> QueueItem:
        """Let an interrupted or quarantined item run again; it goes on where it was cut."""
        return self._supervisor.approve(item)

    # ---- safety

    def safe(self, who: str = "operator") -> list[str]:
        """Close shutters and block emission now, from anywhere, whatever is going on.

        Asks the safety process; without one, the process that holds the table, and if that does
        not confirm in time it is killed and a fresh one does it. The queue stops. Returns what
        could not be confirmed, one sentence each: an empty list means that it is safe.
        """
        return self._supervisor.make_safe(who)

    def reset_latch(self, who: str) -> None:
        """Let shutters be opened again after the cause is removed; only for people at the table.

        Raises
        ------
        SafetyError
            If the interlock is still open.
        """
        self._supervisor.safety.reset_latch(who)

    def alarm(
        self,
        text: str,
        *,
        level: Literal["info", "warning", "alarm"] = "alarm",
        source: str = "",
        remedy: str = "",
    ) -> Alarm:
        """Raise an alarm that stays until it is acknowledged."""
        return self._supervisor.raise_alarm(text, level=level, source=source, remedy=remedy)

    def acknowledge(self, alarm: int, who: str) -> Alarm:
        """Acknowledge an alarm by its id; raises `UsageError` if there is none."""
        return self._supervisor.acknowledge(alarm, who)
