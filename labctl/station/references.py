"""Check what one section of a station file says about another."""

import re
from collections.abc import Iterable, Iterator

from labctl.core.parameters import nearest_hint
from labctl.station.sections import (
    BeamSection,
    CryostatSection,
    InterlockSection,
    SpectrometerSection,
    StageSection,
    StationFile,
)

Problem = tuple[tuple[str | int, ...], str]
RESERVED_BEAM_NAMES = frozenset({"spectrometer", "camera", "stage", "cryostat"})
_OF_A_BEAM = ("power", "shutter", "laser_power", "interlock", "attenuator")


def check_references(file: StationFile) -> list[Problem]:
    """Return every mismatch between sections, with the way to the key at fault."""
    problems = [*_identities(file)]
    for name, beam in file.beams.items():
        problems += _beam(file, name, beam)
    if file.spectrometer is not None:
        problems += _spectrometer(file, file.spectrometer)
    if file.stage is not None:
        problems += _stage(file, file.stage)
    if file.cryostat is not None:
        problems += _cryostat(file, file.cryostat)
    known = list(channel_names(file))
    for index, interlock in enumerate(file.interlocks):
        problems += _interlock(index, interlock, known)
    return problems


def channel_names(file: StationFile) -> Iterator[str]:
    """Yield the name of every channel that the station of a file has."""
    for name, beam in file.beams.items():
        yield from (f"{name}.{part}" for part in _OF_A_BEAM)
        if beam.power_meter is not None:
            yield f"{name}.meter"
    if file.spectrometer is not None:
        yield from (f"spectrometer.{part}" for part in ("window", "grating", "centre"))
        yield from ("camera.temperature", "camera.locked")
    if file.stage is not None:
        yield from (f"stage.{axis}" for axis in file.stage.axes)
        if file.stage.positions:
            yield "stage.position"
    if file.cryostat is not None:
        yield from ("cryostat.temperature", "cryostat.setpoint")
        if file.cryostat.gauge is not None:
            yield "cryostat.pressure"


def _identities(file: StationFile) -> Iterator[Problem]:
    for name, section in file.instruments.items():
        try:
            re.compile(section.identity)
        # OverflowError: a repeat count that is too large
        except (re.error, OverflowError, RecursionError) as error:
            yield ("instruments", name, "identity"), f"is no regular expression: {error}"


def _instrument(
    file: StationFile, key: tuple[str | int, ...], name: str | None
) -> Iterator[Problem]:
    if name is not None and name not in file.instruments:
        yield key, f"there is no instrument {name!r}{nearest_hint(name, file.instruments)}"


def _beam(file: StationFile, name: str, beam: BeamSection) -> Iterator[Problem]:
    if name in RESERVED_BEAM_NAMES:
        yield ("beams", name), f"a beam cannot be called {name!r}; choose another name"
    for key in ("laser", "attenuator", "shutter", "power_meter"):
        yield from _instrument(file, ("beams", name, key), getattr(beam, key))


def _spectrometer(file: StationFile, section: SpectrometerSection) -> Iterator[Problem]:
    for key in ("monochromator", "camera"):
        yield from _instrument(file, ("spectrometer", key), getattr(section, key))
    last = -1
    for first_row, last_row in section.bands:
        if not last < first_row <= last_row:
            yield (
                ("spectrometer", "bands"),
                f"rows {first_row} to {last_row}: bands ascend from row 0 and do not overlap",
            )
        last = last_row


def _stage(file: StationFile, section: StageSection) -> Iterator[Problem]:
    for name, axis in section.axes.items():
        key = ("stage", "axes", name)
        yield from _instrument(file, (*key, "axis"), axis.axis)
        yield from _ordered((*key, "low_um"), axis.low_um + section.backlash_um, axis.high_um)
    if "position" in section.axes:
        yield ("stage", "axes", "position"), "an axis cannot be called 'position'"
    for name, position in section.positions.items():
        known = [f"{axis}_um" for axis in section.axes]
        for key_um, value_um in position.items():
            where = ("stage", "positions", name, key_um)
            if key_um not in known:
                yield where, f"unknown axis{nearest_hint(key_um, known)}"
                continue
            axis = section.axes[key_um.removesuffix("_um")]
            low_um = axis.low_um + section.backlash_um
            if not low_um <= value_um <= axis.high_um:
                yield where, f"given: {value_um:g}; allowed: {low_um:g} to {axis.high_um:g} µm"


def _cryostat(file: StationFile, section: CryostatSection) -> Iterator[Problem]:
    for key in ("controller", "gauge"):
        yield from _instrument(file, ("cryostat", key), getattr(section, key))
    yield from _ordered(("cryostat", "low_k"), section.low_k, section.high_k)
    rule = section.settling
    if rule.deadline_s <= rule.duration_s:
        yield (
            ("cryostat", "settling", "deadline_s"),
            f"given: {rule.deadline_s:g}; must be longer than duration_s ({rule.duration_s:g} s)",
        )


def _interlock(index: int, interlock: InterlockSection, known: Iterable[str]) -> Iterator[Problem]:
    key = ("interlocks", index)
    if interlock.channel not in known:
        hint = nearest_hint(interlock.channel, known)
        yield (*key, "channel"), f"there is no channel {interlock.channel!r}{hint}"
    is_range = interlock.low is not None and interlock.high is not None
    is_half = (interlock.low is None) != (interlock.high is None)
    if is_half or is_range == (interlock.equals is not None):
        yield key, "give either low and high, or equals"
    if interlock.low is not None and interlock.high is not None:
        yield from _ordered((*key, "low"), interlock.low, interlock.high)


def _ordered(key: tuple[str | int, ...], low: float, high: float) -> Iterator[Problem]:
    if not low < high:
        yield key, f"the lower limit ({low:g}) must be below the upper limit ({high:g})"
