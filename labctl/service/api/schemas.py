"""Define the bodies of the API. Everything is bounded: a stranger may send it."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, JsonValue

from labctl.core.items import Conditions, ItemId, ItemState, QueueItem, new_item_id
from labctl.core.status import Value
from labctl.service.api.admin_schemas import Strict, Words, printable
from labctl.service.api.identity import Role

MOST_ITEMS = 1000
"""Items in one request; a client sends more in several."""

RunName = Annotated[str, Field(pattern=r"^[0-9]{4,9}_[A-Za-z0-9._-]{1,200}$")]
ProcedureName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,99}$")]
ChannelName = Annotated[
    str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*$", max_length=100)
]
Ids = Annotated[list[ItemId], Field(min_length=1, max_length=MOST_ITEMS)]
Place = Annotated[int, Field(ge=0, le=1_000_000)]


Channels = Annotated[dict[str, JsonValue], Field(max_length=200)]


class NewItem(Strict):
    """Ask for a run, or for a pause of the queue."""

    kind: Literal["run", "pause"] = "run"
    procedure: ProcedureName | Literal[""] = ""
    parameters: Channels = Field(default_factory=dict, description="Units as people type them")
    label: Words = ""
    conditions: Conditions = Conditions()
    id: ItemId | None = Field(default=None, description="Identity; without one it gets a new one")
    quarantine: Annotated[str, Field(max_length=300), AfterValidator(printable)] = Field(
        default="", description="Why it must not run before somebody at the table approves it"
    )

    def item(self, quarantine: str = "") -> QueueItem:
        """Return the item; with a reason it is in quarantine."""
        fields = dict(self) | {"id": self.id or new_item_id()}
        reason = fields.pop("quarantine") or quarantine
        state = ItemState.QUARANTINED if reason else ItemState.WAITING
        return QueueItem(**fields, state=state, reason=reason)


class NewItems(Strict):
    """Add items, all or none, in front of the waiting item number `at` or at the end."""

    items: list[NewItem] = Field(min_length=1, max_length=MOST_ITEMS)
    at: Place | None = None


class RunNow(Strict):
    """Run one item in front of all others."""

    item: NewItem


class Changes(Strict):
    """Change what is given of a waiting item; parameters and conditions as a whole."""

    procedure: ProcedureName | None = None
    parameters: Channels | None = None
    label: Words | None = None
    conditions: Conditions | None = None


class Move(Strict):
    """Put items in front of the waiting item number `to`, counted without them."""

    ids: Ids
    to: Place


class ItemIds(Strict):
    """Name items."""

    ids: Ids


class Clear(Strict):
    """Clear what waits, and with `ended` also what has ended."""

    ended: bool = False


class Requeue(Strict):
    """Run an item again; `resume` goes on with its last run."""

    resume: bool | None = None
    wait_s: float = Field(default=0.0, ge=0, le=604_800)


class ItemPage(Strict):
    """Hold part of the queue, in order; `total` counts the items that fit the question."""

    items: list[QueueItem]
    total: int
    revision: int


class Items(Strict):
    """Hold items."""

    items: list[QueueItem]


class Undone(Strict):
    """Say which edit was taken back; items in `kept` had begun and were left as they are."""

    command: str
    utc: str
    items: list[ItemId]
    kept: list[ItemId]
    summary: str


class Pause(Strict):
    """Pause after the point being measured, or now (the point is repeated later)."""

    when: Literal["after_point", "now"] = "after_point"


class Stop(Strict):
    """Stop after the present run, or after the point being measured."""

    after: Literal["run", "point"] = "run"


class Abort(Strict):
    """Say why a run is aborted."""

    reason: Annotated[str, Field(max_length=200), AfterValidator(printable)] = ""


class Done(Strict):
    """Say that a command was accepted."""

    accepted: bool = True


class Safety(Strict):
    """Say whether the table is safe; `unconfirmed` has one sentence for each doubt."""

    confirmed: bool
    unconfirmed: list[str]


class Moved(Strict):
    """Hold a reading as it was taken."""

    model_config = ConfigDict(frozen=True, extra="allow")

    value: Value = None
    unit: str = ""
    utc: str = ""
    quality: str = "invalid"
    reason: str = ""


class Setting(Strict):
    """Move a channel."""

    channel: ChannelName
    value: float | int | str | bool


class Exposure(Strict):
    """Expose the camera."""

    exposure_s: float = Field(gt=0, le=3600)
    accumulations: int = Field(default=1, ge=1, le=1000)
    beams: list[ChannelName] = Field(default_factory=list, max_length=8)
    mode: Literal["spectrum", "image"] = "spectrum"
    device: ChannelName = "spectrometer"


class LiveView(Strict):
    """Expose again and again."""

    exposure_s: float = Field(gt=0, le=3600)
    beams: list[ChannelName] = Field(default_factory=list, max_length=8)
    mode: Literal["spectrum", "image"] = "spectrum"
    device: ChannelName = "spectrometer"


class Plan(Strict):
    """Ask how long a procedure takes and what it would do."""

    procedure: ProcedureName
    parameters: Channels = Field(default_factory=dict)


class PlanEstimate(Strict):
    """Hold what a walk through a plan found."""

    model_config = ConfigDict(frozen=True, extra="allow")


class SpectrumView(Strict):
    """Hold an exposure for display, thinned so that every peak is kept; never a record.

    `counts` are means of the accumulations, of the rows too if it was an image; `shift_cm1` is
    None if no laser was open. Values that are no numbers are null.
    """

    run: str
    point: int | None
    saved: bool
    utc: str
    seq: int
    kind: Literal["spectrum", "image"]
    exposure_s: float | None
    beams: list[str]
    laser_nm: float | None
    quality: str
    reason: str
    wavelength_nm: list[float | None]
    shift_cm1: list[float | None] | None
    counts: list[float | None]


class Trend(Strict):
    """Hold how slow values went: times of the station's clock, and values or null."""

    utc: list[str]
    values: dict[str, list[float | None]]
    units: dict[str, str]


class RunLine(Strict):
    """Hold one run of the catalogue; `folder` is where it lies on the machine of the service."""

    run: str
    procedure: str
    label: str
    state: str
    points: int
    start_utc: str
    duration_s: float
    folder: str
    problem: str = ""
    tags: list[str] = Field(default_factory=list)
    rating: int = 0


class RunPage(Strict):
    """Hold runs, the newest first."""

    runs: list[RunLine]
    total: int


class RunDetail(Strict):
    """Hold all that is known of a run, its points excepted."""

    model_config = ConfigDict(frozen=True, extra="allow")


class PointLine(Strict):
    """Hold one committed point; spectra are described, not included."""

    number: int
    kind: str
    utc: str
    attempt: int
    data: dict[str, Any]


class PointPage(Strict):
    """Hold points in order; `total` counts those that are safe."""

    points: list[PointLine]
    total: int


class Me(Strict):
    """Say who asks, and what that allows."""

    name: str
    role: Role
    is_present: bool


StateFilter = Annotated[list[ItemState], Field(max_length=20)]
