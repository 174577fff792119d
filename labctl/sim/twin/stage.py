"""Carry the sample: three axes with backlash, creep and a position-dependent sample."""

import math

import numpy as np

from labctl.sim.twin.beam import SECONDS_PER_HOUR
from labctl.sim.twin.motion import Motion
from labctl.sim.twin.sample_numbers import Region, Regions
from labctl.sim.twin.table_numbers import Stage


class Axis:
    """Move the sample along one axis. Fulfils `AxisPort`; starts at 0."""

    def __init__(self, values: Stage, drift_um_per_h: float, clock_start_s: float) -> None:
        self.range_um = (values.low_um, values.high_um)
        self._backlash_um = values.backlash_um
        self._drift_um_per_h = drift_um_per_h
        self._clock_start_s = clock_start_s
        self._motion = Motion(
            min(max(0.0, values.low_um), values.high_um), values.speed_um_per_s, values.overhead_s
        )
        self._downwards = False

    def move_to(self, position_um: float, now_s: float) -> float:
        """Start a move, clamped to the range; returns its duration in s."""
        low_um, high_um = self.range_um
        target_um = min(max(position_um, low_um), high_um)
        here_um = self._motion.position(now_s)
        if target_um != here_um:
            self._downwards = target_um < here_um
        return self._motion.move_to(target_um, now_s)

    def position_um(self, now_s: float) -> float:
        """Return the encoder's position in µm (backlash and drift are not in it)."""
        return self._motion.position(now_s)

    def sample_um(self, now_s: float) -> float:
        """Return where the sample really is: after a move downwards it lags behind."""
        hours = (now_s - self._clock_start_s) / SECONDS_PER_HOUR
        lag_um = self._backlash_um if self._downwards else 0.0
        return self._motion.position(now_s) + lag_um + self._drift_um_per_h * hours

    def stop(self, now_s: float) -> None:
        """Stop where it is."""
        self._motion.stop(now_s)

    def is_moving(self, now_s: float) -> bool:
        """Tell whether a move is under way."""
        return self._motion.is_moving(now_s)


def build_axes(values: Stage, random: np.random.Generator, clock_start_s: float) -> dict[str, Axis]:
    """Return the axes x, y, z; x and y creep in a random direction, z does not."""
    direction_rad = float(random.uniform(0, 2 * math.pi))
    creep = values.drift_um_per_h
    drifts = {"x": creep * math.cos(direction_rad), "y": creep * math.sin(direction_rad), "z": 0.0}
    return {name: Axis(values, drift, clock_start_s) for name, drift in drifts.items()}


def region_at(regions: Regions, x_um: float, y_um: float, spot_radius_um: float) -> Region:
    """Return the region that holds the whole laser spot, else the bare substrate."""
    for name in type(regions).model_fields:
        region = regions.named(name)
        reach_um = region.size_um / 2 - spot_radius_um
        if abs(x_um - region.x_um) <= reach_um and abs(y_um - region.y_um) <= reach_um:
            return region
    return regions.substrate
