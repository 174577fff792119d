"""Examine the instruments of a station file one by one."""

from pathlib import Path

from labctl.service.simulator import simulation_for
from labctl.station import DoctorRow, doctor, read_station_file


def examine_station(station_file: Path) -> list[DoctorRow]:
    """Ask every instrument who it is; those that fail are in the list with a remedy.

    Raises
    ------
    ConfigError
        If the station file cannot be used.
    """
    file = read_station_file(station_file)
    clock = file.make_clock()
    simulation = simulation_for(station_file, file, clock)
    backends = {"sim": simulation.backend} if simulation else {}
    return doctor(station_file, clock=clock, backends=backends)
