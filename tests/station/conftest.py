"""Hand-made instruments that fail and lie on request, put together to a small table."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from labctl.core.calibration import Calibration
from labctl.core.clock import VirtualClock
from labctl.core.errors import InstrumentError, InvalidReading
from labctl.core.roles import Grating, Identity
from labctl.core.spectra import Detector
from labctl.station.build import build_parts
from labctl.station.calibrations import CalibrationFolder
from labctl.station.file import SourceText, parse_station_file
from labctl.station.station import OpticalTable

STATION = """
[station]
name = "hand-made"

[instruments.any]
driver = "hand.made:Thing"
resource = "sim://thing"

[beams.probe]
wavelength_nm = 532.0
laser = "any"
attenuator = "any"
shutter = "any"
power_meter = "any"
laser_power_w = 0.02
max_power_w = 0.002
calibration = "power.probe"

[beams.pump]
wavelength_nm = 730.0
laser = "any"
attenuator = "any"
shutter = "any"
laser_power_w = 0.02
max_power_w = 0.002
calibration = "power.pump"

[spectrometer]
monochromator = "any"
camera = "any"
bands = [[2, 4]]
focal_length_mm = 500.0
half_included_angle_deg = 13.2
warm_camera = "uncertain"

[spectrometer.windows.raman]
grating = 1
centre_nm = 532.0

[spectrometer.windows.pl]
grating = 3
centre_nm = 770.0

[stage.axes.x]
axis = "any"
low_um = -100.0
high_um = 100.0

[stage.positions]
flake = { x_um = 30.0 }

[cryostat]
controller = "any"
gauge = "any"
low_k = 70.0
high_k = 380.0

[cryostat.settling]
tolerance_k = 0.1
duration_s = 60.0
deadline_s = 600.0
approach_s = 100.0

[[interlocks]]
name = "probe interlock"
channel = "probe.interlock"
equals = true
action = "abort"

[[interlocks]]
name = "temperature"
channel = "cryostat.temperature"
low = 60
high = 390
action = "safe"
"""


class Thing:
    """Share what all instruments have."""

    log: list[str]

    def identify(self):
        return Identity("Hand", type(self).__name__, "1")

    def safe(self):
        pass

    def shutdown(self):
        self.log.append(f"shutdown {type(self).__name__}")


@dataclass
class FakeShutter(Thing):
    log: list[str]
    label: str
    blade: bool = False
    stuck: bool = False
    fails: Exception | None = None

    @property
    def is_open(self):
        return self.blade

    @is_open.setter
    def is_open(self, value):
        self.log.append(f"{self.label} {'open' if value else 'close'}")
        if self.fails:
            raise self.fails
        if not self.stuck:
            self.blade = value


@dataclass
class FakeLaser(Thing):
    log: list[str]
    label: str
    on: bool = False
    power_setpoint_w: float = 0.0
    gives: float = 1.0
    interlock_closed: bool = True
    fault: str = ""
    stuck_on: bool = False

    @property
    def emission(self):
        return self.on

    @emission.setter
    def emission(self, value):
        self.log.append(f"{self.label} emission {'on' if value else 'off'}")
        self.on = value or self.stuck_on

    @property
    def power_w(self):
        return self.power_setpoint_w * self.gives if self.on else 0.0


@dataclass
class FakeAttenuator(Thing):
    log: list[str]
    angle_deg: float = 0.0


@dataclass
class FakeMeter(Thing):
    """See the light of a laser behind its attenuator; `factor` makes it lie."""

    laser: FakeLaser
    attenuator: FakeAttenuator
    log: list[str]
    true_offset_deg: float = 12.0
    factor: float = 1.0
    wavelength_nm: float = 1064.0

    @property
    def power_w(self):
        turned = math.radians(2 * (self.attenuator.angle_deg - self.true_offset_deg))
        passed = 1e-4 + (1 - 1e-4) * math.cos(turned) ** 2
        return self.laser.power_w * passed * 0.08 * self.factor


@dataclass
class FakeMonochromator(Thing):
    log: list[str]
    grating: int = 1
    wavelength_nm: float = 500.0

    @property
    def gratings(self):
        return {1: Grating(1, 1800.0), 3: Grating(3, 300.0)}


@dataclass
class FakeCamera(Thing):
    detector = Detector(1.0, 4.0, 600.0, 65535.0, 20.0)

    log: list[str]
    level: float = 700.0
    locked: bool = True
    setpoint_k: float | None = None
    temperature_k: float = 198.15
    fails: Exception | None = None
    during: list = field(default_factory=list)
    shape: tuple[int, int] = (8, 1340)

    @property
    def temperature_setpoint_k(self):
        if self.setpoint_k is None:
            raise InvalidReading("camera: no set-point yet")
        return self.setpoint_k

    @temperature_setpoint_k.setter
    def temperature_setpoint_k(self, value):
        self.setpoint_k = value

    @property
    def temperature_locked(self):
        return self.locked

    def acquire(self, exposure_s, accumulations, rows):
        self.log.append("expose")
        for action in self.during:
            action()
        if self.fails:
            raise self.fails
        lines = self.shape[0] if rows is None else len(rows)
        counts = np.full((accumulations, lines, self.shape[1]), 700, np.uint16)
        counts[..., 100] = self.level
        return counts

    def readout_s(self, rows):
        return 0.5

    def abort(self):
        self.log.append("camera abort")


@dataclass
class FakeController(Thing):
    clock: VirtualClock
    log: list[str]
    setpoint_k: float = 298.0
    ramp_k_per_min: float = 0.0
    reads: object = None
    fails: Exception | None = None

    @property
    def temperature_k(self):
        if self.fails:
            raise self.fails
        return self.reads(self.clock.monotonic_s()) if self.reads else self.setpoint_k

    @property
    def heater_percent(self):
        return 10.0

    def hold(self):
        self.log.append("hold")


@dataclass
class FakeGauge(Thing):
    log: list[str]
    pressure_pa: float = 1e-3


@dataclass
class FakeAxis(Thing):
    log: list[str]
    at_um: float = 0.0
    stalls: bool = False

    @property
    def position_um(self):
        return self.at_um

    @position_um.setter
    def position_um(self, value):
        self.log.append(f"move {value:g}")
        if not self.stalls:
            self.at_um = value

    def home(self):
        self.log.append("home")

    def stop(self):
        self.log.append("stop")


def power_calibration(kind="power.probe", **changes):
    values = {
        "wavelength_nm": 532.0 if kind == "power.probe" else 730.0,
        "transmission": 0.115,
        "extinction": 1e-4,
        "offset_deg": 12.0,
        "sample_per_meter": 0.115 / 0.08,
        "sigma_relative": 0.01,
    }
    measured_utc = changes.pop("measured_utc", "2025-12-20T00:00:00Z")
    valid_days = changes.pop("valid_days", 60.0)
    return Calibration(kind, values | changes, measured_utc, "test", valid_days)


def wavelength_calibration(**gratings):
    entries = {"1": {"offset_nm": 0.0}, "3": {"offset_nm": 0.0}} | gratings
    return Calibration("wavelength", {"gratings": entries}, "2025-12-20T00:00:00Z", "test", 60.0)


class Table:
    """Hold hand-made instruments and the table that they make."""

    def __init__(self, folder, calibrations, **replacements):
        self.clock = VirtualClock()
        self.log = []
        log = self.log
        self.probe_shutter = FakeShutter(log, "probe")
        self.pump_shutter = FakeShutter(log, "pump")
        self.probe_laser = FakeLaser(log, "probe")
        self.pump_laser = FakeLaser(log, "pump")
        self.attenuator = FakeAttenuator(log)
        self.pump_attenuator = FakeAttenuator(log)
        self.meter = FakeMeter(self.probe_laser, self.attenuator, log)
        self.monochromator = FakeMonochromator(log)
        self.camera = FakeCamera(log)
        self.controller = FakeController(self.clock, log)
        self.gauge = FakeGauge(log)
        self.axis = FakeAxis(log)
        names = {
            "probe.laser": self.probe_laser,
            "probe.attenuator": self.attenuator,
            "probe.shutter": self.probe_shutter,
            "probe.power_meter": self.meter,
            "pump.laser": self.pump_laser,
            "pump.attenuator": self.pump_attenuator,
            "pump.shutter": self.pump_shutter,
            "monochromator": self.monochromator,
            "camera": self.camera,
            "controller": self.controller,
            "gauge": self.gauge,
            "x": self.axis,
        }
        source = SourceText(Path("hand.toml"), STATION)
        self.file = self._named(parse_station_file(source), replacements)
        self.calibrations = CalibrationFolder(folder, list(calibrations))
        self.instruments = names
        self.parts = build_parts(self.file, names, self.calibrations, self.clock)
        self.station = OpticalTable(
            source, self.file, self.parts, {}, self.calibrations, self.clock
        )
        self.channels = self.station.channels
        self.spectrometer = self.station.acquirers["spectrometer"]

    @staticmethod
    def _named(file, replacements):
        """Give every part its own instrument, and change single keys of sections."""
        beams = {
            name: beam.model_copy(
                update={
                    "laser": f"{name}.laser",
                    "attenuator": f"{name}.attenuator",
                    "shutter": f"{name}.shutter",
                    "power_meter": f"{name}.power_meter" if beam.power_meter else None,
                }
                | replacements.get(name, {})
            )
            for name, beam in file.beams.items()
        }
        optics = {"monochromator": "monochromator", "camera": "camera"}
        axes = {"x": file.stage.axes["x"].model_copy(update={"axis": "x"})}
        return file.model_copy(
            update={
                "beams": beams,
                "spectrometer": file.spectrometer.model_copy(
                    update=optics | replacements.get("spectrometer", {})
                ),
                "stage": file.stage.model_copy(update={"axes": axes}),
                "cryostat": file.cryostat.model_copy(
                    update={"controller": "controller", "gauge": "gauge"}
                    | replacements.get("cryostat", {})
                ),
            }
        )


@pytest.fixture
def make_table(tmp_path):
    def make(calibrations=None, **replacements):
        default = [power_calibration(), power_calibration("power.pump"), wavelength_calibration()]
        return Table(tmp_path, default if calibrations is None else calibrations, **replacements)

    return make


@pytest.fixture
def table(make_table):
    return make_table()


@pytest.fixture
def make_power_calibration():
    return power_calibration


@pytest.fixture
def make_wavelength_calibration():
    return wavelength_calibration


@pytest.fixture
def station_text():
    return STATION


@pytest.fixture
def broken():
    return InstrumentError("thing: asked, got nothing")
