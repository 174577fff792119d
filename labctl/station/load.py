"""Turn a station file into a connected table."""

from collections.abc import Mapping
from pathlib import Path

from labctl.core.clock import Clock
from labctl.core.link import Backend
from labctl.station.build import build_parts, check_roles
from labctl.station.calibrations import CalibrationFolder
from labctl.station.file import SourceText, parse_station_file, read_source
from labctl.station.instruments import (
    DoctorRow,
    Driver,
    Ports,
    close_all,
    examine,
    find_drivers,
    open_all,
)
from labctl.station.sections import StationFile
from labctl.station.station import OpticalTable


def load_station(
    path: str | Path,
    *,
    clock: Clock,
    backends: Mapping[str, Backend],
    transcripts: Path | None = None,
) -> OpticalTable:
    """Connect the table of a station file; nothing is moved, opened or switched on.

    A shutter that a process left open when it died is closed. A camera whose options say so
    starts to cool.

    Parameters
    ----------
    clock
        The clock of the whole table, see `StationFile.make_clock`.
    backends
        What opens the resources of a scheme, such as `sim`.
    transcripts
        A folder to which every byte of every port is written.

    Raises
    ------
    ConfigError
        If the file, a driver, an option or a calibration cannot be used; no port stays open.
    InstrumentError
        If instruments do not answer as the file says; all of them are named.
    SafetyError
        If a shutter is not confirmed closed.
    """
    source = read_source(path)
    file = parse_station_file(source)
    drivers = _drivers(source, file)
    calibrations = CalibrationFolder.open(source.path.parent / file.station.calibrations_folder)
    opened = open_all(drivers, Ports(clock, backends, transcripts))
    try:
        instruments = {name: item.instrument for name, item in opened.items()}
        if problems := check_roles(file, instruments):
            raise source.error(problems)
        parts = build_parts(file, instruments, calibrations, clock)
        for beam in parts.beams.values():
            beam.guard.ensure_closed()
    except BaseException:
        close_all(opened)
        raise
    return OpticalTable(source, file, parts, opened, calibrations, clock)


def doctor(path: str | Path, *, clock: Clock, backends: Mapping[str, Backend]) -> list[DoctorRow]:
    """Examine every instrument of a station file on its own; one row each, failures included.

    Raises
    ------
    ConfigError
        If the file itself cannot be used.
    """
    source = read_source(path)
    file = parse_station_file(source)
    drivers = _drivers(source, file)
    ports = Ports(clock, backends)
    return [examine(driver, ports) for driver in drivers.values()]


def _drivers(source: SourceText, file: StationFile) -> dict[str, Driver]:
    drivers, problems = find_drivers(file)
    if problems:
        raise source.error(problems)
    return drivers
