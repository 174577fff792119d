"""State the conditions under which measuring makes sense, each as a question to the table."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labctl.core.channels import Channel, Interlock, Station
from labctl.core.clock import Clock
from labctl.core.errors import InstrumentError
from labctl.core.readings import Quality, Reading
from labctl.engine.interlocks import holds
from labctl.service.night.doing import TEMPERATURE, Doing
from labctl.service.night.settings import ConditionSettings
from labctl.service.session import Session

STEADY = "cryostat steady"
READ_ATTEMPTS = 3
_BETWEEN_S = 2.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Hold one condition. `why_not` returns an empty string where it holds.

    `while_safe`: it can be judged on a table in its safe state. `in_run`: it suspends a run that
    is on; the engine itself ends the run for the others.
    """

    name: str
    why_not: Callable[[], str]
    remedy: str = ""
    while_safe: bool = True
    in_run: bool = True


def rules_of(
    session: Session,
    doing: Doing,
    settled_k: Callable[[], float | None],
    settings: ConditionSettings,
) -> Iterator[Rule]:
    """Yield the conditions of a table, those of the station file's interlocks first.

    Parameters
    ----------
    doing
        What the run that is on does.
    settled_k
        Where the cryostat ought to be, in K; None while it is on its way.
    """
    station, file = session.station, session.station.file
    for interlock in station.interlocks:
        yield _interlock(interlock, station)
    if settings.cryostat_k is not None and TEMPERATURE in station.channels:
        yield _cryostat(station, settled_k, settings.cryostat_k)
    for beam, section in file.beams.items():
        if settings.laser is not None:
            yield _laser(station, doing, beam, section.laser_power_w, settings.laser)
    if settings.camera_k is not None and file.spectrometer is not None:
        yield _camera(station, file.spectrometer.camera_temperature_k, settings.camera_k)
    if settings.disk_bytes is not None:
        yield _disk(session.output, settings.disk_bytes)


def read(channel: Channel, clock: Clock) -> Reading:
    """Read a channel; a fault of the line is given time to pass, a violation is not doubted."""
    for attempt in range(READ_ATTEMPTS):
        try:
            reading = channel.read()
        except InstrumentError as error:
            reading = Reading.invalid(error.message, channel.unit, clock)
        if reading.quality is not Quality.INVALID or attempt == READ_ATTEMPTS - 1:
            break
        clock.sleep(_BETWEEN_S)
    return reading


def _interlock(interlock: Interlock, station: Station) -> Rule:
    channel = station.channels[interlock.channel]

    def why_not() -> str:
        reading = read(channel, station.clock)
        if holds(interlock.expect, reading):
            return ""
        return f"{channel.name} is {shown(reading)}, must be {interlock.expect}"

    return Rule(interlock.name, why_not, interlock.remedy, in_run=interlock.action == "pause")


def _cryostat(station: Station, wanted: Callable[[], float | None], most_k: float) -> Rule:
    """Compare with where it settled; on the way there, nothing can be said."""
    channel = station.channels[TEMPERATURE]

    def why_not() -> str:
        wanted_k = wanted()
        if wanted_k is None:
            return ""
        reading = read(channel, station.clock)
        if reading.quality is not Quality.INVALID and abs(reading.number - wanted_k) <= most_k:
            return ""
        return f"{TEMPERATURE} is {shown(reading)}, had settled at {wanted_k:g} K"

    return Rule(STEADY, why_not, "check heater, helium and sensor", while_safe=False)


def _laser(station: Station, doing: Doing, beam: str, nominal_w: float, most: float) -> Rule:
    """Compare the laser's own power with its set-point while the beam is in use."""
    channel = station.channels[f"{beam}.laser_power"]

    def why_not() -> str:
        if not doing.power_w(beam):
            return ""
        reading = read(channel, station.clock)
        if reading.quality is Quality.INVALID:
            return f"{channel.name} is {shown(reading)}"
        if abs(reading.number / nominal_w - 1) <= most:
            return ""
        return f"{channel.name} is {shown(reading)}, must be {nominal_w * 1e3:g} mW ± {most:.0%}"

    remedy = "check the laser's temperature and diode current"
    return Rule(f"{beam} laser power", why_not, remedy, while_safe=False)


def _camera(station: Station, wanted_k: float, most_k: float) -> Rule:
    """Watch the CCD once it has been cold; the station waits for one just switched on."""
    channel = station.channels["camera.temperature"]
    was_cold = False

    def why_not() -> str:
        nonlocal was_cold
        reading = read(channel, station.clock)
        is_cold = (
            reading.quality is not Quality.INVALID and abs(reading.number - wanted_k) <= most_k
        )
        was_cold = was_cold or is_cold
        if is_cold or not was_cold:
            return ""
        return f"camera.temperature is {shown(reading)}, must be {wanted_k:g} K"

    return Rule("camera cold", why_not, "check the cooler, its water and the vacuum of the head")


def _disk(folder: Path, least_bytes: int) -> Rule:
    def why_not() -> str:
        free = shutil.disk_usage(folder).free
        if free >= least_bytes:
            return ""
        return f"{free / 1e9:.2f} GB are free on {folder}, must be {least_bytes / 1e9:.2f} GB"

    return Rule("disk space", why_not, "free space on the disk of the data folder")


def shown(reading: Reading) -> str:
    """Return a reading in a few words."""
    if reading.quality is Quality.INVALID:
        return f"unknown ({reading.reason})"
    if isinstance(reading.value, float):
        return f"{reading.value:.4g} {reading.unit}".rstrip()
    return f"{reading.value} {reading.unit}".rstrip()
