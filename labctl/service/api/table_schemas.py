"""Define the bodies that describe a table, its procedures and its calibrations."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from labctl.service.api.admin_schemas import Strict, printable

Kind = Literal["number", "integer", "boolean", "choice", "text"]


class ChannelLine(Strict):
    """Describe a channel; `low` and `high` are in `unit`, null without a limit."""

    name: str
    unit: str
    settable: bool
    low: float | None
    high: float | None
    choices: list[str] | None
    kind: Kind


class BeamLine(Strict):
    """Describe a beam.

    Between the powers, in W at the sample, any can be set, and 0; they are null without a valid
    power calibration, as `reason` then says. `laser_power_w` is the set-point of the laser.
    """

    name: str
    wavelength_nm: float
    power_low_w: float | None
    power_high_w: float | None
    laser_power_w: float
    reason: str


class WindowLine(Strict):
    """Describe a named position of the spectrograph."""

    grating: int
    centre_nm: float


class GratingLine(Strict):
    """Describe a grating; null until the spectrograph was asked."""

    number: int
    grooves_per_mm: float | None


class CameraLine(Strict):
    """Describe the camera; null until it was asked.

    `full_well_e` is what its counts can show, in photoelectrons; `adc_max` the highest count;
    counts above `saturation_guard` of that are not trusted. `bands` are first and last row.
    """

    rows: int | None
    columns: int | None
    pixel_um: float | None
    full_well_e: float | None
    adc_max: int
    saturation_guard: float
    bands: list[tuple[int, int]]


class SettlingLine(Strict):
    """Say when the temperature counts as steady: within the tolerance, for so long."""

    tolerance_k: float
    duration_s: float


class TableDescription(Strict):
    """Describe a table; positions are in µm by axis."""

    station: str
    simulated: bool
    channels: list[ChannelLine]
    beams: list[BeamLine]
    positions: dict[str, dict[str, float]]
    windows: dict[str, WindowLine]
    gratings: list[GratingLine]
    camera: CameraLine | None
    settling: SettlingLine | None
    notch_nm: tuple[float, float] | None
    ambient_k: float


class ParameterLine(Strict):
    """Describe a parameter; of a list, unit, bounds and choices are those of its values.

    `default` is in `unit`; null stands for no default, or for one that means "none".
    """

    name: str
    description: str
    unit: str
    kind: Literal["number", "integer", "boolean", "choice", "text", "list"]
    required: bool
    default: Any
    low: float | None
    high: float | None
    choices: list[str] | None


class ProcedureLine(Strict):
    """Describe a procedure."""

    name: str
    summary: str
    parameters: list[ParameterLine]


class ProcedureList(Strict):
    """Hold the procedures in the order of their names."""

    procedures: list[ProcedureLine]


class CalibrationLine(Strict):
    """Describe a calibration.

    `status` is `station` (it came with the station file), `found` (by a run; nobody has decided
    on it), `accepted` or `discarded`; `active` tells whether it is the one of its kind in use.
    """

    kind: str
    subject: str
    identity: str
    made_utc: datetime
    expires_utc: datetime
    active: bool
    status: Literal["station", "found", "accepted", "discarded"]
    source: str
    values: dict[str, Any]


class CalibrationList(Strict):
    """Hold the calibrations by kind, the newest of each first."""

    calibrations: list[CalibrationLine]


class CalibrationRun(Strict):
    """Name the run whose calibrations are meant."""

    run: str = Field(pattern=r"^[0-9]{4,9}_[A-Za-z0-9._-]{1,200}$")


class Decided(Strict):
    """Name the calibrations that were accepted or discarded."""

    identities: list[str]


def readable(text: str) -> str:
    """Return a text as it is; raises `ValueError` unless it is printable lines."""
    for line in text.split("\n"):
        printable(line.replace("\t", " "))
    return text


Tag = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(printable)]


class NewNotes(Strict):
    """Replace the notes on a run; a rating of 0 is none."""

    text: Annotated[str, Field(max_length=20_000), AfterValidator(readable)] = ""
    tags: list[Tag] = Field(default_factory=list, max_length=50)
    rating: int = Field(default=0, ge=0, le=5)


class NotesOfRun(NewNotes):
    """Hold the notes on a run, and who last changed them."""

    changed_by: str = ""
    changed_utc: str = ""
