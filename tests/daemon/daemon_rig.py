"""Run a daemon in this process, and wait for what it tells."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from labctl.core.clock import RealClock
from labctl.core.items import Conditions, ItemState, QueueItem, new_item_id
from labctl.core.journal import RunState
from labctl.core.status import StationState
from labctl.service.daemon.bus import BusEvent
from labctl.service.daemon.daemon import Daemon
from labctl.service.daemon.settings import DaemonSettings
from labctl.store import RunReader
from labctl.store.folders import run_folders

SPEED = 50.0
LONGEST_S = 50.0
SETTINGS: Mapping[str, Any] = {"speed": None, "stop_s": 20.0, "poll_s": 0.5, "idle_s": 0.2}
POWER_SERIES: Mapping[str, Any] = {
    "powers": [50e-6, 100e-6, 200e-6],
    "windows": ["raman"],
    "regions": ["mono"],
    "exposure_s": 1.0,
    "accumulations": 2,
    "refocus": False,
}
LONG = POWER_SERIES | {"exposure_s": 15.0, "accumulations": 1}
"""The same with exposures of 0.3 s of the machine."""
POINTS = 5
"""Points of that: a dark, a reference, three powers."""


def item(on_recovery: str = "resume", **changes: Any) -> QueueItem:
    """Return a short power series."""
    conditions = Conditions(on_recovery=on_recovery, **changes.pop("conditions", {}))
    fields = {"procedure": "power_series", "parameters": dict(POWER_SERIES)} | changes
    return QueueItem(id=new_item_id(), conditions=conditions, **fields)


class Rig:
    """Hold a daemon with a subscription; a context manager."""

    def __init__(self, station: Path, data: Path, **settings: Any) -> None:
        self.data = data
        self.daemon = Daemon(station, data, DaemonSettings(**{**SETTINGS, **settings}))
        self.events = self.daemon.subscribe(capacity=10_000)
        self._clock = RealClock()

    def __enter__(self) -> Self:
        self.daemon.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.close()

    def add(self, *items: QueueItem) -> list[str]:
        """Add items; returns their identities."""
        return [one.id for one in self.daemon.add(items)]

    def await_event(self, kind: str, fits: Callable[[BusEvent], bool] = lambda _: True) -> BusEvent:
        """Return the next event that fits."""
        end_s = self._clock.monotonic_s() + LONGEST_S
        while (left_s := end_s - self._clock.monotonic_s()) > 0:
            event = self.events.get(left_s)
            if event is not None and event.kind == kind and fits(event):
                return event
        raise AssertionError(f"no {kind} in time; {self.daemon.status().model_dump_json()}")

    def await_that(self, holds: Callable[[], object]) -> None:
        """Return once something holds."""
        end_s = self._clock.monotonic_s() + LONGEST_S
        while not holds():
            assert self._clock.monotonic_s() < end_s, self.daemon.status().model_dump_json()
            self.events.get(0.05)

    def await_point(self, item_id: str, number: int) -> BusEvent:
        """Return once a point is safe."""
        return self.await_event(
            "point", lambda event: event.data["item"] == item_id and event.data["number"] >= number
        )

    def await_end(self, item_id: str) -> QueueItem:
        """Return an item once it has ended."""
        self.await_event(
            "run", lambda event: event.data["item"] == item_id and "ended" in event.data
        )
        return self.daemon.queue.get(item_id)

    def await_state(self, state: StationState) -> None:
        """Return once the station is in a state."""
        if self.daemon.status().state is not state:
            self.await_event("state", lambda event: event.data["state"] == state)

    def await_open(self) -> None:
        """Return once the table is open for commands by hand."""
        if not self.daemon.status().interactive:
            self.await_event("state", lambda event: event.data["interactive"])

    def worker_pid(self) -> int:
        """Return the process of the run."""
        worker = self.daemon._supervisor.desk.worker
        assert worker is not None
        return worker.child.pid

    def reader(self, run: str) -> RunReader:
        """Open a run."""
        (folder,) = [folder for _, folder in run_folders(self.data) if folder.name == run]
        return RunReader(folder)


def check_run(rig: Rig, done: QueueItem, points: int = POINTS) -> None:
    """Check that an item ended with one run that holds every point once."""
    assert done.state is ItemState.FINISHED, repr(done)
    (run,) = done.runs
    with rig.reader(run) as reader:
        assert reader.state is RunState.FINISHED
        assert [point.number for point in reader.points()] == list(range(points))
        assert reader.damaged() == []
