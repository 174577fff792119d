"""Hold every driver to the same rules, on the simulated table."""

import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import drivers
from drivers.base import PortInstrument
from labctl.core import roles
from labctl.core.clock import VirtualClock
from labctl.core.errors import InstrumentError, LabctlError, SafetyError
from labctl.core.link import LinkSettings
from labctl.sim import build_simulation
from labctl.transport import open_adapter


@dataclass(frozen=True)
class Driver:
    """Say where a driver lives, what it is, and a value that can be set and found in the twin."""

    path: str
    role: type
    resource: str
    options: dict[str, Any] = field(default_factory=dict)
    attribute: str = ""
    target: Any = None
    truth: Callable[[Any, float], Any] = lambda ports, now_s: None
    tolerance: float = 0.0
    action: bytes = b"^$"
    """What moves, heats or emits on the wire, and so must not be repeated."""

    @property
    def cls(self):
        module, name = self.path.split(":")
        return getattr(importlib.import_module(module), name)


DRIVERS = [
    Driver("drivers.andor.sdk2:AndorCamera", roles.Camera, "andor"),
    Driver(
        "drivers.cobolt.laser:CoboltLaser", roles.Laser, "cobolt_probe",
        {"wavelength_nm": 532.0}, "power_setpoint_w", 0.01,
        lambda ports, now_s: ports.lasers["probe"].power_setpoint_w, 1e-4, rb"p \d",
    ),
    Driver(
        "drivers.lakeshore.model336:Model336", roles.TemperatureController, "lakeshore336",
        {}, "setpoint_k", 250.0,
        lambda ports, now_s: ports.cryostat.setpoint_k, 1e-3, rb"SETP 1,",
    ),
    Driver(
        "drivers.pfeiffer.tpg26x:Tpg26x", roles.PressureGauge, "tpg261",
        {}, "pressure_pa", None, lambda ports, now_s: ports.gauge.pressure_pa(now_s), 2e-4,
    ),
    Driver(
        "drivers.princeton.spectrapro:SpectraPro", roles.Monochromator, "spectrapro",
        {}, "wavelength_nm", 560.0,
        lambda ports, now_s: ports.spectrograph.wavelength_nm(now_s), 0.05, rb"GOTO",
    ),
    Driver(
        "drivers.thorlabs.ell14:Ell14", roles.Attenuator, "ell14",
        {"address": 1}, "angle_deg", 45.0,
        lambda ports, now_s: ports.rotators["pump"].angle_deg(now_s), 0.25, rb"1ma",
    ),
    Driver(
        "drivers.thorlabs.pm100d:Pm100d", roles.PowerMeter, "pm100d_probe",
        {}, "wavelength_nm", 532.0, lambda ports, now_s: 532.0, 0.01, rb"WAV \d",
    ),
    Driver(
        "drivers.thorlabs.sc10:Sc10", roles.Shutter, "sc10_probe",
        {}, "is_open", True, lambda ports, now_s: ports.shutters["probe"].is_open(now_s),
    ),
    Driver(
        "drivers.zaber.ascii_axis:ZaberAxis", roles.Axis, "zaber",
        {"device": 2, "axis": 1, "microstep_um": 0.047625}, "position_um", 30.0,
        lambda ports, now_s: ports.axes["y"].position_um(now_s), 0.5, rb"move abs",
    ),
]  # fmt: skip
ON_PORTS = [driver for driver in DRIVERS if driver.role is not roles.Camera]
SETTABLE = [driver for driver in ON_PORTS if driver.target is not None]
FAULTS = ["silence", "late", "truncate", "garbage", "duplicate", "drop"]

UNITS = {
    "_w": r"\bW\b", "_nm": r"\bnm\b", "_k": r"\bK\b", "_um": r"µm", "_pa": r"\bPa\b",
    "_deg": r"degrees|°", "_percent": r"percent|%", "_k_per_min": r"K/min", "_s": r"\bs\b",
}  # fmt: skip
RANGE = r"\d|\brange\b|True or False|whether|one of|in words"


def named(drivers_):
    return [pytest.param(driver, id=driver.path.split(":")[1]) for driver in drivers_]


class Bench:
    """Open drivers on one simulated table."""

    def __init__(self, transcript=None):
        self.clock = VirtualClock()
        self.simulation = build_simulation({"truth": "A", "seed": 7}, self.clock)
        self.transcript = transcript

    def open(self, driver, **options):
        backend = self.simulation.backend
        cls, resource = driver.cls, f"sim://{driver.resource}"
        if not issubclass(cls, PortInstrument):
            return cls(backend.open_sdk(resource), driver.resource, clock=self.clock)
        adapter = open_adapter(
            resource,
            cls.link,
            proofs=cls.proofs,
            name=driver.resource,
            clock=self.clock,
            backends={"sim": backend},
            transcript=self.transcript,
        )
        merged = {**driver.options, **options}
        return cls(adapter, driver.resource, clock=self.clock, **merged)

    def truth(self, driver):
        return driver.truth(self.simulation.ports, self.clock.monotonic_s())


@pytest.fixture
def bench():
    return Bench()


def driver_classes():
    for info in pkgutil.walk_packages(drivers.__path__, "drivers."):
        module = importlib.import_module(info.name)
        for name, member in vars(module).items():
            if (
                inspect.isclass(member)
                and member.__module__ == module.__name__
                and all(hasattr(member, verb) for verb in ("identify", "safe", "shutdown"))
            ):
                yield f"{module.__name__}:{name}"


def own_properties(cls):
    for base in cls.__mro__:
        if base.__module__.startswith("drivers.") and base.__module__ != "drivers.base":
            for name, member in vars(base).items():
                if isinstance(member, property) and not name.startswith("_"):
                    yield name, member


def test_every_driver_is_held_to_these_rules():
    assert sorted(driver_classes()) == sorted(driver.path for driver in DRIVERS)


@pytest.mark.parametrize("driver", named(DRIVERS))
def test_a_driver_fulfils_its_role_and_knows_who_it_is(driver, bench):
    instrument = bench.open(driver)
    if driver.role is roles.Camera:
        # SDK2 does not tell a set-point that was never set
        instrument.temperature_setpoint_k = 213.15
    assert isinstance(instrument, driver.role)
    identity = instrument.identify()
    assert identity.vendor
    assert identity.model
    instrument.safe()
    instrument.shutdown()
    if driver in ON_PORTS:
        instrument.shutdown()


@pytest.mark.parametrize("driver", named(DRIVERS))
def test_a_driver_is_constructed_from_connection_name_and_clock(driver):
    parameters = list(inspect.signature(driver.cls).parameters.values())
    assert [parameter.name for parameter in parameters[:3]] == ["connection", "name", "clock"]
    assert parameters[1].default is not inspect.Parameter.empty
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[2:])
    assert set(driver.options) <= {parameter.name for parameter in parameters}


@pytest.mark.parametrize("driver", named(DRIVERS))
def test_docstrings_say_what_happens_in_which_unit_and_range(driver):
    for name, member in own_properties(driver.cls):
        text = inspect.getdoc(member) or ""
        if issubclass(driver.cls, PortInstrument):
            assert re.match(r"(Control|Measure|Get|Set) ", text), f"{name}: {text!r}"
        suffix = max((s for s in UNITS if name.endswith(s)), key=len, default="")
        assert re.search(UNITS.get(suffix, ""), text), f"{name} lacks its unit: {text!r}"
        if member.fset is not None:
            assert re.search(RANGE, text), f"{name} lacks its range: {text!r}"


@pytest.mark.parametrize("driver", named(ON_PORTS))
def test_link_and_two_distinct_proofs_are_declared(driver, bench):
    cls = driver.cls
    assert isinstance(vars(cls)["link"], LinkSettings)
    assert len(vars(cls)["proofs"]) == 2
    link = bench.simulation.backend.open_link(f"sim://{driver.resource}", cls.link)
    replies = []
    for proof in cls.proofs:
        link.write(proof.question)
        reply = b""
        while chunk := link.read(cls.link.timeout_s):
            reply += chunk
        replies.append(reply)
    first, second = cls.proofs
    assert re.fullmatch(first.reply, replies[0], re.DOTALL)
    assert re.fullmatch(second.reply, replies[1], re.DOTALL)
    assert not re.fullmatch(second.reply, replies[0], re.DOTALL)


@pytest.mark.parametrize("driver", named(ON_PORTS))
def test_two_instances_share_a_port_and_one_survives_the_other(driver, bench):
    one, other = bench.open(driver), bench.open(driver)
    assert one.identify() == other.identify()
    assert getattr(one, driver.attribute) == pytest.approx(
        getattr(other, driver.attribute), rel=0.2
    )
    one.shutdown()
    assert other.identify().model


def test_instruments_of_one_bus_do_not_move_each_other(bench):
    rotator = next(driver for driver in DRIVERS if driver.resource == "ell14")
    axis = next(driver for driver in DRIVERS if driver.resource == "zaber")
    probe, pump = bench.open(rotator, address=0), bench.open(rotator, address=1)
    probe.angle_deg, pump.angle_deg = 30.0, 60.0
    assert (probe.angle_deg, pump.angle_deg) == pytest.approx((30.0, 60.0), abs=0.25)
    stage = [bench.open(axis, device=device) for device in (1, 2, 3)]
    for position_um, one in zip((10.0, 20.0, 30.0), stage, strict=True):
        one.position_um = position_um
    assert [one.position_um for one in stage] == pytest.approx([10.0, 20.0, 30.0], abs=0.5)


@pytest.mark.parametrize("driver", named(SETTABLE))
def test_what_is_set_is_what_the_table_does(driver, bench):
    instrument = bench.open(driver)
    setattr(instrument, driver.attribute, driver.target)
    assert bench.truth(driver) == pytest.approx(driver.target, abs=driver.tolerance)
    assert getattr(instrument, driver.attribute) == pytest.approx(
        driver.target, abs=driver.tolerance
    )


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("driver", named(ON_PORTS))
def test_a_fault_never_makes_a_wrong_value_of_a_reading(driver, kind):
    bench = Bench()
    instrument, faults = bench.open(driver), bench.simulation.faults(driver.resource)
    if driver.target is not None:
        setattr(instrument, driver.attribute, driver.target)
    delays_s = (driver.cls.link.timeout_s * 1.1, 30.0) if kind == "late" else (0.0,)
    for nth, delay_s in itertools.product(range(1, 8), delays_s):
        faults.at(nth, kind, delay_s=delay_s)
        for _ in range(4):
            try:
                value = getattr(instrument, driver.attribute)
            except InstrumentError:
                continue
            assert value == pytest.approx(bench.truth(driver), abs=driver.tolerance), nth
        faults.clear()
        value = getattr(instrument, driver.attribute)
        assert value == pytest.approx(bench.truth(driver), abs=driver.tolerance), nth


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("driver", named(SETTABLE))
def test_a_fault_while_setting_is_raised_or_overcome_without_repeating_the_action(
    driver, kind, tmp_path
):
    log = tmp_path / "transcript.log"
    bench = Bench(transcript=log)
    instrument, faults = bench.open(driver), bench.simulation.faults(driver.resource)
    start = getattr(instrument, driver.attribute)
    for nth in range(1, 9):
        faults.clear()
        setattr(instrument, driver.attribute, start)
        before = len(log.read_bytes())
        faults.at(nth, kind)
        try:
            setattr(instrument, driver.attribute, driver.target)
        except (InstrumentError, SafetyError):
            pass
        else:
            assert bench.truth(driver) == pytest.approx(driver.target, abs=driver.tolerance), nth
        lines = log.read_bytes()[before:].splitlines()
        written = [line for line in lines if b'"dir": ">"' in line]
        assert sum(bool(re.search(driver.action, line)) for line in written) <= 1, nth
    instrument.shutdown()


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_never_leaves_a_laser_on_that_was_reported_safe(kind):
    driver = next(driver for driver in DRIVERS if driver.role is roles.Laser)
    for nth in range(1, 6):
        bench = Bench()
        laser = bench.open(driver)
        laser.power_setpoint_w = 0.01
        laser.emission = True
        bench.simulation.faults(driver.resource).at(nth, kind)
        try:
            laser.safe()
        except LabctlError:
            continue
        assert not bench.simulation.ports.lasers["probe"].emission
