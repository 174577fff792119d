"""Start the workers, one of them ahead of time, and notice those that hang."""

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labctl.core.clock import Clock, RealClock
from labctl.service.daemon.child import Child, OnEnd, OnMessage
from labctl.service.daemon.guard import SafetyService
from labctl.service.daemon.place import StationPlace
from labctl.service.daemon.served import ServedStation
from labctl.service.daemon.settings import DaemonSettings
from labctl.service.daemon.station_clock import clock_fields

MODULE = "labctl.service.daemon.worker"
SPARE_PAUSE_S = 2.0
MOST_FAILED_SPARES = 5


@dataclass(slots=True)
class Worker:
    """Hold a worker with what it does: `run`, `resume`, `table`, `safe`, or nothing yet."""

    child: Child
    seen_s: float
    job: str = ""
    epoch: int = 0


class Crew:
    """Hold all workers; used by the supervisor's thread only, except `newest`."""

    def __init__(
        self,
        place: StationPlace,
        served: ServedStation,
        guard: SafetyService,
        settings: DaemonSettings,
        clock: Clock,
        on_message: OnMessage,
        on_end: OnEnd,
    ) -> None:
        self._place = place
        self._served = served
        self._guard = guard
        self._settings = settings
        self._clock = clock
        self._wall = RealClock()
        self._on_message = on_message
        self._on_end = on_end
        self._numbers = itertools.count(1)
        self._workers: dict[Child, Worker] = {}
        self._spare: Worker | None = None
        self._spared_s = -SPARE_PAUSE_S
        self._failed_spares = 0

    @property
    def workers(self) -> Mapping[Child, Worker]:
        """Return the workers that have not ended."""
        return self._workers

    @property
    def is_broken(self) -> bool:
        """Tell whether workers end as soon as they are started."""
        return self._failed_spares >= MOST_FAILED_SPARES

    def employ(self, job: str, epoch: int, **fields: Any) -> Worker:
        """Give a job to a worker; raises `ConfigError` if no process can be started."""
        spare = self._spare
        self._spare = None
        worker = spare if spare is not None and spare.child.is_alive else self._start()
        worker.job, worker.epoch = job, epoch
        worker.seen_s = self._wall.monotonic_s()
        worker.child.send(
            job,
            data=str(self._place.data),
            station=str(self._place.served_file),
            guard=self._guard.worker_fields(),
            clock=clock_fields(self._clock),
            table_lock=str(self._place.table_lock),
            orphan_s=self._settings.orphan_s,
            epoch=epoch,
            **fields,
        )
        return worker

    def prepare(self) -> None:
        """Start the process of the next job, if there is none yet."""
        now_s = self._wall.monotonic_s()
        is_due = now_s - self._spared_s >= SPARE_PAUSE_S
        if self._settings.spare and self._spare is None and is_due and not self.is_broken:
            self._spared_s = now_s
            self._spare = self._start()

    def see(self, child: Child) -> Worker | None:
        """Note a sign of life; returns its worker, or None if it is none of ours."""
        worker = self._workers.get(child)
        if worker is not None:
            worker.seen_s = self._wall.monotonic_s()
        return worker

    def dismiss(self, child: Child) -> Worker | None:
        """Forget a worker that has ended; returns it."""
        worker = self._workers.pop(child, None)
        if worker is not None and worker is self._spare:
            self._spare = None
            self._failed_spares += 1
        elif worker is not None:
            self._failed_spares = 0
        return worker

    def silent(self) -> list[Worker]:
        """Return the workers at work that have given no sign of life for too long."""
        now_s = self._wall.monotonic_s()
        return [
            worker
            for worker in self._workers.values()
            if worker.job and now_s - worker.seen_s > self._settings.beat_s
        ]

    def forgive(self) -> None:
        """Begin to count silence anew: the machine itself was silent."""
        for worker in self._workers.values():
            worker.seen_s = self._wall.monotonic_s()

    def close(self) -> None:
        """Kill whoever is left."""
        for child in list(self._workers):
            child.kill()
        for child in list(self._workers):
            child.join(5.0)

    def _start(self) -> Worker:
        name = f"worker-{os.getpid()}-{next(self._numbers)}"
        keep = (self._served.keep,) if self._served.keep >= 0 else ()
        child = Child(
            name,
            [MODULE, str(self._place.station_file)],
            self._place.log(name),
            on_message=self._on_message,
            on_end=self._on_end,
            keep=keep,
        )
        worker = Worker(child, self._wall.monotonic_s())
        self._workers[child] = worker
        return worker
