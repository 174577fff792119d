"""Keep what is known of a station at this moment, and put it together for people."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from labctl import __version__
from labctl.core.clock import Clock, RealClock
from labctl.core.errors import UsageError
from labctl.core.readings import Quality
from labctl.core.status import (
    Alarm,
    BeamStatus,
    QueueStatus,
    RunStatus,
    SafetyStatus,
    StationState,
    StationStatus,
    ValueStatus,
)
from labctl.station.sections import StationFile

MOST_ALARMS = 200
MOST_VALUES = 500
STALE_S = 30.0


@dataclass(slots=True)
class RunNote:
    """Hold what is known of the run in hand; `counted_s` is when `left_s` was told."""

    status: RunStatus
    counted_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Known:
    fields: Mapping[str, Any]
    at_s: float


@dataclass(slots=True)
class Board:
    """Hold it. Every method may be called from any thread.

    `clock` is the station's; ages are of the machine's.
    """

    file: StationFile
    clock: Clock
    boot: str
    simulated: bool
    speed: float = 1.0
    stale_s: float = STALE_S
    state: StationState = StationState.IDLE
    reason: str = ""
    safety: SafetyStatus = field(default_factory=SafetyStatus)
    queue: QueueStatus = field(default_factory=QueueStatus)
    interactive: bool = False
    live: bool = False
    live_beams: tuple[str, ...] = ()
    epoch: int = 0
    run: RunNote | None = None
    exposing: tuple[str, ...] = ()
    _values: dict[str, _Known] = field(default_factory=dict)
    _alarms: deque[Alarm] = field(default_factory=lambda: deque(maxlen=MOST_ALARMS))
    _alarm_number: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _wall: Clock = field(default_factory=RealClock)

    def read(self, fields: Mapping[str, Any]) -> None:
        """Take the reading of a channel."""
        name = str(fields["name"])
        with self._lock:
            if name in self._values or len(self._values) < MOST_VALUES:
                self._values[name] = _Known(fields, self._wall.monotonic_s())

    def set_run(self, run: RunStatus | None) -> None:
        """Take what is known of the run in hand, or that there is none."""
        with self._lock:
            self.run = None if run is None else RunNote(run, self.clock.monotonic_s())
            if run is None:
                self.exposing = ()

    def change_run(self, **changes: Any) -> None:
        """Change what is known of the run in hand."""
        with self._lock:
            if self.run is not None:
                self.run.status = self.run.status.model_copy(update=changes)
                if "left_s" in changes:
                    self.run.counted_s = self.clock.monotonic_s()

    def raise_alarm(self, **fields: Any) -> Alarm:
        """Add an alarm; the same again, while nobody has seen it, is not a new one."""
        with self._lock:
            for alarm in self._alarms:
                if alarm.text == fields.get("text") and not alarm.acknowledged_by:
                    return alarm
            self._alarm_number += 1
            alarm = Alarm(id=self._alarm_number, utc=self.clock.utc().isoformat(), **fields)
            self._alarms.append(alarm)
            return alarm

    def acknowledge(self, number: int, who: str) -> Alarm:
        """Mark an alarm as seen; raises `UsageError` if there is none."""
        with self._lock:
            for index, alarm in enumerate(self._alarms):
                if alarm.id == number:
                    seen = alarm.model_copy(
                        update={
                            "acknowledged_by": who,
                            "acknowledged_utc": self.clock.utc().isoformat(),
                        }
                    )
                    self._alarms[index] = seen
                    return seen
        raise UsageError(f"there is no alarm {number}", remedy="'labctl status' shows the alarms")

    def status(self, seq: int) -> StationStatus:
        """Return a snapshot that contains the events up to `seq`."""
        with self._lock:
            values = {name: self._value(name) for name in sorted(self._values)}
            run = None if self.run is None else self._run_status(self.run)
            return StationStatus(
                station=self.file.station.name,
                simulated=self.simulated,
                state=self.state,
                reason=self.reason,
                seq=seq,
                epoch=self.epoch,
                boot=self.boot,
                utc=self.clock.utc().isoformat(),
                speed=self.speed,
                run=run,
                beams=tuple(self._beam(name) for name in self.file.beams),
                cryostat=values.get("cryostat.temperature"),
                pressure=values.get("cryostat.pressure"),
                camera=values.get("camera.temperature"),
                stage=tuple(value for name, value in values.items() if name.startswith("stage.")),
                values=values,
                queue=_with_run(self.queue, run, self.clock.utc()),
                safety=self.safety,
                alarms=tuple(self._alarms),
                interactive=self.interactive,
                live=self.live,
                versions={"labctl": __version__},
            )

    def _run_status(self, note: RunNote) -> RunStatus:
        status = note.status
        if status.left_s is None:
            return status
        left_s = max(status.left_s - (self.clock.monotonic_s() - note.counted_s), 0.0)
        eta = self.clock.utc() + timedelta(seconds=left_s)
        return status.model_copy(update={"left_s": left_s, "eta_utc": eta.isoformat()})

    def _value(self, name: str) -> ValueStatus:
        known = self._values.get(name)
        if known is None:
            return ValueStatus(name=name)
        age_s = self._wall.monotonic_s() - known.at_s
        fields = known.fields
        return ValueStatus(
            name=name,
            value=fields["value"],
            unit=fields["unit"],
            quality=Quality(fields["quality"]),
            reason=fields["reason"],
            age_s=age_s,
            utc=fields["utc"],
            stale=age_s > self.stale_s,
        )

    def _beam(self, name: str) -> BeamStatus:
        parts = ("power", "laser_power", "shutter", "interlock")
        power, laser, shutter, interlock = (self._value(f"{name}.{part}") for part in parts)
        seen = [one for one in (power, laser, shutter, interlock) if one.age_s is not None]
        worst = _worst(seen)
        light_w = laser.value if isinstance(laser.value, float | int) else None
        # beams of a live view are closed for a moment between films: nobody should rely on that
        exposing = name in self.exposing or (self.live and name in self.live_beams)
        blade = shutter.value if shutter.value in ("open", "closed") else "unknown"
        return BeamStatus(
            name=name,
            wavelength_nm=self.file.beams[name].wavelength_nm,
            power_w=power.value if isinstance(power.value, float | int) else None,
            laser_power_w=light_w,
            shutter="open" if exposing else blade,
            emission=None if light_w is None else light_w > 0,
            interlock=interlock.value if isinstance(interlock.value, bool) else None,
            exposing=exposing,
            age_s=max((one.age_s or 0.0 for one in seen), default=None),
            quality=worst.quality if worst else Quality.INVALID,
            reason=worst.reason if worst else "not read yet",
        )


def _worst(values: Sequence[ValueStatus]) -> ValueStatus | None:
    order = (Quality.INVALID, Quality.UNCERTAIN, Quality.GOOD)
    return min(values, key=lambda one: order.index(one.quality), default=None)


def _with_run(queue: QueueStatus, run: RunStatus | None, now_utc: datetime) -> QueueStatus:
    """Add what is left of the present run to what is left of the queue."""
    if queue.left_s is None:
        return queue
    if run is not None and run.left_s is None:
        return queue.model_copy(update={"left_s": None, "eta_utc": ""})
    left_s = queue.left_s + (run.left_s or 0.0 if run is not None else 0.0)
    eta = now_utc + timedelta(seconds=left_s)
    return queue.model_copy(update={"left_s": left_s, "eta_utc": eta.isoformat()})
