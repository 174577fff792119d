"""Offer the simulated table by itself: its numbers, its truth, its instruments on TCP ports."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labctl.core.clock import Clock, RealClock, ScaledClock, VirtualClock
from labctl.core.errors import ConfigError
from labctl.sim import RunningServers, Simulation, build_simulation, serve
from labctl.sim.parameters import ParameterEntry, list_parameters
from labctl.sim.truth import Truth
from labctl.station import read_station_file
from labctl.station.sections import StationFile


def simulation_of(
    station_file: Path | None, clock: Clock, changes: Mapping[str, Any] | None = None
) -> Simulation:
    """Build the simulated table of a station file, or the default one.

    `changes` (truth, seed) go over what the file says.

    Raises
    ------
    ConfigError
        If the file has no `[simulation]` block, or that block or a change is wrong.
    """
    settings: dict[str, Any] = {}
    if station_file is not None:
        section = read_station_file(station_file).simulation
        if section is None:
            raise ConfigError(
                f"{station_file}: has no [simulation] block: it describes a real table",
                remedy="use configs/simulated.toml, or add a [simulation] block",
            )
        settings = {"truth": section.truth, "seed": section.seed, "override": section.override}
    settings |= {key: value for key, value in (changes or {}).items() if value is not None}
    return build_simulation(settings, clock)


def simulation_for(
    path: Path, file: StationFile, clock: Clock, changes: Mapping[str, Any] | None = None
) -> Simulation | None:
    """Build the simulated table that a station file needs; None if no resource is `sim://`.

    Raises
    ------
    ConfigError
        If changes are asked for and there is nothing to change.
    """
    wanted = {key: value for key, value in (changes or {}).items() if value is not None}
    if any(one.resource.startswith("sim://") for one in file.instruments.values()):
        return simulation_of(path, clock, wanted)
    if wanted:
        raise ConfigError(
            f"{path}: {', '.join(wanted)} cannot be changed: no instrument is simulated here",
            remedy="leave the option out, or use configs/simulated.toml",
        )
    return None


def simulated_file(file: StationFile, truth: str, seed: int) -> StationFile:
    """Return the content of a station file with the truth and the seed that are simulated."""
    if file.simulation is None:
        return file
    section = file.simulation.model_copy(update={"truth": truth, "seed": seed})
    return file.model_copy(update={"simulation": section})


def true_state(
    station_file: Path | None,
    truth: str | None,
    region: str,
    power_w: float,
    pump_power_w: float,
    cryostat_k: float,
) -> Truth:
    """Return what is true on the simulated table, for tests and for people."""
    simulation = simulation_of(station_file, VirtualClock(), {"truth": truth})
    return simulation.truth(region, power_w, pump_power_w, cryostat_k)


def parameter_entries() -> list[ParameterEntry]:
    """List every number of the simulated table by its dotted name."""
    return list_parameters()


class ServedTable:
    """Hold a simulated table whose instruments answer on TCP ports of this machine."""

    def __init__(
        self,
        station_file: Path,
        speed: float = 1.0,
        host: str = "127.0.0.1",
        changes: Mapping[str, Any] | None = None,
    ) -> None:
        from labctl.transport.sdk_remote import SdkServer

        self.clock: Clock = RealClock() if speed == 1.0 else ScaledClock(speed)
        self._station_file = station_file
        simulation = simulation_of(station_file, self.clock, changes)
        self._servers: RunningServers = serve(
            simulation, host, extra=dict.fromkeys(simulation.sdks, SdkServer)
        )

    @property
    def resources(self) -> Mapping[str, str]:
        """Return the resource of each instrument by its `sim://` name."""
        return self._servers.resources

    def station_text(self) -> str:
        """Return the station file with TCP resources and the clock of this table."""
        text = self._station_file.read_text(encoding="utf-8")
        for name, resource in self.resources.items():
            text = text.replace(f'"sim://{name}"', json.dumps(resource))
        return _with_clock(_with_folder(text, self._station_file), self.clock)

    def close(self) -> None:
        """Stop serving."""
        self._servers.close()

    def __enter__(self) -> "ServedTable":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _with_folder(text: str, station_file: Path) -> str:
    """Name the calibrations folder in full: the printed file will lie elsewhere."""
    named = read_station_file(station_file).station.calibrations_folder
    folder = (station_file.parent / named).resolve()
    line = f"calibrations_folder = {json.dumps(str(folder))}"
    found = re.compile(r"^\s*calibrations_folder\s*=.*$", re.MULTILINE)
    if found.search(text):
        return found.sub(lambda _: line, text, count=1)
    return re.sub(r"^\[station\].*$", lambda head: f"{head[0]}\n{line}", text, count=1, flags=re.M)


def _with_clock(text: str, clock: Clock) -> str:
    """Replace the `[simulation]` tables by the clock alone: the table itself is elsewhere."""
    tables = re.split(r"(?m)^(?=\[)", text)
    kept = [table for table in tables if not re.match(r"\[simulation[\].]", table)]
    lines = ['clock = "real"']
    if isinstance(clock, ScaledClock):
        # with one origin every client, and every attempt at a run, goes on from the same time
        lines = ['clock = "scaled"', f"speed = {clock.speed:g}"]
        lines.append(f"origin_utc = {clock.origin_utc.isoformat()}")
    return "".join(kept).rstrip() + "\n\n[simulation]\n" + "\n".join(lines) + "\n"
