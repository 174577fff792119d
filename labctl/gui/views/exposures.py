"""Turn what the service shows of exposures into spectra that the analysis takes."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np

from labctl.core.readings import Quality
from labctl.core.spectra import Detector, Spectrum
from labctl.core.status import StationStatus

MOST_POOLED = 60
SAME_POWER = 0.05
SAME_PLACE_UM = 0.5
SAME_CRYOSTAT_K = 2.0
AXIS_TOLERANCE_NM = 0.005


Surroundings = Mapping[str, float]
"""Positions of the stage in µm and the temperature of the cryostat in K, by channel."""


class Shown(Protocol):
    """Describe an exposure as the service shows it (`labctl.client.frames.LiveFrame`)."""

    @property
    def kind(self) -> str:
        """Return `spectrum` or `image`."""
        ...

    @property
    def counts(self) -> np.ndarray:
        """Return counts per exposure: (pixels,), the mean of the accumulations, or an image."""
        ...

    @property
    def wavelength_nm(self) -> np.ndarray:
        """Return the axis, shape (pixels,)."""
        ...

    @property
    def utc(self) -> str:
        """Return when it was begun."""
        ...

    @property
    def run(self) -> str:
        """Return the run it belongs to, or an empty string."""
        ...

    @property
    def point(self) -> int | None:
        """Return the number of the point it belongs to."""
        ...

    @property
    def saved(self) -> bool:
        """Tell whether it goes into a run."""
        ...

    @property
    def seq(self) -> int:
        """Return its number."""
        ...

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Return `core.spectra.exposure_metadata`."""
        ...


@dataclass(frozen=True, slots=True)
class Pool:
    """Hold exposures of one condition.

    Each row of `spectrum.counts` is the mean of `averaged` exposures.
    """

    spectrum: Spectrum
    averaged: int = 1


def detector_of(metadata: Mapping[str, Any]) -> Detector:
    """Return the detector of an exposure; raises `ValueError` if it is not known."""
    found = metadata.get("detector")
    if isinstance(found, Mapping):
        return Detector(**{name: float(value) for name, value in found.items()})
    if not isinstance(found, list | tuple) or len(found) != 5:
        raise ValueError("the exposure does not say which detector it is of")
    return Detector(*(float(value) for value in found))


def pool_of(frames: Sequence[Shown]) -> Pool:
    """Return exposures of one condition together; raises `ValueError` without a detector."""
    first = frames[0]
    metadata = first.metadata
    qualities = [Quality(frame.metadata.get("quality", "good")) for frame in frames]
    reasons = dict.fromkeys(str(frame.metadata.get("reason", "")) for frame in frames)
    spectrum = Spectrum(
        counts=np.stack([np.asarray(frame.counts, float) for frame in frames]),
        wavelength_nm=np.asarray(first.wavelength_nm, float),
        exposure_s=float(metadata["exposure_s"]),
        beams=tuple(metadata.get("beams", ())),
        laser_nm=metadata.get("laser_nm"),
        detector=detector_of(metadata),
        utc=_utc(first.utc),
        monotonic_s=0.0,
        medium=str(metadata.get("medium", "air")),
        quality=_worst(qualities),
        reason="; ".join(filter(None, reasons)),
        calibrations=dict(metadata.get("calibrations", {})),
        settings=dict(metadata.get("settings", {})),
    )
    return Pool(spectrum, int(metadata.get("accumulations", 1)))


class Pooling:
    """Collect live exposures for as long as nothing changes.

    Exposures of a run are never pooled: each point is a condition of its own, and the run's
    analysis pools what belongs together.
    """

    def __init__(self, most: int = MOST_POOLED) -> None:
        self._frames: deque[Shown] = deque(maxlen=most)
        self._places: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def frames(self) -> list[Shown]:
        """Return what was collected."""
        return list(self._frames)

    def clear(self) -> None:
        """Begin anew."""
        self._frames.clear()

    def enter(self, places: Surroundings) -> None:
        """Say where the next exposure is made; elsewhere, or at another temperature, begins anew.

        What the service knows of the table is up to 2 s old: exposures of that time may be mixed
        until it is known that something moved, and are then forgotten.
        """
        moved = [
            name
            for name, value in places.items()
            if abs(value - self._places.get(name, value)) > _tolerance(name)
        ]
        if moved:
            self.clear()
        if moved or not self._frames:
            self._places = dict(places)

    def add(self, frame: Shown) -> None:
        """Add an exposure; one under another condition begins anew."""
        if self._frames and not _same(self._frames[-1], self._frames[0], frame):
            self._frames.clear()
        self._frames.append(frame)

    def pool(self) -> Pool | None:
        """Return what was collected; None if there is nothing."""
        return pool_of(self.frames) if self._frames else None

    def mean(self) -> np.ndarray | None:
        """Return the mean counts per exposure, shape (pixels,)."""
        if not self._frames:
            return None
        return np.asarray(np.mean([frame.counts for frame in self._frames], axis=0))


def surroundings(status: StationStatus | None) -> Surroundings:
    """Return where the table is, as far as it is known."""
    names = ("stage.x", "stage.y", "stage.z", "cryostat.temperature")
    found: dict[str, float] = {}
    for name in names:
        known = status.values.get(name) if status is not None else None
        if known is not None and isinstance(known.value, int | float):
            found[name] = float(known.value)
    return found


def _tolerance(name: str) -> float:
    return SAME_PLACE_UM if name.startswith("stage") else SAME_CRYOSTAT_K


def _same(last: Shown, first: Shown, new: Shown) -> bool:
    if new.saved or last.saved or new.run != last.run or new.seq == last.seq:
        return False
    if new.counts.shape != first.counts.shape:
        return False
    plain = ("exposure_s", "beams", "laser_nm", "detector", "accumulations")
    if any(new.metadata.get(name) != first.metadata.get(name) for name in plain):
        return False
    return _same_settings(first.metadata, new.metadata) and bool(
        np.max(np.abs(new.wavelength_nm - first.wavelength_nm)) <= AXIS_TOLERANCE_NM
    )


def _same_settings(first: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    one, other = first.get("settings", {}), new.get("settings", {})
    if one.get("rows") != other.get("rows"):
        return False
    for name in one:
        if name.endswith("_power_w"):
            reference = abs(float(one[name]))
            if abs(float(other.get(name, 0.0)) - float(one[name])) > SAME_POWER * reference:
                return False
    return True


def _worst(qualities: list[Quality]) -> Quality:
    for quality in (Quality.INVALID, Quality.UNCERTAIN):
        if quality in qualities:
            return quality
    return Quality.GOOD


def _utc(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
