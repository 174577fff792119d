"""Give scripts, notebooks and faces a served table."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from labctl.client.administration import Administration
from labctl.client.connection import Address, Connection
from labctl.client.events import EventStream
from labctl.client.finding import find_service
from labctl.client.queue import QueueClient
from labctl.client.records import Records
from labctl.client.runs import Job
from labctl.core.items import QueueItem
from labctl.core.readings import Scalar
from labctl.core.status import Alarm, StationStatus

if TYPE_CHECKING:
    from labctl.client.frames import FrameStream

COMMAND_S = 60.0
SAFE_S = 30.0
LONGEST_HAND_S = 3700.0
"""A command by hand may be an exposure of an hour."""


def connect(
    target: str | Path | None = None,
    *,
    token: str | None = None,
    certificate: str | Path | None = None,
) -> "Table":
    """Connect to the service of a table: `with labctl.connect() as table: …`.

    Parameters
    ----------
    target
        The data folder of a service on this machine (as delivered: `data`), or an address such
        as `https://table.example.org:8443`; see `labctl.client.finding`.
    token, certificate
        Token of a remote client, and the certificate to trust.

    Raises
    ------
    ConnectionFailed
        If no service answers there.
    UsageError
        If it refuses the token.
    """
    return Table(Connection(find_service(target, token=token, certificate=certificate)))


class Table(Records, Administration):
    """Hold the connection to one served table; a context manager.

    Closing it touches no run. Every method may be called from any thread; those that command
    return when the command was accepted, and raise what the service refuses it with.

    Attributes
    ----------
    queue
        The queue of the table.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._streams: list[EventStream | FrameStream] = []
        self.queue = QueueClient(connection)
        connection.boot = self.status().boot

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all streams; allowed repeatedly."""
        while self._streams:
            self._streams.pop().close()

    @property
    def address(self) -> Address:
        """Return where the service is."""
        return self._connection.address

    # ---- what is

    def status(self) -> StationStatus:
        """Return a snapshot."""
        return StationStatus.model_validate(self._connection.get("/status"))

    def events(self, kinds: Sequence[str] = ()) -> EventStream:
        """Follow the table; the first event is a snapshot (see `labctl.client.events`)."""
        stream = EventStream(self._connection, kinds)
        self._streams.append(stream)
        return stream

    def spectrum(self, most: int = 4096) -> Mapping[str, Any]:
        """Return the newest exposure: wavelength_nm, shift_cm1, counts, exposure_s.

        Raises
        ------
        UsageError
            If nothing was exposed yet.
        """
        found: Mapping[str, Any] = self._connection.get("/spectrum", most=most)
        return found

    def trend(self) -> Mapping[str, Any]:
        """Return how cryostat, pressure and camera temperature went: utc, values, units."""
        found: Mapping[str, Any] = self._connection.get("/trend")
        return found

    def frames(self, most_per_s: float = 30.0) -> "FrameStream":
        """Follow the exposures as arrays, the newest only (see `labctl.client.frames`)."""
        from labctl.client.frames import FrameStream

        stream = FrameStream(self._connection, most_per_s)
        self._streams.append(stream)
        return stream

    def description(self) -> Mapping[str, Any]:
        """Return what the table has.

        station, simulated, channels (name, unit, settable, low, high, choices, kind), beams
        (name, wavelength_nm, power_low_w, power_high_w), positions (µm by axis), windows,
        gratings, camera, settling, notch_nm, ambient_k. What camera and spectrograph tell of
        themselves is None until the table was opened once.
        """
        found: Mapping[str, Any] = self._connection.get("/table")
        return found

    def procedures(self) -> Sequence[Mapping[str, Any]]:
        """Return name, summary and parameters of every procedure, to make forms of them."""
        found: Sequence[Mapping[str, Any]] = self._connection.get("/procedures")["procedures"]
        return found

    # ---- control

    def run_now(
        self,
        procedure: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        label: str = "",
        **more: Any,
    ) -> Job:
        """Measure this one item now, in front of all others; parameters as in `queue.add`.

        A queue that is held does not go on after it. If a run is on, it comes after that.

        Raises
        ------
        UsageError
            If the procedure or a parameter is unknown, missing or out of range.
        SafetyError
            If the table is not known to be safe.
        """
        item = {
            "procedure": procedure,
            "parameters": {**(parameters or {}), **more},
            "label": label,
        }
        added = self._connection.post("/control/run", {"item": item}, timeout_s=COMMAND_S)
        return Job(self._connection, QueueItem.model_validate(added))

    def start(self) -> None:
        """Work through the queue."""
        self._command("/control/start")

    def pause(self, when: Literal["after_point", "now"] = "after_point") -> None:
        """Pause after the point being measured, or now (the point is repeated later)."""
        self._command("/control/pause", {"when": when})

    def proceed(self) -> None:
        """Go on after a pause."""
        self._command("/control/continue")

    def stop(self, after: Literal["run", "point"] = "run") -> None:
        """Stop the queue after the present run, or after the point being measured."""
        self._command("/control/stop", {"after": after})

    def abort(self, reason: str = "") -> None:
        """End the run at once in the safe state; the queue stops."""
        self._command("/control/abort", {"reason": reason})

    def safe(self) -> list[str]:
        """Close shutters and block emission now; returns what could not be confirmed."""
        answer = self._connection.post("/control/safe", timeout_s=SAFE_S)
        return [str(one) for one in answer["unconfirmed"]]

    def reset_latch(self) -> None:
        """Allow beams again after an interlock; only for people at the table."""
        self._command("/control/reset")

    def acknowledge(self, alarm: int) -> Alarm:
        """Acknowledge an alarm."""
        return Alarm.model_validate(self._connection.post(f"/alarms/{alarm}/acknowledge"))

    # ---- by hand, while no run owns the table

    def attach(self) -> None:
        """Open the table for commands by hand; raises `UsageError` while a run owns it."""
        self._by_hand("attach")

    def release(self) -> None:
        """Close the table again."""
        self._by_hand("release")

    def read(self, channel: str) -> Mapping[str, Any]:
        """Read a channel now: value, unit, utc, quality, reason."""
        found: Mapping[str, Any] = self._connection.get(
            f"/table/channels/{channel}", timeout_s=LONGEST_HAND_S
        )
        return found

    def set(self, channel: str, value: Scalar) -> Mapping[str, Any]:
        """Move a channel and return its read-back; raises `LimitError`."""
        return self._by_hand("set", channel=channel, value=value)

    def acquire(
        self,
        exposure_s: float,
        *,
        beams: Iterable[str] = (),
        accumulations: int = 1,
        mode: Literal["spectrum", "image"] = "spectrum",
    ) -> Mapping[str, Any]:
        """Expose once and return it as `spectrum` does; it is not saved."""
        return self._by_hand(
            "acquire",
            exposure_s=exposure_s,
            beams=list(beams),
            accumulations=accumulations,
            mode=mode,
        )

    def start_live(
        self,
        exposure_s: float,
        *,
        beams: Iterable[str] = (),
        mode: Literal["spectrum", "image"] = "spectrum",
    ) -> None:
        """Expose again and again; a live view that is on goes on with these settings.

        Each exposure is an event `spectrum`, and comes with its arrays from `frames`.
        """
        self._by_hand("live", exposure_s=exposure_s, beams=list(beams), mode=mode)

    def stop_live(self) -> None:
        """End the live view, with the shutters closed."""
        self._by_hand("still")

    def estimate(self, procedure: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return duration, points, dose and limit violations of a procedure."""
        return self._by_hand("estimate", procedure=procedure, parameters=dict(parameters))

    def _command(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        self._connection.post(path, body, timeout_s=COMMAND_S)

    def _by_hand(self, do: str, **fields: Any) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._connection.post(
            f"/table/{do}", fields or None, timeout_s=LONGEST_HAND_S
        )
        return found
