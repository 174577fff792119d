"""Export points as CSV and spectra as two-column text that any plotting program reads."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labctl.core.messages import Point
from labctl.core.readings import Reading
from labctl.core.spectra import Exposure, Spectrum
from labctl.store.atomic import replace_file


def write_csv(path: Path, points: Iterable[Point]) -> Path:
    """Write one row for each point: scalars with unit and quality; spectra by their mean counts.

    Returns the name that the file got.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    rows = [_row(point) for point in points]
    columns = list(dict.fromkeys(name for row in rows for name in row))

    def write(fresh: Path) -> None:
        with fresh.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, columns, restval="")
            table.writeheader()
            table.writerows(rows)

    return replace_file(path, write)


def write_spectra(folder: Path, points: Iterable[Point], header: Mapping[str, Any]) -> list[Path]:
    """Write each spectrum as two columns: axis, mean counts per exposure; tab, '.', UTF-8.

    The axis is the Raman shift in cm⁻¹ where a laser was open, else the wavelength in nm; it
    ascends. Lines that begin with `#` say under which conditions.

    Raises
    ------
    StorageError
        If a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for point in points:
        for name, value in point.data.items():
            if isinstance(value, Spectrum):
                path = folder / f"{point.number:06d}_{point.kind}_{name}.txt"
                written.append(_write_spectrum(path, point, value, header))
    return written


def _write_spectrum(
    path: Path, point: Point, spectrum: Spectrum, header: Mapping[str, Any]
) -> Path:
    shift = spectrum.laser_nm is not None
    axis = spectrum.shift_cm1 if shift else spectrum.wavelength_nm
    order = np.argsort(axis)
    counts = spectrum.counts.mean(axis=0)
    about = {**header, "point": point.number, "kind": point.kind, "utc": point.utc.isoformat()}
    about |= {
        "exposure (s)": spectrum.exposure_s,
        "accumulations": spectrum.accumulations,
        "beams": ", ".join(spectrum.beams) or "none",
        "laser (nm)": spectrum.laser_nm,
        "medium": spectrum.medium,
        "quality": f"{spectrum.quality.value} {spectrum.reason}".strip(),
    }
    about |= {name: text for name, text in _row(point).items() if name not in about}
    about |= {f"calibration {kind}": name for kind, name in spectrum.calibrations.items()}

    def write(fresh: Path) -> None:
        with fresh.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"# {key}: {value}\n" for key, value in about.items())
            file.write("Raman shift\tIntensity\ncm⁻¹" if shift else "Wavelength\tIntensity\nnm")
            file.write("\tcounts\n")
            file.writelines(f"{axis[i]:.5f}\t{counts[i]:.3f}\n" for i in order)

    return replace_file(path, write)


def _row(point: Point) -> dict[str, Any]:
    row: dict[str, Any] = {"point": point.number, "kind": point.kind, "utc": point.utc.isoformat()}
    for name, value in point.data.items():
        if isinstance(value, Reading):
            row[f"{name} ({value.unit})" if value.unit else name] = _plain(value.value)
            row[f"{name} quality"] = value.quality.value
        elif isinstance(value, Exposure):
            row[f"{name} mean (counts)"] = f"{value.counts.mean():.6g}"
            row[f"{name} quality"] = value.quality.value
        elif not isinstance(value, np.ndarray):
            row[name] = _plain(value)
    return row


def _plain(value: Any) -> Any:
    return "" if value is None else value
