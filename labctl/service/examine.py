"""Tell what a station file offers: its procedures, its instruments one by one."""

from pathlib import Path
from typing import TYPE_CHECKING

from labctl.core.procedure import Procedure, find_procedures, get_procedure
from labctl.service.places import find_station_file
from labctl.station.file import read_station_file

if TYPE_CHECKING:
    from labctl.station import DoctorRow


def procedures_of(station_file: Path | None) -> dict[str, type[Procedure]]:
    """Return the procedures of a station by name; raises `ConfigError` if they do not import."""
    return find_procedures(_packages(station_file))


def procedure_of(station_file: Path | None, name: str) -> type[Procedure]:
    """Return a procedure of a station; raises `UsageError` with the nearest name."""
    return get_procedure(name, _packages(station_file))


def examine_station(station_file: Path) -> "list[DoctorRow]":
    """Ask every instrument who it is; those that fail are in the list with a remedy.

    Raises
    ------
    ConfigError
        If the station file cannot be used.
    """
    from labctl.service.simulator import simulation_for
    from labctl.station import doctor

    file = read_station_file(station_file)
    clock = file.make_clock()
    simulation = simulation_for(station_file, file, clock)
    backends = {"sim": simulation.backend} if simulation else {}
    return doctor(station_file, clock=clock, backends=backends)


def _packages(station_file: Path | None) -> tuple[str, ...]:
    return read_station_file(find_station_file(station_file)).station.procedures
