"""Run procedures on the simulated table in memory, with the twin's truth at hand.

Here, and nowhere in labctl, what the station says is compared with what is so.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from table_process import CONFIGS

from labctl.core.clock import VirtualClock
from labctl.core.messages import Acquire, Message, Plan
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure, get_procedure
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Exposure
from labctl.engine import Control, DryRun, Observer, Outcome, execute
from labctl.sim import build_simulation
from labctl.station import load_station
from labctl.store import RunReader, RunWriter

STATION = CONFIGS / "simulated.toml"
AMBIENT_K = 298.0

SHORT: Mapping[str, Any] = {"exposure_s": 0.5, "accumulations": 3, "refocus": False}
"""Parameters that make each procedure short; what they measure is too noisy to mean anything."""
SHORTEST: Mapping[str, Mapping[str, Any]] = {
    "spectrum": {"exposure_s": 0.5, "accumulations": 3},
    "wavelength_check": {"exposure_s": 0.5, "accumulations": 3},
    "power_series": SHORT
    | {
        "windows": ("raman", "pl"),
        "powers": (100e-6, 200e-6),
        "pl_exposure_s": 0.2,
        "pl_accumulations": 3,
    },
    "dual_beam": SHORT | {"pairs": 2, "power": 100e-6},
    "temperature_series": SHORT
    | {"windows": ("raman",), "temperatures": (290.0, 298.0), "end_temperature": 298.0},
    "thermometry_calibration": SHORT
    | {"temperatures": (297.9, 298.0, 298.1), "powers": (50e-6, 100e-6)},
}


class VirtualTable:
    """Hold one simulated table in memory, opened through its drivers."""

    def __init__(
        self, station: Path = STATION, clock: VirtualClock | None = None, **simulation: Any
    ) -> None:
        self.clock = clock or VirtualClock()
        self.simulation = build_simulation(simulation, self.clock)
        self.ports = self.simulation.ports
        self.station = load_station(
            station, clock=self.clock, backends={"sim": self.simulation.backend}
        )

    def cool(self) -> None:
        """Bring the camera to its temperature, as it is in a laboratory."""
        self.station.acquirers["spectrometer"].acquire(Acquire("spectrometer", 0.1))

    def execute(
        self,
        procedure: Procedure,
        parameters: ParameterModel,
        root: Path,
        *,
        control: Control | None = None,
        observer: Observer | None = None,
        expected: DryRun | None = None,
        writer: type[RunWriter] = RunWriter,
    ) -> tuple[Outcome, RunReader]:
        """Run a procedure; returns how it ended and its record."""
        journal = writer.create(root, procedure.name, clock=self.clock, margin_bytes=0)
        outcome = execute(
            procedure,
            parameters,
            self.station,
            journal,
            control=control,
            observer=observer,
            expected=expected,
        )
        return outcome, RunReader(journal.path)

    def open_shutters(self) -> list[str]:
        """Return the beams whose blade is open, whatever any instrument says."""
        now_s = self.clock.monotonic_s()
        return [name for name, shutter in self.ports.shutters.items() if shutter.is_open(now_s)]

    def emitting(self) -> list[str]:
        """Return the lasers that emit."""
        return [name for name, laser in self.ports.lasers.items() if laser.emission]

    def moving(self) -> list[str]:
        """Return the axes that move."""
        now_s = self.clock.monotonic_s()
        return [name for name, axis in self.ports.axes.items() if axis.is_moving(now_s)]

    def unsafe(self) -> list[str]:
        """Return what is not in the safe state, in words."""
        cryostat, now_s = self.ports.cryostat, self.clock.monotonic_s()
        off_k = abs(cryostat.setpoint_k - cryostat.sensor_k(now_s))
        return [
            *(f"the shutter of {beam} is open" for beam in self.open_shutters()),
            *(f"{laser} emits" for laser in self.emitting()),
            *(f"{axis} moves" for axis in self.moving()),
            *([f"the heater drives by {off_k:.1f} K"] if off_k > 0.5 else []),
            *(["the heater ramps"] if cryostat.ramp_on else []),
        ]

    def power_w(self, beam: str) -> float:
        """Return the true power at the sample behind an open shutter."""
        path = getattr(self.simulation._parameters.path, beam)
        return self._arriving_w(beam) * (1 - path.pickoff) * path.transmission

    def picked_off_w(self, beam: str) -> float:
        """Return the true power on the head that measures the picked-off part."""
        path = getattr(self.simulation._parameters.path, beam)
        return self._arriving_w(beam) * path.pickoff

    def _arriving_w(self, beam: str) -> float:
        now_s = self.clock.monotonic_s()
        emitted_w = self.ports.lasers[beam].mean_power_w(now_s)
        return float(emitted_w * self.ports.rotators[beam].transmission(now_s))


def procedure_of(name: str) -> tuple[Procedure, ParameterModel]:
    """Return a shipped procedure with its shortest parameters."""
    procedure = get_procedure(name)()
    return procedure, procedure.Parameters.model_validate(dict(SHORTEST[name]))


class Witnessed(Procedure):
    """Wrap a procedure, and show every answer to a witness before the plan gets it."""

    def __init__(self, inner: Procedure, witness: Callable[[Message, Any], None]) -> None:
        self.name = inner.name
        self.Parameters = inner.Parameters
        self._inner = inner
        self._witness = witness

    def plan(self, p: Any) -> Plan:
        plan = self._inner.plan(p)
        answer: Any = None
        while True:
            try:
                message = plan.send(answer)
            except StopIteration:
                return
            answer = yield message
            self._witness(message, answer)


class Witness:
    """Compare what is called good with the truth of the twin."""

    def __init__(self, table: VirtualTable) -> None:
        self.table = table
        self.compared = 0
        self.wrong: list[str] = []
        self.lying: set[str] = set()
        """Channels of instruments that were told to lie, and that nothing else watches."""

    def answer(self, message: Message, answer: Any) -> None:
        """Look at the answer to a message."""
        if isinstance(answer, Reading):
            self.reading(message.channel, answer)
        elif isinstance(answer, Exposure) and answer.quality is Quality.GOOD:
            self.exposure(message, answer)

    def readings(self, snapshot: Mapping[str, Reading]) -> None:
        """Look at the read-backs of the whole table."""
        for name, reading in snapshot.items():
            self.reading(name, reading)

    def reading(self, channel: str, reading: Reading) -> None:
        if reading.quality is not Quality.GOOD or channel in self.lying:
            return
        truth, tolerance = self.truth(channel)
        self.compared += 1
        if isinstance(truth, float):
            is_true = abs(reading.number - truth) <= tolerance
        else:
            is_true = reading.value == truth
        if not is_true:
            self.wrong.append(f"{channel} reads {reading.value}, true is {truth}")

    def truth(self, channel: str) -> tuple[Any, float]:
        """Return what a channel should read now, and how far noise may take it."""
        ports, now_s = self.table.ports, self.table.clock.monotonic_s()
        device, _, name = channel.partition(".")
        if device in ports.lasers:
            return self._beam(device, name, now_s)
        if device == "stage":
            return self._stage(name, now_s)
        optics = ports.spectrograph
        window = WINDOWS.get((optics.grating(now_s), round(optics.wavelength_nm(now_s))), "none")
        return {
            "spectrometer.window": (window, 0.0),
            "spectrometer.grating": (optics.grating(now_s), 0.0),
            "spectrometer.centre": (optics.wavelength_nm(now_s), 0.002),
            "camera.locked": (ports.camera.is_stable(now_s), 0.0),
            "cryostat.setpoint": (ports.cryostat.working_setpoint_k(now_s), 1e-3),
            "camera.temperature": (ports.camera.temperature_c(now_s) + 273.15, 1.0),
            "cryostat.temperature": (ports.cryostat.sensor_k(now_s), 0.3),
            "cryostat.pressure": (
                ports.gauge.pressure_pa(now_s),
                0.1 * ports.gauge.pressure_pa(now_s),
            ),
        }[channel]

    def exposure(self, request: Acquire, exposure: Exposure) -> None:
        """Check that beams, window and powers of an exposure were what it says."""
        self.compared += 1
        start_s = exposure.monotonic_s
        end_s = start_s + exposure.exposure_s * exposure.accumulations
        for beam, shutter in self.table.ports.shutters.items():
            part = shutter.open_fraction(start_s, end_s)
            if part != float(beam in exposure.beams):
                self.wrong.append(f"{beam} was open {part:.0%} of an exposure of {exposure.beams}")
        if set(exposure.beams) != set(request.beams):
            self.wrong.append(f"{exposure.beams} were open instead of {request.beams}")
        for name, value in exposure.settings.items():
            if name in SETTINGS:
                truth, tolerance = self.truth(SETTINGS[name])
                if abs(value - truth) > tolerance:
                    self.wrong.append(f"{name} of an exposure is {value}, true is {truth}")

    def _beam(self, beam: str, name: str, now_s: float) -> tuple[Any, float]:
        laser, shutter = self.table.ports.lasers[beam], self.table.ports.shutters[beam]
        power_w = self.table.power_w(beam)
        laser_w = laser.mean_power_w(now_s)
        return {
            # a beam that was set to 0 is dark and stays closed: it lets a little through
            "power": (power_w, 0.03 * power_w + 3e-7),
            "shutter": ("open" if shutter.is_open(now_s) else "closed", 0.0),
            "laser_power": (laser_w, 0.03 * laser_w + 1e-4),
            "interlock": (laser.interlock_closed, 0.0),
            "attenuator": (self.table.ports.rotators[beam].angle_deg(now_s), 0.01),
            "meter": (self.table.picked_off_w(beam), 0.03 * self.table.picked_off_w(beam) + 1e-8),
        }[name]

    def _stage(self, name: str, now_s: float) -> tuple[Any, float]:
        axes = self.table.ports.axes
        if name in axes:
            return axes[name].position_um(now_s), 0.2
        here = (round(axes["x"].position_um(now_s)), round(axes["y"].position_um(now_s)))
        return POSITIONS.get(here, "none"), 0.0


WINDOWS = {(1, 532): "raman", (1, 540): "silicon", (3, 770): "pl"}
POSITIONS = {
    (30 * index, 0): name
    for index, name in enumerate(("substrate", "mono", "weak", "strong", "intermediate", "cvd"))
}
SETTINGS = {"grating": "spectrometer.grating", "centre_nm": "spectrometer.centre"}
