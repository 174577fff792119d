"""Bring a laser through attenuator, pick-off and shutter to the sample."""

import math

import numpy as np

from labctl.sim.twin import table_numbers as numbers
from labctl.sim.twin.motion import Motion

SECONDS_PER_HOUR = 3600.0


class Laser:
    """Emit light with noise and a slow, bounded drift. Fulfils `LaserPort`."""

    def __init__(
        self, values: numbers.Laser, random: np.random.Generator, clock_start_s: float
    ) -> None:
        self.wavelength_nm = values.wavelength_nm
        self.max_power_w = values.max_power_w
        self.emission = False
        self.power_setpoint_w = 0.0
        self.interlock_closed = True
        self._values = values
        self._random = random
        self._clock_start_s = clock_start_s
        self._phase_rad = float(random.uniform(0, 2 * math.pi))

    def mean_power_w(self, now_s: float) -> float:
        """Return the emitted power in W without its noise."""
        if not (self.emission and self.interlock_closed):
            return 0.0
        setpoint_w = min(max(self.power_setpoint_w, 0.0), self.max_power_w)
        return setpoint_w * (1.0 + self._drift(now_s))

    def power_w(self, now_s: float) -> float:
        """Return the emitted power in W, with noise and drift; 0 without emission."""
        noise = self._values.rin * self._random.standard_normal()
        return self.mean_power_w(now_s) * float(1.0 + noise)

    def relative_noise(self, duration_s: float) -> float:
        """Return the rms of the relative power averaged over a duration in s."""
        return self._values.rin / math.sqrt(max(1.0, duration_s / self._values.noise_time_s))

    def _drift(self, now_s: float) -> float:
        pulse_per_h = 2 * math.pi / self._values.drift_period_h
        hours = (now_s - self._clock_start_s) / SECONDS_PER_HOUR
        swing = math.sin(pulse_per_h * hours + self._phase_rad) - math.sin(self._phase_rad)
        return self._values.drift_per_h / pulse_per_h * swing


class Rotator:
    """Turn a half-wave plate in front of a polariser. Fulfils `RotatorPort`."""

    def __init__(self, values: numbers.Attenuator, random: np.random.Generator) -> None:
        self._values = values
        self._random = random
        self._motion = Motion(0.0, values.speed_deg_per_s, values.overhead_s)
        self._error_deg = 0.0

    def move_to(self, angle_deg: float, now_s: float) -> float:
        """Start a rotation; returns its duration in s."""
        # twice, because −1e-17 % 360 is 360
        target_deg = angle_deg % 360.0 % 360.0
        if target_deg != self._motion.position(now_s):
            self._error_deg = self._values.repeatability_deg * self._random.standard_normal()
        return self._motion.move_to(target_deg, now_s)

    def angle_deg(self, now_s: float) -> float:
        """Return what the encoder shows, 0 ≤ angle < 360; the plate itself is slightly off."""
        return self._motion.position(now_s)

    def transmission(self, now_s: float) -> float:
        """Return the transmission after Malus: ext + (1 − ext)·cos²(2(θ − θ0))."""
        turned_deg = self.angle_deg(now_s) + self._error_deg - self._values.zero_deg
        polarised = math.cos(2 * math.radians(turned_deg)) ** 2
        return self._values.extinction + (1 - self._values.extinction) * polarised


class Shutter:
    """Block a beam. Fulfils `ShutterPort`; closed at the start."""

    KEPT = 256
    """Transitions remembered, so that a past exposure still finds its blade."""

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._transitions: list[tuple[float, bool]] = [(-math.inf, False)]

    def command(self, is_open: bool, now_s: float) -> float:
        """Start to open or close; returns the duration in s."""
        if self._transitions[-1][1] != is_open:
            self._transitions.append((now_s + self._duration_s, is_open))
            del self._transitions[: -self.KEPT]
        return self._duration_s

    def is_open(self, now_s: float) -> bool:
        """Tell where the blade is."""
        return next((state for at_s, state in reversed(self._transitions) if at_s <= now_s), False)

    def open_fraction(self, start_s: float, end_s: float) -> float:
        """Return the part of a time span during which the blade was open."""
        if end_s <= start_s:
            return float(self.is_open(start_s))
        open_s = 0.0
        until_s = end_s
        for at_s, state in reversed(self._transitions):
            since_s = max(at_s, start_s)
            if state and until_s > since_s:
                open_s += until_s - since_s
            until_s = min(until_s, since_s)
        return open_s / (end_s - start_s)


class PowerHead:
    """Measure the picked-off part of a beam. Fulfils `PowerPort`."""

    def __init__(
        self, values: numbers.Path, laser: Laser, rotator: Rotator, random: np.random.Generator
    ) -> None:
        self._values = values
        self._laser = laser
        self._rotator = rotator
        self._random = random

    def power_w(self, now_s: float) -> float:
        """Return the power on the head in W, noise included (so it may be below zero)."""
        light_w = self._laser.power_w(now_s) * self._rotator.transmission(now_s)
        relative, absolute = self._random.standard_normal(2)
        reading_w = light_w * self._values.pickoff * (1.0 + self._values.head_noise * relative)
        return float(reading_w + self._values.head_floor_w * absolute)


class BeamPath:
    """Hold one beam: laser, attenuator, pick-off with power head, shutter, objective."""

    def __init__(
        self,
        path: numbers.Path,
        laser: Laser,
        rotator: Rotator,
        random: np.random.Generator,
    ) -> None:
        self._path = path
        self.laser = laser
        self.rotator = rotator
        self.shutter = Shutter(path.shutter_s)
        self.head = PowerHead(path, laser, rotator, random)

    def sample_power_w(self, now_s: float) -> float:
        """Return the power at the sample in W behind an open shutter, without its noise."""
        arriving_w = self.laser.mean_power_w(now_s) * self.rotator.transmission(now_s)
        return arriving_w * (1.0 - self._path.pickoff) * self._path.transmission
