"""Define what a station file may say: one frozen model per section, unknown keys refused.

Numbers stand in the unit of their key. Nothing here opens a port or imports a driver.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from labctl.core.clock import Clock, RealClock, ScaledClock, VirtualClock

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$", max_length=64)]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Option = bool | int | float | str | tuple[bool | int | float | str, ...]


class Section(BaseModel):
    """Hold one section of the station file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


class StationSection(Section):
    """Describe the table as a whole."""

    name: Text = Field(description="Name of the table, as it stands in every run")
    ambient_k: float = Field(
        298.0, ge=200, le=400, description="Room temperature in K; 'below ambient' means this"
    )
    data_folder: Text = Field("data", description="Where runs go, relative to the working folder")
    calibrations_folder: Text = Field(
        "calibrations", description="Where calibrations are, relative to the station file"
    )
    procedures: tuple[Text, ...] = Field(
        ("procedures",), min_length=1, description="Python packages that hold procedures"
    )


def _dotted(values: Any) -> Any:
    """Write nested tables (`a.b = 1`, without quotes) as the dotted names that they mean."""
    if not isinstance(values, Mapping):
        return values

    def flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if isinstance(value, Mapping):
                yield from flat(value, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", value

    return dict(flat(values, ""))


class SimulationSection(Section):
    """Say which simulated table stands behind the `sim://` resources, and how its time runs."""

    truth: Literal["A", "B", "C"] = Field("A", description="A cools, B an artefact, C nothing")
    seed: int = Field(1, ge=0, le=2**63 - 1, description="Seed of all noise")
    clock: Literal["virtual", "scaled", "real"] = Field(
        "virtual", description="virtual: waiting costs nothing; scaled: speed times real time"
    )
    speed: float = Field(1.0, gt=0, le=10000, description="Speed of the scaled clock")
    origin_utc: AwareDatetime | None = Field(
        None, description="When the scaled clock began; the same for all processes at one table"
    )
    override: Annotated[dict[str, Option], BeforeValidator(_dotted)] = Field(
        default_factory=dict, description="Numbers of the simulated table by dotted name"
    )


class InstrumentSection(Section):
    """Say which driver talks to which port; further keys are options of the driver."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    driver: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", description="Dotted path 'package.module:Class'"
    )
    resource: Text = Field(description="sim://, tcp://, serial://, sdk2://, sdk+tcp:// or VISA")
    identity: Text = Field(
        ".+", description="Regular expression for the whole of 'vendor model serial'"
    )

    @property
    def options(self) -> dict[str, Any]:
        """Return the further keys."""
        return dict(self.model_extra or {})


class BeamSection(Section):
    """Describe one beam: which instruments make it, and how much of it is allowed."""

    wavelength_nm: float = Field(ge=200, le=2000)
    laser: Name
    attenuator: Name
    shutter: Name
    power_meter: Name | None = Field(None, description="Pick-off meter in front of the shutter")
    laser_power_w: float = Field(gt=0, le=10, description="Set-point of the laser itself")
    max_power_w: float = Field(gt=0, le=1, description="Highest power at the sample")
    calibration: Kind = Field(description="Kind of the power calibration; the newest is used")
    tolerance: float = Field(
        0.01, gt=0, le=0.5, description="Relative deviation from the asked power that is accepted"
    )
    agreement: float = Field(
        0.1, gt=0, le=1, description="Relative difference of meter and laser that is believed"
    )


class WindowSection(Section):
    """Name one position of the spectrograph."""

    grating: int = Field(ge=1, le=9)
    centre_nm: float = Field(ge=0, le=5000)


class SpectrometerSection(Section):
    """Describe spectrograph and camera together."""

    monochromator: Name
    camera: Name
    bands: tuple[tuple[int, int], ...] = Field(
        min_length=1, description="First and last row (from 0) of each band binned on the chip"
    )
    focal_length_mm: float = Field(gt=0, le=5000)
    half_included_angle_deg: float = Field(
        ge=0, lt=45, description="Half of the angle between incident and diffracted beam"
    )
    calibration: Kind = Field("wavelength", description="Kind of the wavelength calibration")
    medium: Literal["air", "vacuum"] = Field("air", description="What wavelengths refer to")
    centre_tolerance_nm: float = Field(0.05, gt=0, le=5)
    notch_nm: tuple[float, float] | None = Field(
        None, description="Wavelengths, from and to, that the filter against laser light blocks"
    )
    saturation_guard: float = Field(
        0.8, gt=0, le=1, description="Part of the full range above which counts are not trusted"
    )
    adc_bits: int = Field(16, ge=8, le=32)
    camera_temperature_k: float = Field(198.15, ge=100, le=320)
    warm_camera: Literal["wait", "uncertain", "refuse"] = Field(
        "wait", description="What to do with a camera that is not locked at its temperature"
    )
    warm_camera_deadline_s: float = Field(1800.0, gt=0, le=86400)
    windows: dict[Name, WindowSection] = Field(min_length=1)


class AxisSection(Section):
    """Describe one axis of the stage."""

    axis: Name = Field(description="Name of the instrument")
    low_um: float = Field(ge=-1e6, le=1e6)
    high_um: float = Field(ge=-1e6, le=1e6)
    tolerance_um: float = Field(0.2, gt=0, le=1000)


class StageSection(Section):
    """Describe the stage: axes, limits and named positions."""

    axes: dict[Name, AxisSection] = Field(min_length=1)
    backlash_um: float = Field(
        5.0, ge=0, le=1000, description="Every move ends upwards over at least this distance"
    )
    speed_um_per_s: float = Field(1000.0, gt=0, le=1e6, description="For time estimates only")
    positions: dict[Name, dict[str, float]] = Field(
        default_factory=dict, description="Named positions, { x_um = …, y_um = … }"
    )


class SettlingSection(Section):
    """Say when a temperature is steady: within tolerance, for so long, before the deadline."""

    tolerance_k: float = Field(gt=0, le=10)
    duration_s: float = Field(ge=0, le=86400)
    deadline_s: float = Field(gt=0, le=172800)
    poll_s: float = Field(5.0, gt=0, le=600)
    approach_s: float = Field(
        600.0, ge=0, le=86400, description="Usual time to get within tolerance, for estimates only"
    )


class CryostatSection(Section):
    """Describe the cryostat: controller, gauge, limits and settling rule."""

    controller: Name
    gauge: Name | None = None
    low_k: float = Field(ge=0, le=1000)
    high_k: float = Field(ge=0, le=1000)
    ramp_k_per_min: float = Field(0.0, ge=0, le=100, description="0: no ramp")
    setpoint_tolerance_k: float = Field(0.01, gt=0, le=1)
    settling: SettlingSection


class InterlockSection(Section):
    """State a condition that must hold while a run is on: a range, or one value."""

    name: Text
    channel: Text
    low: float | None = Field(None, description="Lowest allowed value, in the channel's unit")
    high: float | None = Field(None, description="Highest allowed value, in the channel's unit")
    equals: bool | str | None = Field(None, description="The one allowed value")
    action: Literal["pause", "safe", "abort"]
    period_s: float = Field(5.0, gt=0, le=3600)
    remedy: str = ""


class StationFile(Section):
    """Hold a whole station file."""

    station: StationSection
    simulation: SimulationSection | None = None
    instruments: dict[Name, InstrumentSection] = Field(min_length=1)
    beams: dict[Name, BeamSection] = Field(default_factory=dict)
    spectrometer: SpectrometerSection | None = None
    stage: StageSection | None = None
    cryostat: CryostatSection | None = None
    interlocks: tuple[InterlockSection, ...] = ()

    def make_clock(self) -> Clock:
        """Return the clock that the file asks for; without a simulation the real one."""
        if self.simulation is None or self.simulation.clock == "real":
            return RealClock()
        if self.simulation.clock == "scaled":
            return ScaledClock(self.simulation.speed, self.simulation.origin_utc)
        return VirtualClock()
