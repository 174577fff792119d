"""Compose the simulated table: the twin, an emulator at every port, and the way to them."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labctl.core.clock import Clock
from labctl.core.errors import ConfigError, ConnectionFailed
from labctl.core.link import Backend, Link, LinkSettings
from labctl.core.parameters import nearest_hint
from labctl.sim.faults import FaultScript
from labctl.sim.locked import LockedCamera
from labctl.sim.memory import MemoryLink
from labctl.sim.parameters import TwinParameters, with_overrides
from labctl.sim.ports import TablePorts
from labctl.sim.truth import Truth, true_state
from labctl.sim.twin import build_table
from labctl.sim.wire.andor_sdk2 import AndorSdk2
from labctl.sim.wire.base import WireEmulator
from labctl.sim.wire.cobolt import Cobolt
from labctl.sim.wire.ell14 import Ell14Bus
from labctl.sim.wire.lakeshore336 import Lakeshore336
from labctl.sim.wire.pm100d import Pm100d
from labctl.sim.wire.sc10 import Sc10
from labctl.sim.wire.spectrapro import SpectraPro
from labctl.sim.wire.tpg261 import Tpg261
from labctl.sim.wire.zaber import ZaberChain


class SimulationSettings(BaseModel):
    """Hold the `[simulation]` block of a station file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    truth: Literal["A", "B", "C"] = "A"
    seed: int = Field(default=1, ge=0, lt=2**63)
    override: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimulationBackend:
    """Open `sim://NAME`: byte links to the emulators, and SDK objects."""

    scripts: Mapping[str, FaultScript]
    sdks: Mapping[str, object]
    clock: Clock

    def open_link(self, resource: str, settings: LinkSettings) -> Link:  # noqa: ARG002
        """Open a byte link to an emulator, which needs no line settings.

        Raises
        ------
        ConnectionFailed
            If the simulated table has no such instrument, or it is an SDK device.
        """
        name = _name(resource)
        if name not in self.scripts:
            raise self._unknown(resource, "a byte port", self.scripts)
        return MemoryLink(resource, self.scripts[name], self.clock)

    def open_sdk(self, resource: str) -> object:
        """Return the SDK object of a simulated device.

        Raises
        ------
        ConnectionFailed
            If the simulated table has no such device.
        """
        name = _name(resource)
        if name not in self.sdks:
            raise self._unknown(resource, "an SDK device", self.sdks)
        return self.sdks[name]

    def _unknown(self, resource: str, kind: str, known: Mapping[str, object]) -> ConnectionFailed:
        return ConnectionFailed(
            f"the simulated table has no {kind.partition(' ')[2]} {resource!r}"
            f"{nearest_hint(_name(resource), known)}",
            remedy=f"name {kind} of the simulated table: {', '.join(sorted(known))}",
        )


class Simulation:
    """Hold one simulated table.

    Attributes
    ----------
    ports
        The table behind the emulators.
    emulators
        The byte emulators by name.
    sdks
        The SDK objects by name.
    """

    def __init__(
        self, settings: SimulationSettings, parameters: TwinParameters, clock: Clock
    ) -> None:
        lock = threading.RLock()
        self.settings = settings
        self.clock = clock
        self._parameters = parameters
        self.ports: TablePorts = build_table(
            parameters, settings.truth, settings.seed, clock.monotonic_s()
        )
        self.emulators: Mapping[str, WireEmulator] = build_emulators(self.ports)
        self.sdks: Mapping[str, object] = {
            "andor": AndorSdk2(LockedCamera(self.ports.camera, lock), clock)
        }
        self._scripts = {
            name: FaultScript(emulator, lock) for name, emulator in self.emulators.items()
        }

    @property
    def names(self) -> Sequence[str]:
        """Return the names of the byte emulators."""
        return tuple(self.emulators)

    @property
    def backend(self) -> Backend:
        """Return what opens the resources `sim://NAME` of this table."""
        return SimulationBackend(self._scripts, self.sdks, self.clock)

    def faults(self, name: str) -> FaultScript:
        """Return the fault script of an emulator.

        Raises
        ------
        ConfigError
            If there is no such emulator.
        """
        if name not in self._scripts:
            raise ConfigError(f"no emulator {name!r}{nearest_hint(name, self._scripts)}")
        return self._scripts[name]

    def truth(
        self,
        region: str,
        power_w: float,
        pump_power_w: float = 0.0,
        cryostat_k: float = 298.0,
        pressure_pa: float | None = None,
    ) -> Truth:
        """Return the true state of a region for powers at the sample in W.

        Raises
        ------
        UsageError
            If the region is unknown or a number is out of range.
        """
        return true_state(
            self._parameters,
            self.settings.truth,
            region,
            power_w,
            pump_power_w,
            cryostat_k,
            pressure_pa,
        )


def build_simulation(settings: Mapping[str, Any], clock: Clock) -> Simulation:
    """Return the simulated table that a `[simulation]` block describes.

    Parameters
    ----------
    settings
        `truth` (A, B or C), `seed`, and `override`, numbers of the twin by dotted name.

    Raises
    ------
    ConfigError
        Naming every wrong key, with the nearest known one or the allowed values.
    """
    try:
        checked = SimulationSettings.model_validate(dict(settings))
    except ValidationError as error:
        raise ConfigError(
            "[simulation]: " + "; ".join(_explain(item) for item in error.errors()),
            remedy="allowed are truth (A, B or C), seed (a whole number) and [simulation.override]",
        ) from error
    return Simulation(checked, with_overrides(checked.override), clock)


def build_emulators(ports: TablePorts) -> dict[str, WireEmulator]:
    """Return an emulator for every byte port of a table, by name."""
    lasers, rotators = ports.lasers, ports.rotators
    emulators: dict[str, WireEmulator] = {
        "spectrapro": SpectraPro(ports.spectrograph),
        "ell14": Ell14Bus({"0": rotators["probe"], "1": rotators["pump"]}),
        "lakeshore336": Lakeshore336(ports.cryostat),
        "zaber": ZaberChain({1: ports.axes["x"], 2: ports.axes["y"], 3: ports.axes["z"]}),
        "tpg261": Tpg261(ports.gauge),
    }
    for beam, serial in (("probe", "12345"), ("pump", "12346")):
        emulators |= {
            f"cobolt_{beam}": Cobolt(lasers[beam], serial=serial),
            f"sc10_{beam}": Sc10(ports.shutters[beam]),
            f"pm100d_{beam}": Pm100d(ports.powers[beam], lasers[beam].wavelength_nm),
        }
    return emulators


def _name(resource: str) -> str:
    return resource.removeprefix("sim://")


def _explain(item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "settings"
    if item["type"] == "extra_forbidden":
        return f"unknown key {key!r}{nearest_hint(key, SimulationSettings.model_fields)}"
    text = str(item["msg"])
    return f"{key}: {text[:1].lower()}{text[1:]} (given: {item['input']!r})"
