"""Serve one station: the object behind `labctl serve`, its API and its faces."""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from labctl.core.items import QueueItem
from labctl.core.readings import Scalar
from labctl.core.status import Alarm, StationStatus
from labctl.service.daemon.bus import BACKLOG, Subscription
from labctl.service.daemon.live import LiveSpectrum, spectrum_from
from labctl.service.daemon.place import StationPlace
from labctl.service.daemon.settings import DaemonSettings
from labctl.service.daemon.supervisor import Supervisor
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue

COMMAND_S = 30.0
"""How long a command may take to be accepted, in s of the machine's time."""


class Daemon:
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
        return self._supervisor.board.spectrum

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

    # ---- by hand, while no run owns the table

    def attach(self) -> None:
        """Open the table for commands by hand; raises `UsageError` while a run owns it."""
        self._supervisor.by_hand("snapshot")

    def release(self) -> None:
        """Close the table again; it is also closed before a run starts."""
        self._supervisor.order("release").result(COMMAND_S)

    def read_channel(self, channel: str) -> dict[str, Any]:
        """Read a channel now: value, unit, utc, quality, reason."""
        return dict(self._supervisor.by_hand("read", channel=channel))

    def set_channel(self, channel: str, value: Scalar) -> dict[str, Any]:
        """Move a channel and return its read-back, as `read_channel`.

        Raises
        ------
        UsageError
            If a run owns the table, or there is no such channel.
        LimitError
            If the value may not be set; nothing has moved then.
        """
        return dict(self._supervisor.by_hand("set", channel=channel, value=value))

    def acquire(
        self,
        exposure_s: float,
        *,
        accumulations: int = 1,
        beams: Sequence[str] = (),
        mode: Literal["spectrum", "image"] = "spectrum",
        device: str = "spectrometer",
    ) -> LiveSpectrum:
        """Expose once and return it; it is not saved."""
        found = self._supervisor.by_hand(
            "acquire",
            device=device,
            exposure_s=exposure_s,
            accumulations=accumulations,
            beams=list(beams),
            mode=mode,
        )
        return spectrum_from(found, self._supervisor.bus.seq)

    def start_live(
        self, exposure_s: float, *, beams: Sequence[str] = (), device: str = "spectrometer"
    ) -> None:
        """Expose again and again; each is an event `spectrum` with `saved` false."""
        self._supervisor.by_hand(
            "live", device=device, exposure_s=exposure_s, beams=list(beams), accumulations=1
        )

    def stop_live(self) -> None:
        """End the live view, with the shutters closed."""
        self._supervisor.by_hand("still")

    def estimate(self, procedure: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Walk through a procedure without moving anything: points, total_s, dose_j, violations.

        Raises
        ------
        UsageError
            If a run owns the table, or the parameters are wrong.
        """
        fields = {"procedure": procedure, "values": dict(values)}
        return dict(self._supervisor.by_hand("estimate", **fields))
