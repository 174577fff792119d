"""A table of a few lines, for emulators that need no physics."""

from dataclasses import dataclass, field

import pytest

from labctl.core.clock import VirtualClock
from labctl.sim.faults import FaultScript
from labctl.sim.memory import MemoryLink
from labctl.sim.wire.base import WireEmulator
from labctl.sim.wire.cobolt import Cobolt
from labctl.sim.wire.ell14 import Ell14Bus
from labctl.sim.wire.lakeshore336 import Lakeshore336
from labctl.sim.wire.pm100d import Pm100d
from labctl.sim.wire.sc10 import Sc10
from labctl.sim.wire.spectrapro import SpectraPro
from labctl.sim.wire.tpg261 import Tpg261
from labctl.sim.wire.zaber import ZaberChain


@dataclass
class Ramp:
    """A value that goes to its target at a constant speed."""

    speed: float
    start: float = 0.0
    target: float = 0.0
    start_s: float = 0.0

    def go(self, target: float, now_s: float) -> float:
        self.start, self.target, self.start_s = self.at(now_s), target, now_s
        return abs(self.target - self.start) / self.speed

    def at(self, now_s: float) -> float:
        distance = self.target - self.start
        travelled = self.speed * (now_s - self.start_s)
        if travelled >= abs(distance):
            return self.target
        return self.start + (travelled if distance > 0 else -travelled)


@dataclass
class PlainLaser:
    wavelength_nm: float = 532.0
    max_power_w: float = 0.1
    emission: bool = False
    power_setpoint_w: float = 0.02
    interlock_closed: bool = True

    def power_w(self, now_s: float) -> float:
        return self.power_setpoint_w if self.emission else 0.0


@dataclass
class PlainRotator:
    angle: Ramp = field(default_factory=lambda: Ramp(100.0))

    def move_to(self, angle_deg: float, now_s: float) -> float:
        return self.angle.go(angle_deg, now_s)

    def angle_deg(self, now_s: float) -> float:
        return self.angle.at(now_s)


@dataclass
class PlainShutter:
    opens: bool = False
    since_s: float = -1.0

    def command(self, is_open: bool, now_s: float) -> float:
        self.opens, self.since_s = is_open, now_s
        return 0.01

    def is_open(self, now_s: float) -> bool:
        return self.opens if now_s >= self.since_s + 0.01 else not self.opens


@dataclass
class PlainPower:
    watts: float = 1e-4

    def power_w(self, now_s: float) -> float:
        return self.watts


class PlainSpectrograph:
    def __init__(self) -> None:
        self.gratings = {1: 1800.0, 2: 1200.0, 3: 300.0}
        self.wavelength = Ramp(20.0, 500.0, 500.0)
        self.selected = 1

    def move_to(self, wavelength_nm: float, now_s: float) -> float:
        return self.wavelength.go(min(max(wavelength_nm, 0.0), 1400.0), now_s)

    def select(self, grating: int, now_s: float) -> float:
        self.selected = grating
        return 10.0

    def wavelength_nm(self, now_s: float) -> float:
        return self.wavelength.at(now_s)

    def grating(self, now_s: float) -> int:
        return self.selected


class PlainCryostat:
    def __init__(self) -> None:
        self.setpoint_k = 300.0
        self.ramp_k_per_min = 0.0
        self.ramp_on = False
        self.heater_range = 3
        self.working = Ramp(1.0, 300.0, 300.0)

    def set_setpoint(self, setpoint_k: float, now_s: float) -> None:
        self.setpoint_k = setpoint_k
        self.working.go(setpoint_k, now_s)
        self.working.speed = self.ramp_k_per_min / 60 if self.ramp_on else 1e9

    def sensor_k(self, now_s: float) -> float:
        return self.working_setpoint_k(now_s)

    def heater_percent(self, now_s: float) -> float:
        return 25.0

    def working_setpoint_k(self, now_s: float) -> float:
        return self.working.at(now_s)


@dataclass
class PlainGauge:
    pascal: float = 1.23e-3

    def pressure_pa(self, now_s: float) -> float:
        return self.pascal


class PlainAxis:
    def __init__(self) -> None:
        self.range_um = (-1000.0, 1000.0)
        self.position = Ramp(100.0)

    def move_to(self, position_um: float, now_s: float) -> float:
        return self.position.go(position_um, now_s)

    def position_um(self, now_s: float) -> float:
        return self.position.at(now_s)

    def stop(self, now_s: float) -> None:
        self.position.go(self.position.at(now_s), now_s)

    def is_moving(self, now_s: float) -> bool:
        return self.position.at(now_s) != self.position.target


def make_emulator(name: str) -> WireEmulator:
    """Build an instrument on a plain table, as the transcripts expect it."""
    makers = {
        "spectrapro": lambda: SpectraPro(PlainSpectrograph()),
        "cobolt": lambda: Cobolt(PlainLaser()),
        "ell14": lambda: Ell14Bus({"0": PlainRotator(), "1": PlainRotator()}),
        "sc10": lambda: Sc10(PlainShutter()),
        "pm100d": lambda: Pm100d(PlainPower(), beam_wavelength_nm=532.0),
        "lakeshore336": lambda: Lakeshore336(PlainCryostat()),
        "zaber": lambda: ZaberChain({1: PlainAxis(), 2: PlainAxis(), 3: PlainAxis()}),
        "tpg261": lambda: Tpg261(PlainGauge()),
    }
    return makers[name]()


class Bench:
    """One instrument on a virtual clock, with its faults and a link."""

    def __init__(self, name: str) -> None:
        self.clock = VirtualClock()
        self.emulator = make_emulator(name)
        self.faults = FaultScript(self.emulator)
        self.link = MemoryLink(name, self.faults, self.clock)

    def ask(self, text: str, timeout_s: float = 60.0) -> str:
        """Write, then read until nothing more is on its way."""
        self.link.write(text.encode("latin-1"))
        return self.listen(timeout_s)

    def listen(self, timeout_s: float = 60.0) -> str:
        data = b""
        while (due_s := self.faults.next_due_s()) is not None:
            if due_s > self.clock.monotonic_s() + timeout_s:
                break
            data += self.link.read(timeout_s)
        return data.decode("latin-1")


@pytest.fixture(scope="session")
def bench():
    """Build a bench by instrument name."""
    return Bench
