"""Hold the numbers of the instruments: light sources, optics, stage, cryostat.

Sources are in `reference/science.md` section 3 (assumed values) unless a description says
otherwise.
"""

from typing import Self

from pydantic import model_validator

from labctl.sim.twin.quantity import Group, number


class Laser(Group):
    """One laser."""

    wavelength_nm: float = number(532.0, "nm", "Wavelength in air", gt=200)
    max_power_w: float = number(0.020, "W", "Highest power set-point", gt=0)
    rin: float = number(0.003, "", "Relative power noise, rms, in `noise_time_s`", ge=0)
    noise_time_s: float = number(1.0, "s", "Correlation time of the power noise", gt=0)
    drift_per_h: float = number(0.01, "1/h", "Steepest relative drift of the power", ge=0)
    drift_period_h: float = number(6.0, "h", "Period of the slow, bounded drift", gt=0)


class Lasers(Group):
    """The two lasers."""

    probe: Laser = Laser()
    pump: Laser = Laser(wavelength_nm=730.0)


class Attenuator(Group):
    """A half-wave plate in a rotator, in front of a polariser."""

    zero_deg: float = number(12.0, "°", "Angle of highest transmission", ge=0, lt=90)
    extinction: float = number(1e-4, "", "Transmission at the darkest angle", ge=0, lt=1)
    speed_deg_per_s: float = number(430.0, "°/s", "Speed of the rotator", gt=0)
    overhead_s: float = number(0.15, "s", "Time of a move of no length", ge=0)
    repeatability_deg: float = number(0.02, "°", "Error of the angle, rms, new at each move", ge=0)


class Attenuators(Group):
    """The attenuator of each beam."""

    probe: Attenuator = Attenuator()
    pump: Attenuator = Attenuator(zero_deg=33.5)


class Path(Group):
    """From the polariser to the sample: pick-off to the power head, shutter, objective."""

    pickoff: float = number(0.08, "", "Fraction sent to the power head", gt=0, lt=1)
    transmission: float = number(0.125, "", "Of the rest, fraction that reaches the sample", gt=0)
    head_noise: float = number(0.001, "", "Relative noise of the power head, rms", ge=0)
    head_floor_w: float = number(1e-9, "W", "Absolute noise of the power head, rms", ge=0)
    shutter_s: float = number(0.010, "s", "Time of the shutter to open or close", ge=0)


class Paths(Group):
    """The optical path of each beam."""

    probe: Path = Path()
    pump: Path = Path(pickoff=0.10, transmission=0.15)


class Stage(Group):
    """Three linear axes that carry the sample."""

    low_um: float = number(-1000.0, "µm", "Lower end of each axis")
    high_um: float = number(1000.0, "µm", "Upper end of each axis")
    speed_um_per_s: float = number(500.0, "µm/s", "Speed of a move", gt=0)
    overhead_s: float = number(0.05, "s", "Time of a move of no length", ge=0)
    backlash_um: float = number(0.3, "µm", "Lag of the sample after a move downwards", ge=0)
    drift_um_per_h: float = number(0.2, "µm/h", "Creep of the sample in the xy plane", ge=0)

    @model_validator(mode="after")
    def _has_travel(self) -> Self:
        if not self.low_um < self.high_um:
            raise ValueError("low_um < high_um must hold")
        return self


class Cryostat(Group):
    """Temperature regulation of the cold finger."""

    start_k: float = number(298.0, "K", "Temperature and set-point at the start", gt=0)
    rest_k: float = number(298.0, "K", "Where it drifts with the heater off", gt=0)
    base_k: float = number(10.0, "K", "Lowest temperature", gt=0)
    lag_s: float = number(120.0, "s", "Time constant of regulation", gt=0)
    rest_lag_s: float = number(3600.0, "s", "Time constant with the heater off", gt=0)
    overshoot_k: float = number(1.5, "K", "Overshoot after a large step, dying out", ge=0)
    overshoot_step_k: float = number(20.0, "K", "Smaller steps overshoot in proportion", gt=0)
    noise_k: float = number(0.020, "K", "Noise of the sensor, rms per reading", ge=0)
    full_span_k: float = number(400.0, "K", "Rise above base at full heater power", gt=0)
    start_range: int = number(3, "", "Heater range at the start: 0 off … 3 high", ge=0, le=3)


class Gauge(Group):
    """Pressure in the sample space."""

    pressure_pa: float = number(1e-3, "Pa", "Pressure with the cryostat at 298 K", gt=0)
    outgassing_pa: float = number(9e-4, "Pa", "Part that the walls give off at 298 K", ge=0)
    wall_k: float = number(60.0, "K", "Warming by which outgassing grows by e", gt=0)
    noise: float = number(0.01, "", "Relative noise of a reading, rms", ge=0)
