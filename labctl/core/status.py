"""Define what the service tells of a station: one frozen snapshot for every face of it.

`seq` is the number of the last event that the snapshot contains: a client reads the status and
then asks for the events after `seq`. Ages are in s of the machine's time.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from labctl.core.readings import Quality

Value = float | int | str | bool | None


class StationState(StrEnum):
    """Say what the station does, in one word."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    ABORTING = "aborting"
    FAILED = "failed"
    """Nothing runs until a person has looked: the table is not known to be safe, or it cannot
    be opened. `safety.reason` and the alarms say why."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class ValueStatus(_Frozen):
    """Hold the last known value of one channel.

    `value` is None if the reading was invalid or the channel was never read; `age_s` is None
    if it was never read. `stale` tells that it is older than three times its usual period.
    """

    name: str
    value: Value = None
    unit: str = ""
    quality: Quality = Quality.INVALID
    reason: str = "not read yet"
    age_s: float | None = None
    utc: str = ""
    stale: bool = True


class BeamStatus(_Frozen):
    """Hold one beam. `power_w` is at the sample while the shutter is open.

    `shutter` is `open`, `closed` or `unknown`; `emission` is what the laser was last seen to do.
    `exposing` tells that an exposure with this beam is under way. `age_s` is that of its oldest
    value; each value has its own in `StationStatus.values`, as `<beam>.power`.
    """

    name: str
    wavelength_nm: float
    power_w: float | None = None
    laser_power_w: float | None = None
    shutter: Literal["open", "closed", "unknown"] = "unknown"
    emission: bool | None = None
    interlock: bool | None = None
    exposing: bool = False
    age_s: float | None = None
    quality: Quality = Quality.INVALID
    reason: str = "not read yet"


class RunStatus(_Frozen):
    """Hold the run that owns the table. Times left are of the station's clock.

    `step` says in words what is going on; `attempt` counts from 0. `point` is the number of
    points that are safe, which is also the number of the point being measured.
    """

    name: str
    item: str = ""
    procedure: str = ""
    label: str = ""
    attempt: int = 0
    point: int = 0
    total: int | None = None
    left_s: float | None = None
    eta_utc: str = ""
    started_utc: str = ""
    step: str = ""
    reason: str = ""


class QueueStatus(_Frozen):
    """Count the items of the queue by state; `left_s` and `eta_utc` are for all that wait."""

    active: bool = False
    """Whether items are started; False after a stop, a failure with that policy, or at first."""
    paused: bool = False
    reason: str = ""
    counts: dict[str, int] = Field(default_factory=dict)
    left_s: float | None = None
    eta_utc: str = ""
    next_item: str = ""
    revision: int = 0


class SafetyStatus(_Frozen):
    """Say how far the table is known to be safe.

    `confirmed`: at `checked_utc` the safe state was verified, or shutters and lasers are under
    the safety process and nothing contradicts it. `latched`: shutters stay closed until a person
    at the table resets. `process` is `running`, `lost` or `none` (the station has none).
    """

    confirmed: bool = False
    latched: bool = False
    reason: str = ""
    checked_utc: str = ""
    process: Literal["running", "lost", "none"] = "none"


class Alarm(_Frozen):
    """Hold one alarm; it stays until somebody acknowledges it."""

    id: int
    utc: str
    level: Literal["info", "warning", "alarm"]
    text: str
    source: str = ""
    remedy: str = ""
    acknowledged_by: str = ""
    acknowledged_utc: str = ""


class StationStatus(_Frozen):
    """Hold all that a face needs to show a station."""

    station: str
    simulated: bool
    state: StationState = StationState.IDLE
    reason: str = ""
    seq: int = 0
    epoch: int = 0
    """Grows with every process that gets hold of the table."""
    boot: str = ""
    """Identity of this start of the service: sequence numbers of another one mean nothing."""
    utc: str = ""
    """Time of the station's clock."""
    speed: float = 1.0
    """Seconds of the station's clock per second of the machine's."""
    run: RunStatus | None = None
    beams: tuple[BeamStatus, ...] = ()
    cryostat: ValueStatus | None = None
    pressure: ValueStatus | None = None
    camera: ValueStatus | None = None
    stage: tuple[ValueStatus, ...] = ()
    values: dict[str, ValueStatus] = Field(default_factory=dict)
    """Every channel by its dotted name, those above included."""
    queue: QueueStatus = QueueStatus()
    safety: SafetyStatus = SafetyStatus()
    alarms: tuple[Alarm, ...] = ()
    interactive: bool = False
    """Whether the table is open for commands by hand (no run owns it)."""
    live: bool = False
    """Whether a live view is on: not saved."""
    versions: dict[str, str] = Field(default_factory=dict)
