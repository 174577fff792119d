"""Put instruments together to beams, spectrometer, stage and cryostat, as the file says."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from labctl.core import roles
from labctl.core.channels import Acquirer, Channel, Interlock
from labctl.core.clock import Clock
from labctl.core.limits import Limits
from labctl.core.roles import Instrument
from labctl.station.beam import Beam
from labctl.station.calibrations import CalibrationFolder
from labctl.station.channels import ReadChannel
from labctl.station.cryostat import TemperatureChannel
from labctl.station.file import Problem
from labctl.station.guard import BeamGuard
from labctl.station.readback import PowerReadback
from labctl.station.sections import InterlockSection, StationFile
from labctl.station.spectrometer import Spectrometer
from labctl.station.stage import AxisChannel, PositionChannel
from labctl.station.window import WindowChannel

RoleT = TypeVar("RoleT", bound=Instrument)


@dataclass(slots=True)
class Parts:
    """Hold the parts of a table by name."""

    beams: dict[str, Beam] = field(default_factory=dict)
    axes: dict[str, AxisChannel] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    acquirers: dict[str, Acquirer] = field(default_factory=dict)
    interlocks: list[Interlock] = field(default_factory=list)
    controller: roles.TemperatureController | None = None
    camera: roles.Camera | None = None
    spectrometer: Spectrometer | None = None

    def add(self, channel: Channel) -> None:
        """Enter a channel under its own name."""
        self.channels[channel.name] = channel


def build_parts(
    file: StationFile,
    instruments: Mapping[str, Instrument],
    calibrations: CalibrationFolder,
    clock: Clock,
) -> Parts:
    """Return the parts of a table; the file's references must have been checked."""
    parts = Parts()
    for name in file.beams:
        _add_beam(parts, name, file, instruments, calibrations, clock)
    if file.spectrometer is not None:
        _add_spectrometer(parts, file, instruments, calibrations, clock)
    if file.stage is not None:
        for name, axis in file.stage.axes.items():
            mover = cast("roles.Axis", instruments[axis.axis])
            parts.axes[name] = AxisChannel(name, file.stage, mover, clock)
            parts.add(parts.axes[name])
        if file.stage.positions:
            parts.add(PositionChannel(file.stage, parts.axes, clock))
    if file.cryostat is not None:
        _add_cryostat(parts, file, instruments, clock)
    parts.interlocks = [_interlock(item, parts) for item in file.interlocks]
    return parts


def check_roles(file: StationFile, instruments: Mapping[str, Instrument]) -> list[Problem]:
    """Return every place of the file where an instrument cannot play its part."""
    wanted: list[tuple[tuple[str | int, ...], str | None, type]] = []
    for name, beam in file.beams.items():
        wanted += [
            (("beams", name, "laser"), beam.laser, roles.Laser),
            (("beams", name, "attenuator"), beam.attenuator, roles.Attenuator),
            (("beams", name, "shutter"), beam.shutter, roles.Shutter),
            (("beams", name, "power_meter"), beam.power_meter, roles.PowerMeter),
        ]
    if (optics := file.spectrometer) is not None:
        key = "spectrometer"
        wanted.append(((key, "monochromator"), optics.monochromator, roles.Monochromator))
        wanted.append(((key, "camera"), optics.camera, roles.Camera))
    if file.stage is not None:
        for name, axis in file.stage.axes.items():
            wanted.append((("stage", "axes", name, "axis"), axis.axis, roles.Axis))
    if (cold := file.cryostat) is not None:
        key = "cryostat"
        wanted.append(((key, "controller"), cold.controller, roles.TemperatureController))
        wanted.append(((key, "gauge"), cold.gauge, roles.PressureGauge))
    problems: list[Problem] = []
    for way, instrument, role in wanted:
        lacking = _lacking(instruments[instrument], role) if instrument is not None else []
        if lacking:
            words = f"{instrument!r} is no {role.__name__}: it lacks {', '.join(lacking)}"
            problems.append((way, words))
    return problems


def _lacking(instrument: Instrument, role: type) -> list[str]:
    """Return the members of a role that an instrument has not; reads no property."""
    members = {
        name
        for base in role.__mro__
        if getattr(base, "_is_protocol", False) and base.__module__ == roles.__name__
        for name in (*vars(base), *vars(base).get("__annotations__", {}))
        if not name.startswith("_")
    }
    missing = object()
    return sorted(
        name for name in members if inspect.getattr_static(instrument, name, missing) is missing
    )


def _add_beam(
    parts: Parts,
    name: str,
    file: StationFile,
    instruments: Mapping[str, Instrument],
    calibrations: CalibrationFolder,
    clock: Clock,
) -> None:
    section = file.beams[name]
    laser = cast("roles.Laser", instruments[section.laser])
    shutter = cast("roles.Shutter", instruments[section.shutter])
    attenuator = cast("roles.Attenuator", instruments[section.attenuator])
    meter = cast(
        "roles.PowerMeter | None",
        instruments[section.power_meter] if section.power_meter is not None else None,
    )
    readback = PowerReadback(
        f"{name}.power",
        section,
        laser=laser,
        attenuator=attenuator,
        meter=meter,
        clock=clock,
    )
    beam = Beam(
        name,
        section,
        guard=BeamGuard(name, laser, shutter, clock),
        attenuator=attenuator,
        readback=readback,
        calibrations=calibrations,
        clock=clock,
    )
    parts.beams[name] = beam
    parts.add(beam)
    blade = {True: "open", False: "closed"}
    parts.add(ReadChannel(f"{name}.shutter", "", clock, lambda: blade[shutter.is_open]))
    parts.add(ReadChannel(f"{name}.laser_power", "W", clock, lambda: laser.power_w))
    parts.add(ReadChannel(f"{name}.interlock", "", clock, lambda: laser.interlock_closed))
    parts.add(ReadChannel(f"{name}.attenuator", "deg", clock, lambda: attenuator.angle_deg))
    if meter is not None:
        parts.add(ReadChannel(f"{name}.meter", "W", clock, lambda: meter.power_w))


def _add_spectrometer(
    parts: Parts,
    file: StationFile,
    instruments: Mapping[str, Instrument],
    calibrations: CalibrationFolder,
    clock: Clock,
) -> None:
    section = file.spectrometer
    if section is None:
        return
    monochromator = cast("roles.Monochromator", instruments[section.monochromator])
    camera = cast("roles.Camera", instruments[section.camera])
    window = WindowChannel(section, monochromator, clock)
    parts.camera = camera
    parts.add(window)
    parts.add(ReadChannel("spectrometer.grating", "", clock, lambda: monochromator.grating))
    parts.add(ReadChannel("spectrometer.centre", "nm", clock, lambda: monochromator.wavelength_nm))
    parts.add(ReadChannel("camera.temperature", "K", clock, lambda: camera.temperature_k))
    parts.add(ReadChannel("camera.locked", "", clock, lambda: camera.temperature_locked))
    parts.spectrometer = Spectrometer(
        section,
        camera=camera,
        window=window,
        beams=parts.beams,
        calibrations=calibrations,
        clock=clock,
    )
    parts.acquirers["spectrometer"] = parts.spectrometer


def _add_cryostat(
    parts: Parts, file: StationFile, instruments: Mapping[str, Instrument], clock: Clock
) -> None:
    section = file.cryostat
    if section is None:
        return
    controller = cast("roles.TemperatureController", instruments[section.controller])
    parts.controller = controller
    parts.add(TemperatureChannel(section, controller, clock))
    parts.add(ReadChannel("cryostat.setpoint", "K", clock, lambda: controller.setpoint_k))
    if section.gauge is not None:
        gauge = cast("roles.PressureGauge", instruments[section.gauge])
        parts.add(ReadChannel("cryostat.pressure", "Pa", clock, lambda: gauge.pressure_pa))


def _interlock(section: InterlockSection, parts: Parts) -> Interlock:
    expect: Limits | str | bool
    if section.equals is not None:
        expect = section.equals
    else:
        low = section.low if section.low is not None else float("-inf")
        high = section.high if section.high is not None else float("inf")
        expect = Limits(low, high, parts.channels[section.channel].unit)
    return Interlock(
        name=section.name,
        channel=section.channel,
        expect=expect,
        action=section.action,
        period_s=section.period_s,
        remedy=section.remedy,
    )
