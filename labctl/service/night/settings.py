"""Say how the night is kept: what must hold, and what happens when nobody is there."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from labctl.core.parameters import DurationS, LengthUm, PowerW, TemperatureK


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ReferenceSettings(_Section):
    """Name the reference condition to be measured after a gap where a run has none of its own."""

    position: str
    window: str
    beam: str = "probe"
    power_w: PowerW = Field(gt=0)
    exposure_s: DurationS = Field(default=20.0, gt=0)
    accumulations: int = Field(default=5, ge=1, le=1000)


class ConditionSettings(_Section):
    """Say when measuring makes sense; a condition that is None is not watched."""

    hold_s: DurationS = Field(
        default=120.0, description="How long all conditions must hold again before going on"
    )
    period_s: DurationS = Field(default=15.0, description="Oldest reading that is believed")
    blind_s: DurationS = Field(
        default=120.0, gt=0, description="Longest part of an exposure without a look in between"
    )
    patience_s: DurationS = Field(
        default=6 * 3600.0, description="Longest suspension before the attempt is given up"
    )
    cryostat_k: float | None = Field(
        default=1.0, ge=0.01, description="Largest distance from where the cryostat settled"
    )
    laser: float | None = Field(
        default=0.05, gt=0, le=1, description="Largest relative deviation from laser_power_w"
    )
    camera_k: float | None = Field(
        default=2.0, ge=0.01, description="Largest distance of the CCD from its set-point"
    )
    disk_bytes: int | None = Field(
        default=3 << 29, ge=0, description="Free space on the disk of the runs"
    )


class LedgerSettings(_Section):
    """Say what a spot of the sample is, and how much it may see; None means no limit.

    Without a measured radius the dose in J/cm² is only as good as the assumed one.
    """

    spot_radius_um: LengthUm = Field(default=0.5, gt=0, description="1/e² radius [assumed]")
    dose_limit_j_per_cm2: float | None = Field(default=None, gt=0)
    cycles_limit: int | None = Field(default=None, ge=1)
    cycle_k: TemperatureK = Field(
        default=30.0, description="Turning points closer than this are no thermal cycle"
    )
    enforce: bool = Field(default=False, description="Skip an item that would exceed a limit")


class NightSettings(_Section):
    """Collect how a queue is run without anybody."""

    conditions: ConditionSettings = ConditionSettings()
    ledger: LedgerSettings = LedgerSettings()
    reference: ReferenceSettings | None = None
    sentinel_after_s: DurationS = Field(
        default=900.0, description="Gap from which the reference is measured again"
    )
    on_difference: Literal["doubt", "fail"] = Field(
        default="doubt", description="What follows if the reference has changed"
    )
    pause_s: DurationS = Field(default=900.0, description="How long a pause waits for somebody")
    after_pause: Literal["stop", "continue"] = Field(
        default="stop", description="What follows if nobody came"
    )
    unsafe_s: DurationS = Field(
        default=900.0, description="How long the safe state is tried before the night ends"
    )
