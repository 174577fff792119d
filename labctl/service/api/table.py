"""Define what the API asks of the station that it offers; `labctl.service.daemon.Daemon` has it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from labctl.core.items import QueueItem
from labctl.core.procedure import Procedure
from labctl.core.readings import Scalar
from labctl.core.status import Alarm, StationStatus
from labctl.service.calibrations import Decision, Known
from labctl.service.daemon.bus import Subscription
from labctl.service.daemon.live import LiveSpectrum, NewestExposure
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue


class Place(Protocol):
    """Say where the files of a station are."""

    @property
    def data(self) -> Path:
        """Return the folder with the runs."""
        ...

    @property
    def socket(self) -> Path:
        """Return the path of the local socket."""
        ...


class Table(Protocol):
    """Serve one station. Every method may be called from any thread."""

    @property
    def database(self) -> StationDatabase:
        """Return the station database."""
        ...

    @property
    def queue(self) -> Queue:
        """Return the queue."""
        ...

    @property
    def place(self) -> Place:
        """Return where the files are."""
        ...

    def announce(self, **fields: Any) -> None:
        """Tell local clients how to connect."""
        ...

    def status(self) -> StationStatus:
        """Return a snapshot."""
        ...

    @property
    def exposures(self) -> NewestExposure:
        """Return what holds the newest exposure and tells of the next."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return channels, beams, positions, windows, camera."""
        ...

    def procedures(self) -> Mapping[str, type[Procedure]]:
        """Return the procedures by name."""
        ...

    def calibrations(self) -> Sequence[Known]:
        """Return all calibrations."""
        ...

    def decide(self, run: Path, decision: Decision, who: str) -> Sequence[str]:
        """Accept or discard the calibrations that a run found."""
        ...

    def run_now(self, item: QueueItem) -> QueueItem:
        """Run an item in front of all others."""
        ...

    def latest_spectrum(self) -> LiveSpectrum | None:
        """Return the newest exposure."""
        ...

    def subscribe(
        self,
        since_seq: int | None = None,
        *,
        capacity: int = ...,
        notify: Callable[[], None] | None = None,
    ) -> Subscription:
        """Listen to events."""
        ...

    def add(self, items: Sequence[QueueItem]) -> list[QueueItem]:
        """Check, estimate and add items."""
        ...

    def start_queue(self) -> None:
        """Work through the queue."""
        ...

    def pause(self, kind: Literal["after_point", "now"] = "after_point") -> None:
        """Pause the run."""
        ...

    def proceed(self) -> None:
        """Go on after a pause."""
        ...

    def stop_after_run(self) -> None:
        """Start no further item."""
        ...

    def stop_after_point(self) -> None:
        """End the run after the point."""
        ...

    def abort_now(self, reason: str = ...) -> None:
        """End the run at once."""
        ...

    def approve(self, item: str) -> QueueItem:
        """Let an interrupted or quarantined item run again."""
        ...

    def safe(self, who: str = ...) -> list[str]:
        """Close shutters and block emission now."""
        ...

    def reset_latch(self, who: str) -> None:
        """Let shutters be opened again."""
        ...

    def acknowledge(self, alarm: int, who: str) -> Alarm:
        """Acknowledge an alarm."""
        ...

    def attach(self) -> None:
        """Open the table for commands by hand."""
        ...

    def release(self) -> None:
        """Close the table again."""
        ...

    def read_channel(self, channel: str) -> dict[str, Any]:
        """Read a channel."""
        ...

    def set_channel(self, channel: str, value: Scalar) -> dict[str, Any]:
        """Move a channel."""
        ...

    def acquire(
        self,
        exposure_s: float,
        *,
        accumulations: int = 1,
        beams: Sequence[str] = (),
        mode: Literal["spectrum", "image"] = "spectrum",
        device: str = "spectrometer",
    ) -> LiveSpectrum:
        """Expose once."""
        ...

    def start_live(
        self,
        exposure_s: float,
        *,
        beams: Sequence[str] = (),
        mode: Literal["spectrum", "image"] = "spectrum",
        device: str = "spectrometer",
    ) -> None:
        """Expose again and again."""
        ...

    def stop_live(self) -> None:
        """End the live view."""
        ...

    def estimate(self, procedure: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Walk through a procedure without moving anything."""
        ...
