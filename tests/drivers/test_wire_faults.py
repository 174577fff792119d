"""Spoil every reply that a driver gets, one after the other, in every way that lines know.

What a driver returns must be the truth of the simulated table, and what it cannot vouch for a
`LabctlError`. Afterwards the driver must read true values again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest

from labctl.core.clock import VirtualClock
from labctl.core.errors import LabctlError
from labctl.sim import build_simulation
from labctl.sim.ports import TablePorts
from labctl.transport import open_adapter

MICROSTEP_UM = 0.047625


@dataclass(frozen=True)
class Step:
    """Do something to a driver; `truth` is what must hold if no error is raised."""

    act: Callable[[Any], Any]
    truth: Callable[[TablePorts, float], Any]
    tolerance: float = 0.0


@dataclass(frozen=True)
class Case:
    driver: str
    emulator: str
    steps: Mapping[str, Step]
    options: Mapping[str, Any] = field(default_factory=dict)
    arrange: Callable[[TablePorts], None] = lambda ports: None
    prepare: Callable[[Any], Any] = lambda driver: None


def get(name: str) -> Callable[[Any], Any]:
    return lambda driver: getattr(driver, name)


def put(name: str, value: Any) -> Callable[[Any], Any]:
    """Set a property; what comes back is what was set."""

    def act(driver: Any) -> Any:
        setattr(driver, name, value)
        return value

    return act


def _arrange_cryostat(ports: TablePorts) -> None:
    # every answer of the tour is another number
    ports.cryostat.ramp_k_per_min = 7.0
    ports.cryostat.heater_range = 2
    ports.cryostat.set_setpoint(294.0, 0.0)


def _arrange_laser(ports: TablePorts) -> None:
    ports.lasers["probe"].power_setpoint_w = 0.01


CASES = {
    "lakeshore336": Case(
        "drivers.lakeshore.model336:Model336",
        "lakeshore336",
        {
            "temperature": Step(get("temperature_k"), lambda p, t: p.cryostat.sensor_k(t), 0.5),
            "set-point": Step(
                get("setpoint_k"), lambda p, t: p.cryostat.working_setpoint_k(t), 0.1
            ),
            "heater": Step(get("heater_percent"), lambda p, t: p.cryostat.heater_percent(t), 2.0),
            "range": Step(get("heater_range"), lambda p, t: "medium"),
            "ramp": Step(
                get("ramp_k_per_min"),
                lambda p, t: p.cryostat.ramp_k_per_min if p.cryostat.ramp_on else 0.0,
            ),
            "ramping": Step(
                get("ramping"),
                lambda p, t: abs(p.cryostat.working_setpoint_k(t) - p.cryostat.setpoint_k) > 1e-3,
            ),
            "new set-point": Step(put("setpoint_k", 292.0), lambda p, t: p.cryostat.setpoint_k),
            "new ramp": Step(put("ramp_k_per_min", 9.0), lambda p, t: p.cryostat.ramp_k_per_min),
            "hold": Step(
                lambda d: d.hold(),
                lambda p, t: (
                    None
                    if not p.cryostat.ramp_on
                    and abs(p.cryostat.setpoint_k - p.cryostat.sensor_k(t)) < 10.0
                    else "not on hold"
                ),
            ),
            "back": Step(put("setpoint_k", 294.0), lambda p, t: p.cryostat.setpoint_k),
        },
        arrange=_arrange_cryostat,
    ),
    "spectrapro": Case(
        "drivers.princeton.spectrapro:SpectraPro",
        "spectrapro",
        {
            "wavelength": Step(
                get("wavelength_nm"), lambda p, t: p.spectrograph.wavelength_nm(t), 0.01
            ),
            "grating": Step(get("grating"), lambda p, t: p.spectrograph.grating(t)),
            "gratings": Step(
                lambda d: {n: g.grooves_per_mm for n, g in d.gratings.items()},
                lambda p, t: dict(p.spectrograph.gratings),
            ),
            "identity": Step(lambda d: d.identify().serial, lambda p, t: "25580117"),
            "turn": Step(put("grating", 2), lambda p, t: p.spectrograph.grating(t)),
            "turn back": Step(put("grating", 1), lambda p, t: p.spectrograph.grating(t)),
            "move": Step(
                put("wavelength_nm", 600.0), lambda p, t: p.spectrograph.wavelength_nm(t), 0.01
            ),
            "move back": Step(
                put("wavelength_nm", 540.0), lambda p, t: p.spectrograph.wavelength_nm(t), 0.01
            ),
        },
    ),
    "sc10": Case(
        "drivers.thorlabs.sc10:Sc10",
        "sc10_probe",
        {
            "is open": Step(get("is_open"), lambda p, t: p.shutters["probe"].is_open(t)),
            "interlock": Step(get("interlock_tripped"), lambda p, t: False),
            "identity": Step(lambda d: d.identify().firmware, lambda p, t: "1.07"),
            "open": Step(put("is_open", True), lambda p, t: p.shutters["probe"].is_open(t)),
            "still open": Step(get("is_open"), lambda p, t: p.shutters["probe"].is_open(t)),
            "close": Step(put("is_open", False), lambda p, t: p.shutters["probe"].is_open(t)),
        },
    ),
    "cobolt": Case(
        "drivers.cobolt.laser:CoboltLaser",
        "cobolt_probe",
        {
            "identity": Step(lambda d: d.identify().serial, lambda p, t: "12345"),
            "set-point": Step(
                get("power_setpoint_w"), lambda p, t: p.lasers["probe"].power_setpoint_w, 1e-4
            ),
            "power": Step(get("power_w"), lambda p, t: p.lasers["probe"].power_w(t), 1e-3),
            "interlock": Step(get("interlock_closed"), lambda p, t: True),
            "fault": Step(get("fault"), lambda p, t: ""),
            "emission": Step(get("emission"), lambda p, t: p.lasers["probe"].emission),
            "new power": Step(
                put("power_setpoint_w", 0.012),
                lambda p, t: p.lasers["probe"].power_setpoint_w,
                1e-4,
            ),
            "on": Step(put("emission", True), lambda p, t: p.lasers["probe"].emission),
            "off": Step(put("emission", False), lambda p, t: p.lasers["probe"].emission),
        },
        {"wavelength_nm": 532.0},
        _arrange_laser,
    ),
    "ell14": Case(
        "drivers.thorlabs.ell14:Ell14",
        "ell14",
        {
            "angle": Step(get("angle_deg"), lambda p, t: p.rotators["pump"].angle_deg(t), 0.1),
            "status": Step(get("status"), lambda p, t: "ok"),
            "move": Step(put("angle_deg", 45.0), lambda p, t: p.rotators["pump"].angle_deg(t), 0.1),
            "move back": Step(
                put("angle_deg", 10.0), lambda p, t: p.rotators["pump"].angle_deg(t), 0.1
            ),
        },
        {"address": 1},
    ),
    "pm100d": Case(
        "drivers.thorlabs.pm100d:Pm100d",
        "pm100d_probe",
        {
            "wavelength": Step(get("wavelength_nm"), lambda p, t: 532.0, 0.01),
            "power": Step(get("power_w"), lambda p, t: p.powers["probe"].power_w(t), 1e-5),
            "sensor": Step(lambda d: d.sensor.vendor, lambda p, t: "Thorlabs"),
            "set": Step(put("wavelength_nm", 532.0), lambda p, t: 532.0, 0.01),
        },
        prepare=put("wavelength_nm", 532.0),
    ),
    "zaber": Case(
        "drivers.zaber.ascii_axis:ZaberAxis",
        "zaber",
        {
            "position": Step(get("position_um"), lambda p, t: p.axes["y"].position_um(t), 0.1),
            "move": Step(put("position_um", 30.0), lambda p, t: p.axes["y"].position_um(t), 0.1),
            "move back": Step(
                put("position_um", -12.0), lambda p, t: p.axes["y"].position_um(t), 0.1
            ),
        },
        {"device": 2, "axis": 1, "microstep_um": MICROSTEP_UM},
    ),
    "tpg261": Case(
        "drivers.pfeiffer.tpg26x:Tpg26x",
        "tpg261",
        {
            "pressure": Step(
                get("pressure_pa"),
                lambda p, t: pytest.approx(p.gauge.pressure_pa(t), rel=0.2),
            ),
            "identity": Step(lambda d: d.identify().vendor, lambda p, t: "Pfeiffer"),
        },
        {"gauge": 1},
    ),
}

FAULTS = {
    "silence": {"kind": "silence"},
    "two silences": {"kind": "silence", "count": 2},
    # in units of the driver's timeout
    "late": {"kind": "late", "delay_s": 1.3},
    "late as the proofs are asked": {"kind": "late", "delay_s": 2.0},
    "very late": {"kind": "late", "delay_s": 15.0},
    "truncation": {"kind": "truncate"},
    "last byte lost": {"kind": "truncate", "keep": -1},
    "garbage": {"kind": "garbage"},
    "readable garbage": {"kind": "garbage", "noise": b"~"},
    "duplicate": {"kind": "duplicate"},
    "drop": {"kind": "drop"},
}


class Table:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.clock = VirtualClock()
        # hundreds of tables are built, and no test here needs a whole chip
        chip = {"ccd.rows": 212, "ccd.columns": 2}
        self.simulation = build_simulation({"override": chip}, self.clock)
        case.arrange(self.simulation.ports)
        module, _, name = case.driver.partition(":")
        driver_class = getattr(import_module(module), name)
        adapter = open_adapter(
            f"sim://{case.emulator}",
            driver_class.link,
            proofs=driver_class.proofs,
            name=case.emulator,
            clock=self.clock,
            backends={"sim": self.simulation.backend},
        )
        self.driver = driver_class(adapter, clock=self.clock, **case.options)
        case.prepare(self.driver)
        self.faults = self.simulation.faults(case.emulator)

    def spoil(self, n: int, delay_s: float = 0.0, **fault: Any) -> None:
        self.faults.at(n, delay_s=delay_s * self.driver.link.timeout_s, **fault)

    def tour(self) -> list[str]:
        """Take every step and return what failed; a value that is not true fails the test."""
        failed = []
        for name, step in self.case.steps.items():
            try:
                value = step.act(self.driver)
            except LabctlError as error:
                failed.append(f"{name}: {error!r}" if error.remedy else "an error without remedy")
                continue
            truth = step.truth(self.simulation.ports, self.clock.monotonic_s())
            if step.tolerance:
                truth = pytest.approx(truth, abs=step.tolerance)
            assert value == truth, f"{name} is wrong"
        return failed


def replies_of_a_tour(case: Case) -> int:
    table = Table(case)
    assert table.tour() == []
    table.driver.shutdown()
    return table.faults.replies


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("case", CASES)
def test_no_fault_of_a_reply_gives_a_wrong_value_and_the_driver_recovers(case, fault):
    for n in range(1, replies_of_a_tour(CASES[case]) + 1):
        table = Table(CASES[case])
        table.spoil(n, **FAULTS[fault])
        assert "an error without remedy" not in table.tour()
        # a reply that is very late may still disturb the next tour, but no other
        recovered = table.tour() == [] or table.tour() == []
        assert recovered, f"not recovered from {fault} of reply {n}"
        table.driver.shutdown()
