"""Show exposures, runs and slow values to clients, thinned to what they need."""

import itertools
import threading
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from labctl.core.errors import StorageError
from labctl.core.messages import Point
from labctl.core.readings import Reading
from labctl.core.spectra import Frame, Spectrum
from labctl.core.status import StationStatus, ValueStatus
from labctl.service.api.problems import Missing
from labctl.service.api.schemas import PointLine, RunLine, SpectrumView, Trend
from labctl.service.daemon.live import LiveSpectrum
from labctl.service.notes import read_notes
from labctl.store.catalogue import summarise
from labctl.store.folders import run_folders

MOST_SAMPLES = 720
LONGEST_TEXT = 500


def spectrum_view(live: LiveSpectrum, most: int) -> SpectrumView:
    """Return an exposure with at most `most` pixels; of each group the highest is kept."""
    counts = live.array().astype(np.float64)
    if counts.ndim > 1:
        counts = counts.mean(axis=0)
    axis_nm = live.axis_nm().astype(np.float64)
    kept = _peaks(counts, most)
    laser_nm = live.metadata.get("laser_nm")
    shift = None
    if laser_nm:
        with np.errstate(divide="ignore"):
            shift = _plain(1e7 / laser_nm - 1e7 / axis_nm[kept], 2)
    return SpectrumView(
        run=live.run,
        point=live.point,
        saved=live.saved,
        utc=live.utc,
        seq=live.seq,
        kind=live.kind,
        exposure_s=live.metadata.get("exposure_s"),
        beams=list(live.metadata.get("beams", ())),
        laser_nm=laser_nm,
        quality=str(live.metadata["quality"]),
        reason=str(live.metadata["reason"]),
        wavelength_nm=_plain(axis_nm[kept], 4),
        shift_cm1=shift,
        counts=_plain(counts[kept], 1),
    )


def _peaks(counts: np.ndarray, most: int) -> np.ndarray:
    """Return the indices to show: all, or the highest pixel of each of `most` groups."""
    if counts.size <= most:
        return np.arange(counts.size)
    edges = np.linspace(0, counts.size, most + 1).astype(int)
    shown = np.nan_to_num(counts, nan=-np.inf)
    return np.array(
        [first + int(shown[first:last].argmax()) for first, last in itertools.pairwise(edges)]
    )


def _plain(values: np.ndarray, digits: int) -> list[float | None]:
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]


class TrendKeeper:
    """Keep how slow values went, for a whole night in bounded memory.

    When it is full, every other sample is forgotten, and samples are taken half as often.
    """

    def __init__(self, period_s: float = 2.0) -> None:
        self._period_s = period_s
        self._samples: list[tuple[datetime, dict[str, float | None]]] = []
        self._units: dict[str, str] = {}
        self._lock = threading.Lock()

    def take(self, status: StationStatus) -> None:
        """Take a sample, unless the last one is recent on the station's clock."""
        now_utc = datetime.fromisoformat(status.utc) if status.utc else None
        if now_utc is None:
            return
        slow = {"cryostat": status.cryostat, "pressure": status.pressure, "camera": status.camera}
        with self._lock:
            period_s = self._period_s * max(status.speed, 1.0)
            if self._samples and (now_utc - self._samples[-1][0]).total_seconds() < period_s:
                return
            self._units |= {name: one.unit for name, one in slow.items() if one and one.unit}
            self._samples.append((now_utc, {name: _number(one) for name, one in slow.items()}))
            if len(self._samples) >= MOST_SAMPLES:
                self._samples = self._samples[::2]
                self._period_s *= 2

    def trend(self) -> Trend:
        """Return all samples."""
        with self._lock:
            samples, units = list(self._samples), dict(self._units)
        names = sorted({name for _, values in samples for name in values})
        return Trend(
            utc=[when.isoformat() for when, _ in samples],
            values={name: [values.get(name) for _, values in samples] for name in names},
            units=units,
        )


def _number(status: ValueStatus | None) -> float | None:
    """Return a value worth drawing: a stale one leaves a gap."""
    value = status.value if status is not None and not status.stale else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def find_run_folder(data: Path, run: str) -> Path:
    """Return the folder of a run by its exact name; nothing outside of `data` is ever looked at.

    Raises
    ------
    Missing
        If there is none.
    """
    root = data.resolve()
    for _, folder in run_folders(root):
        if folder.name == run:
            resolved = folder.resolve()
            if resolved == folder and resolved.is_relative_to(root):
                return folder
    raise Missing(f"no run {run!r}", remedy="'labctl runs list' shows the runs")


def run_lines(data: Path, first: int, most: int) -> tuple[list[RunLine], int]:
    """Return runs, the newest first, and how many there are."""
    folders = [folder for _, folder in run_folders(data.resolve())]
    folders.reverse()
    return [run_line(folder) for folder in folders[first : first + most]], len(folders)


def run_line(folder: Path) -> RunLine:
    """Return the summary of one run."""
    found = asdict(summarise(folder))
    fields = {name: found[name] for name in RunLine.model_fields if name in found}
    fields |= {"run": found["name"], "state": found["state"].value, "folder": str(folder)}
    try:
        notes = read_notes(folder)
    except StorageError as error:
        fields["problem"] = fields["problem"] or error.message
    else:
        fields |= {"tags": list(notes.tags), "rating": notes.rating}
    return RunLine(**fields)


def point_line(point: Point) -> PointLine:
    """Return a point without its arrays."""
    return PointLine(
        number=point.number,
        kind=point.kind,
        utc=point.utc.isoformat(),
        attempt=point.attempt,
        data={name: _described(value) for name, value in point.data.items()},
    )


def _described(value: Any) -> Any:
    if isinstance(value, Reading):
        return {
            "value": value.value,
            "unit": value.unit,
            "quality": value.quality.value,
            "reason": value.reason,
            "utc": value.utc.isoformat(),
        }
    if isinstance(value, Spectrum | Frame):
        return {
            "shape": list(value.counts.shape),
            "exposure_s": value.exposure_s,
            "beams": list(value.beams),
            "quality": value.quality.value,
            "reason": value.reason,
            "calibrations": dict(value.calibrations),
        }
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "dtype": value.dtype.str}
    if isinstance(value, Mapping):
        return {str(name): _described(part) for name, part in value.items()}
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value[:LONGEST_TEXT] if isinstance(value, str) else value
