"""Define the jobs that a worker does: run or resume an item, or bring the table into safety."""

import contextlib
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from labctl.core.clock import Clock, RealClock, ScaledClock
from labctl.core.errors import LabctlError, StorageError
from labctl.core.items import QueueItem
from labctl.engine import Event
from labctl.service.daemon.attended_run import AttendedRun
from labctl.service.daemon.estimating import estimate_beside
from labctl.service.daemon.guardian import Guardian
from labctl.service.daemon.steering import SteeredControl
from labctl.service.daemon.tap import tap
from labctl.service.daemon.tell import Teller
from labctl.service.daemon.wire import Outbox
from labctl.service.session import Session
from labctl.station.station import OpticalTable
from labctl.store.lock import FileLock, owner_of

LOCK_PAUSE_S = 0.1
CLEAN_UP_S = 30.0


class Job(Protocol):
    """Do something at the table, and listen meanwhile."""

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take a command; called in another thread than `work`."""
        ...

    def lose(self) -> None:
        """Take notice that the service has gone; called in another thread than `work`."""
        ...

    def work(self) -> None:
        """Do it."""
        ...


class TableJob:
    """Hold the table while a job lasts: nobody else opens the instruments meanwhile."""

    def __init__(self, message: Mapping[str, Any], out: Outbox) -> None:
        self.message = message
        self.out = out
        self.data = Path(message["data"])
        self.clock = _clock(message["clock"])
        self.teller = Teller(out, self.data, str(message.get("item", "")))
        self.control = SteeredControl()
        self.session: Session | None = None
        self.guardian = Guardian(None, "")
        self._token = 0
        self._lost = threading.Event()
        self._orphan_s = float(message.get("orphan_s", 300.0))

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take a command that every job knows."""
        if message.get("do") == "safe":
            self.make_safe(str(message.get("reason", "laser off")), int(message.get("token", 0)))

    def lose(self) -> None:
        """End after the point, and in any case in time."""
        if not self._lost.is_set():
            self._lost.set()
            self.control.stop("the service has gone")
            threading.Thread(target=self._expire, name="orphan", daemon=True).start()

    @property
    def is_lost(self) -> bool:
        """Tell whether the service has gone."""
        return self._lost.is_set()

    def make_safe(self, reason: str, token: int = 0) -> None:
        """Abort, and make the table safe at once from a thread of its own."""
        self._token = token
        self.control.abort_now(reason)
        threading.Thread(target=self._make_safe, name="safe", daemon=True).start()

    def work(self) -> None:
        """Open the table, do the job, leave the table safe and closed."""
        lock = self._take_table()
        try:
            self.control.install()
            with Guardian(self.message.get("guard"), str(self.message["do"])) as self.guardian:
                self._use_table()
        finally:
            lock.release()

    def _use_table(self) -> None:
        self.session = Session(
            Path(self.message["station"]),
            self.data,
            clock=self.clock,
            backends=self.guardian.backends,
        )
        station = self.session.station
        self.teller.units = {name: channel.unit for name, channel in station.channels.items()}
        self.prepare(station)
        self.guardian.watch(station)
        tap(station, self.guardian.begin, self.teller.reading, self.teller.exposure)
        self.out.send("opened", optics=_optics(station))
        try:
            # whoever held the table before may have left it as it was
            self._report(station.safe())
            self.do(self.session)
        finally:
            unconfirmed = [*self.session.close(), *self.guardian.release()]
            self.out.send("closed", unconfirmed=unconfirmed, token=self._token)

    def prepare(self, station: OpticalTable) -> None:
        """Choose how the table is used, before anything is done with it."""

    def do(self, session: Session) -> None:
        """Do what the job is, with the table open and safe."""

    def _make_safe(self) -> None:
        if self.session is not None:
            self._report(self.session.station.safe())

    def _report(self, unconfirmed: Sequence[str]) -> None:
        """Tell what is not safe; whoever asked for it, also while the table opened, gets it."""
        self.out.send("safe", unconfirmed=list(unconfirmed), token=self._token)

    def _take_table(self) -> FileLock:
        path = Path(self.message["table_lock"])
        told = ""
        wall = RealClock()
        while True:
            try:
                return FileLock(path, "the table")
            except StorageError:
                if self.is_lost:
                    raise
                owner = owner_of(path)
                if owner != told:
                    self.out.send("waiting", owner=owner)
                    told = owner
            wall.sleep(LOCK_PAUSE_S)

    def _expire(self) -> None:
        """End a job that lost its service and does not come to an end by itself."""
        wall = RealClock()
        wall.sleep(self._orphan_s)
        self.control.abort_now("the service has gone, and the point did not end in time")
        self._make_safe()
        wall.sleep(CLEAN_UP_S)
        os._exit(70)


class SafeJob(TableJob):
    """Open the table, verify that it is safe, close it."""


class RunJob(TableJob):
    """Run an item of the queue, or go on with its run."""

    def hear(self, message: Mapping[str, Any]) -> None:
        """Steer the run."""
        reason = str(message.get("reason", "")) or "by the operator"
        match message.get("do"):
            case "pause":
                self.control.pause()
            case "proceed":
                self.control.proceed()
            case "stop":
                self.control.stop(reason)
            case "abort":
                self.control.abort_now(reason)
            case "estimate":
                estimate_beside(lambda: self.session, message, self.out)
            case _:
                super().hear(message)

    def do(self, session: Session) -> None:
        """Run or resume, and tell how it ended."""
        attended = AttendedRun(
            session, self.out, self.control, self.observe, rest=self.guardian.rest
        )
        item = QueueItem.model_validate(self.message["queue_item"])
        attended.conduct(item, str(self.message["run"]))

    def observe(self, event: Event) -> None:
        """Tell the safety process what is allowed now, and the service what goes on."""
        self.guardian.observe(event)
        self.teller.observe(event)


class JobMaker(Protocol):
    """Make a job from the message that asks for it."""

    def __call__(self, message: Mapping[str, Any], out: Outbox) -> Job:
        """Return the job."""
        ...


def _table_job(message: Mapping[str, Any], out: Outbox) -> Job:
    from labctl.service.daemon.by_hand import ByHandJob

    return ByHandJob(message, out)


JOBS: Mapping[str, JobMaker] = {
    "run": RunJob,
    "resume": RunJob,
    "safe": SafeJob,
    "table": _table_job,
}


def _optics(station: OpticalTable) -> Mapping[str, Any]:
    """Return what the optics tell; a job does not fail because they do not."""
    with contextlib.suppress(LabctlError):
        return station.optics()
    return {}


def _clock(fields: Mapping[str, Any]) -> Clock:
    """Return the clock that all processes of the station share."""
    if fields["speed"] == 1.0:
        return RealClock()
    return ScaledClock(fields["speed"], datetime.fromisoformat(fields["origin_utc"]))
