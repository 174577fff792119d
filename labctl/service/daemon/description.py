"""Describe a station to people who are to use it: channels with limits, beams, places, camera.

Everything but the optics stands in the station file. What camera and spectrograph tell of
themselves is remembered from the last time that the table was opened.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from labctl.core.clock import Clock
from labctl.core.errors import LabctlError
from labctl.service.queue.database import StationDatabase
from labctl.station.calibrations import CalibrationFolder, expiry_reason
from labctl.station.power import PowerCalibration
from labctl.station.sections import BeamSection, SpectrometerSection, StationFile

OPTICS = "optics"


def store_optics(database: StationDatabase, optics: Mapping[str, Any]) -> None:
    """Remember what `OpticalTable.optics` told; nothing told changes nothing."""
    if not optics or load_optics(database) == optics:
        return
    with database.transaction() as db:
        db.execute(
            "INSERT OR REPLACE INTO settings(name, value) VALUES (?,?)",
            (OPTICS, json.dumps(optics, allow_nan=False)),
        )


def load_optics(database: StationDatabase) -> Mapping[str, Any]:
    """Return what the table last told of its optics; empty if it was never opened."""
    with database.reading() as db:
        row = db.execute("SELECT value FROM settings WHERE name=?", (OPTICS,)).fetchone()
    found: Mapping[str, Any] = json.loads(row[0]) if row else {}
    return found


def describe_station(
    file: StationFile, folder: Path, optics: Mapping[str, Any], clock: Clock
) -> dict[str, Any]:
    """Return a station as plain JSON.

    Parameters
    ----------
    file, folder
        The station file, and the folder in which it lies.
    optics
        What `OpticalTable.optics` told, or nothing: then it is null here.
    clock
        By which power calibrations are in force.
    """
    places = file.stage.positions if file.stage else {}
    return {
        "station": file.station.name,
        "simulated": file.simulation is not None,
        "channels": list(_channels(file)),
        "beams": list(_beams(file, folder, clock)),
        "positions": {
            name: {key.removesuffix("_um"): value for key, value in place.items()}
            for name, place in places.items()
        },
        "windows": {
            name: window.model_dump()
            for name, window in (file.spectrometer.windows if file.spectrometer else {}).items()
        },
        "gratings": list(_gratings(file, optics)),
        "camera": None if file.spectrometer is None else _camera(file.spectrometer, optics),
        "settling": _settling(file),
        "notch_nm": file.spectrometer.notch_nm if file.spectrometer else None,
        "ambient_k": file.station.ambient_k,
    }


def _settling(file: StationFile) -> dict[str, float] | None:
    """Return when the temperature counts as steady."""
    if file.cryostat is None:
        return None
    rule = file.cryostat.settling
    return {"tolerance_k": rule.tolerance_k, "duration_s": rule.duration_s}


def _channels(file: StationFile) -> Iterator[dict[str, Any]]:
    for name, beam in file.beams.items():
        yield _channel(f"{name}.power", "W", low=0.0, high=beam.max_power_w, settable=True)
        yield _channel(f"{name}.shutter", "", choices=("open", "closed"))
        yield _channel(f"{name}.laser_power", "W")
        yield _channel(f"{name}.interlock", "", kind="boolean")
        yield _channel(f"{name}.attenuator", "deg")
        if beam.power_meter is not None:
            yield _channel(f"{name}.meter", "W")
    if (spectrometer := file.spectrometer) is not None:
        windows = tuple(spectrometer.windows)
        yield _channel("spectrometer.window", "", choices=windows, settable=True)
        yield _channel("spectrometer.grating", "", kind="integer")
        yield _channel("spectrometer.centre", "nm")
        yield _channel("camera.temperature", "K")
        yield _channel("camera.locked", "", kind="boolean")
    if (stage := file.stage) is not None:
        for name, axis in stage.axes.items():
            # the last part of a move is always upwards
            low_um = axis.low_um + stage.backlash_um
            yield _channel(f"stage.{name}", "µm", low=low_um, high=axis.high_um, settable=True)
        if stage.positions:
            yield _channel("stage.position", "", choices=tuple(stage.positions), settable=True)
    if (cold := file.cryostat) is not None:
        yield _channel("cryostat.temperature", "K", low=cold.low_k, high=cold.high_k, settable=True)
        yield _channel("cryostat.setpoint", "K")
        if cold.gauge is not None:
            yield _channel("cryostat.pressure", "Pa")


def _channel(
    name: str,
    unit: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    kind: str = "number",
    settable: bool = False,
) -> dict[str, Any]:
    return {
        "name": name,
        "unit": unit,
        "settable": settable,
        "low": low,
        "high": high,
        "choices": None if choices is None else list(choices),
        "kind": "choice" if choices is not None else kind,
    }


def _beams(file: StationFile, folder: Path, clock: Clock) -> Iterator[dict[str, Any]]:
    try:
        calibrations = CalibrationFolder.open(folder / file.station.calibrations_folder)
        problem = ""
    except LabctlError as error:
        calibrations, problem = CalibrationFolder(folder), error.message
    for name, beam in file.beams.items():
        low_w, high_w, reason = _reach_w(beam, calibrations, clock)
        yield {
            "name": name,
            "wavelength_nm": beam.wavelength_nm,
            "power_low_w": low_w,
            "power_high_w": high_w,
            "laser_power_w": beam.laser_power_w,
            "reason": problem or reason,
        }


def _reach_w(
    beam: BeamSection, calibrations: CalibrationFolder, clock: Clock
) -> tuple[float | None, float | None, str]:
    """Return the powers in W that can be set besides 0; without a calibration there are none."""
    now_utc = clock.utc()
    found = calibrations.newest(beam.calibration, now_utc)
    if found is None:
        return None, None, f"no calibration {beam.calibration!r}"
    if reason := expiry_reason(found, now_utc):
        return None, None, reason
    try:
        low_w, high_w = PowerCalibration.from_calibration(found).range_w(beam.laser_power_w)
    except LabctlError as error:
        return None, None, error.message
    return low_w, min(high_w, beam.max_power_w), ""


def _gratings(file: StationFile, optics: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    told: Mapping[str, float] = optics.get("gratings", {})
    windows = file.spectrometer.windows.values() if file.spectrometer else ()
    for number in sorted({window.grating for window in windows} | {int(one) for one in told}):
        yield {"number": number, "grooves_per_mm": told.get(str(number))}


def _camera(section: SpectrometerSection, optics: Mapping[str, Any]) -> dict[str, Any]:
    counts, gain = optics.get("saturation_counts"), optics.get("gain_e_per_count")
    return {
        "rows": optics.get("rows"),
        "columns": optics.get("columns"),
        "pixel_um": optics.get("pixel_um"),
        # what a pixel can hold before its counts end; the well itself may be deeper
        "full_well_e": None if counts is None or gain is None else counts * gain,
        "adc_max": 2**section.adc_bits - 1,
        "saturation_guard": section.saturation_guard,
        "bands": [list(band) for band in section.bands],
    }
