"""Export a run as NeXus/HDF5: NXraman, or NXoptical_spectroscopy for photoluminescence alone.

Required fields: NXraman and NXoptical_spectroscopy, NeXus definitions v2026.01, as checked by
pynxtools 0.16. `default` leads from the root to a plot. Raw counts of every accumulation are kept
with each point; the plotted intensity is their mean.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from labctl.core.messages import Point
from labctl.core.readings import Reading
from labctl.core.spectra import Exposure, Spectrum, exposure_metadata
from labctl.store.atomic import replace_file

DEFINITIONS = "v2026.01"
_UNITS = {"cm⁻¹": "1/cm", "µm": "um"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Describe a run as a whole. `settings` and `parameters` are plain JSON."""

    run: str
    procedure: str
    start_utc: str
    end_utc: str
    state: str
    version: str
    sample: str = "not named"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    station: Mapping[str, Any] = field(default_factory=dict)


def write_nexus(path: Path, header: Header, points: Iterable[Point]) -> Path:
    """Write a run to a new file and move it into place; returns the name it got.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    kept = list(points)

    def write(fresh: Path) -> None:
        # built in memory: where the disk is full, HDF5 itself takes the whole process down
        with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
            _write_file(file, header, kept)
            file.flush()
            image = file.id.get_file_image()
        fresh.write_bytes(image)

    return replace_file(path, write)


def _write_file(file: h5py.File, header: Header, points: list[Point]) -> None:
    file.attrs["NX_class"] = "NXroot"
    file.attrs["default"] = "entry"
    entry = _group(file, "entry", "NXentry")
    series = _series_of(points)
    raman = any(one.axis == "raman_shift" for one in series) or not series
    definition = "NXraman" if raman else "NXoptical_spectroscopy"
    _field(entry, "definition", definition, version=DEFINITIONS, URL=_url(definition))
    _field(entry, "experiment_type", "Raman spectroscopy" if raman else "photoluminescence")
    if raman:
        _field(entry, "raman_experiment_type", "in situ Raman spectroscopy")
    _field(entry, "title", f"{header.procedure} {header.run}")
    _field(entry, "start_time", header.start_utc)
    _field(entry, "end_time", header.end_utc)
    _field(entry, "experiment_identifier", header.run)
    _field(entry, "program_name", "labctl", version=header.version)
    _group(entry, "sample", "NXsample").create_dataset("name", data=header.sample)
    settings = _group(entry, "labctl", "NXcollection")
    _field(settings, "procedure", header.procedure)
    _field(settings, "run_state", header.state)
    _field(settings, "parameters", json.dumps(header.parameters, default=str))
    _field(settings, "station", json.dumps(header.station, default=str))
    _write_instrument(entry, points, raman)
    _write_points(entry, points)
    for number, one in enumerate(series):
        name = "data" if number == 0 else f"data_{number + 1}"
        _write_series(_group(entry, name, "NXdata"), one)
    if series:
        entry.attrs["default"] = "data"


def _url(definition: str) -> str:
    return f"https://manual.nexusformat.org/classes/applications/{definition}.html"


def _write_instrument(entry: h5py.Group, points: list[Point], raman: bool) -> None:
    instrument = _group(entry, "instrument", "NXinstrument")
    exposures = [value for point in points for value in point.data.values()
                 if isinstance(value, Exposure)]  # fmt: skip
    beam = _group(instrument, "beam_incident", "NXbeam")
    _field(beam, "parameter_reliability", "nominal")
    lasers = [one.laser_nm for one in exposures if one.laser_nm is not None]
    if lasers:
        # the definition for Raman has a name of its own for what NXbeam calls incident_wavelength
        name = "wavelength" if raman else "incident_wavelength"
        _field(beam, name, lasers[0], units="nm")
    if raman:
        _field(instrument, "scattering_configuration", "z(xx)z")
    camera = _group(instrument, "detector_ccd", "NXdetector")
    _field(camera, "detector_channel_type", "multichannel")
    if exposures:
        detector = exposures[0].detector
        _field(camera, "saturation_value", detector.saturation_counts, units="counts")
        _field(camera, "x_pixel_size", detector.pixel_um, units="um")
        constants = _group(camera, "constants", "NXcollection")
        _field(constants, "gain", detector.gain_e_per_count, units="electron/count")
        _field(constants, "read_noise", detector.read_noise_e, units="electron")
        _field(constants, "bias", detector.bias_counts, units="counts")


def _write_points(entry: h5py.Group, points: list[Point]) -> None:
    collection = _group(entry, "points", "NXcollection")
    for point in points:
        group = _group(collection, f"{point.number:06d}", "NXcollection")
        group.attrs.update(kind=point.kind, utc=point.utc.isoformat(), attempt=point.attempt)
        for name, value in point.data.items():
            _write_value(group, name, value)


def _write_value(group: h5py.Group, name: str, value: Any) -> None:
    if isinstance(value, Reading):
        shown = float("nan") if value.value is None else value.value
        item = _field(group, name, shown, units=_UNITS.get(value.unit, value.unit))
        item.attrs.update(
            quality=value.quality.value, reason=value.reason, utc=value.utc.isoformat()
        )
    elif isinstance(value, Exposure):
        item = group.create_dataset(name, data=value.counts)
        item.attrs.update(units="counts", metadata=json.dumps(exposure_metadata(value)))
        _field(group, f"{name}_wavelength", value.wavelength_nm, units="nm")
    elif value is not None:
        _field(group, name, value)


@dataclass(slots=True)
class _Series:
    """Collect spectra of one name on one axis."""

    name: str
    axis: str
    first: Spectrum
    points: list[Point] = field(default_factory=list)


def _series_of(points: list[Point]) -> list[_Series]:
    """Group the measured spectra by name and axis, the largest group first."""
    found: dict[tuple[str, bytes], _Series] = {}
    for point in points:
        for name, value in point.data.items():
            if isinstance(value, Spectrum) and point.kind != "dark":
                key = (name, value.wavelength_nm.tobytes())
                one = found.setdefault(key, _Series(name, _axis_of(value), value))
                one.points.append(point)
    ranked = sorted(found.values(), key=lambda one: len(one.points), reverse=True)
    # the validator wants a Raman axis on the plot of a Raman file
    return sorted(ranked, key=lambda one: one.axis != "raman_shift")


def _axis_of(spectrum: Spectrum) -> str:
    if spectrum.laser_nm is None:
        return "wavelength"
    return "raman_shift" if spectrum.shift_cm1.min() < 1000 else "wavelength"


def _write_series(group: h5py.Group, one: _Series) -> None:
    spectra = [point.data[one.name] for point in one.points]
    intensity = np.stack([spectrum.counts.mean(axis=0) for spectrum in spectra])
    group.attrs["signal"] = "intensity"
    group.attrs["axes"] = ["point", one.axis]
    _field(group, "intensity", intensity, units="counts", long_name="Mean counts per exposure")
    _field(group, "point", np.array([point.number for point in one.points]))
    long_name = f"Wavelength in {one.first.medium}"
    _field(group, "wavelength", one.first.wavelength_nm, units="nm", long_name=long_name)
    group.attrs["wavelength_indices"] = [1]
    if one.first.laser_nm is not None:
        _field(group, "raman_shift", one.first.shift_cm1, units="1/cm", long_name="Raman shift")
        group.attrs["raman_shift_indices"] = [1]
    _field(group, "exposure_time", np.array([s.exposure_s for s in spectra]), units="s")
    group.attrs["exposure_time_indices"] = [0]
    _write_conditions(group, one)


def _write_conditions(group: h5py.Group, one: _Series) -> None:
    """Add one array for each number that was recorded beside the spectra."""
    names = {name for point in one.points for name in point.data if name != one.name}
    for name in sorted(names):
        values = [point.data.get(name) for point in one.points]
        numbers = [_number(value) for value in values]
        if name not in group and any(np.isfinite(numbers)):
            item = _field(group, name, np.array(numbers))
            unit = next((v.unit for v in values if isinstance(v, Reading)), "")
            item.attrs["units"] = _UNITS.get(unit, unit)
            group.attrs[f"{name}_indices"] = [0]


def _number(value: Any) -> float:
    if isinstance(value, Reading):
        value = value.value
    return float(value) if isinstance(value, int | float) else float("nan")


def _group(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _field(parent: h5py.Group, name: str, value: Any, **attributes: Any) -> h5py.Dataset:
    dataset = parent.create_dataset(name, data=value)
    dataset.attrs.update(attributes)
    return dataset
