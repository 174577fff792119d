"""Read a run into arrays of a bounded size; pure functions, for worker threads."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.core.errors import StorageError
from labctl.core.messages import Point
from labctl.core.readings import Quality, Reading
from labctl.core.results import Condition, Temperature
from labctl.core.spectra import Frame, Spectrum

if TYPE_CHECKING:
    from labctl.store.reader import RunReader

MOST_ROWS = 2048
"""Spectra that are kept of one run: more than a screen has lines."""
COARSE = 200
"""Spectra that are read first."""


@dataclass(frozen=True, slots=True)
class Column:
    """Hold one recorded quantity of the rows; NaN where it was not recorded or is invalid."""

    values: np.ndarray
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what a view shows of one point. `counts` is the mean per exposure, (pixels,) float32.

    `sigma_counts` is not kept: whoever needs errors reads the point itself.
    """

    number: int
    kind: str
    utc: str
    name: str
    counts: np.ndarray | None
    axis_key: bytes
    numbers: Mapping[str, tuple[float, str]]
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """Hold spectra of one name on one axis, in the order of their points.

    `spectra` has shape (n, pixels), `axis_nm` (pixels,), `numbers` (n,); `columns` are aligned
    with the rows. `template` is one of the spectra as it was recorded: detector, beams,
    calibrations, settings.
    """

    name: str
    template: Spectrum
    axis_nm: np.ndarray
    spectra: np.ndarray
    numbers: np.ndarray
    kinds: tuple[str, ...]
    columns: Mapping[str, Column]
    words: Mapping[str, tuple[str, ...]]

    @property
    def laser_nm(self) -> float | None:
        """Return the wavelength of the laser that was open, or None."""
        return self.template.laser_nm

    @property
    def shift_cm1(self) -> np.ndarray | None:
        """Return the Raman shift of each pixel, or None without a laser."""
        return None if self.laser_nm is None else self.template.shift_cm1

    def rows_of(self, kind: str) -> np.ndarray:
        """Return which rows are of a kind, as indices."""
        return np.flatnonzero(np.array(self.kinds) == kind)


@dataclass(slots=True)
class Rows:
    """Collect rows of a run and one spectrum for each of its axes."""

    found: dict[int, list[Row]] = field(default_factory=dict)
    templates: dict[bytes, Spectrum] = field(default_factory=dict)

    def add(self, point: Point) -> None:
        """Take a point."""
        numbers, words = _conditions(point)
        exposures = {name: value for name, value in point.data.items()
                     if isinstance(value, Spectrum)}  # fmt: skip
        rows, utc = [], point.utc.isoformat()
        for name, value in exposures.items():
            key = name.encode() + value.wavelength_nm.tobytes()
            known = self.templates.get(key)
            if known is None or (known.laser_nm is None and value.laser_nm is not None):
                self.templates[key] = value
            counts = value.counts.mean(axis=0, dtype=np.float32)
            rows.append(Row(point.number, point.kind, utc, name, counts, key, numbers, words))
        if not exposures:
            rows.append(Row(point.number, point.kind, utc, "", None, b"", numbers, words))
        self.found[point.number] = rows

    def merge(self, other: "Rows") -> None:
        """Take what another reading found."""
        self.found.update(other.found)
        self.templates = {**other.templates, **self.templates}

    def thin(self, most: int) -> None:
        """Keep at most so many points, evenly spread."""
        if len(self.found) > most:
            kept = sorted(self.found)[:: -(-len(self.found) // most)]
            self.found = {number: self.found[number] for number in kept}

    def series(self) -> list[Series]:
        """Return the spectra by name and axis: measured ones before darks, the longest first."""
        grouped: dict[bytes, list[Row]] = {}
        for number in sorted(self.found):
            for row in self.found[number]:
                if row.counts is not None:
                    grouped.setdefault(row.axis_key, []).append(row)
        made = [_series(self.templates[key], rows) for key, rows in grouped.items()]
        return sorted(made, key=lambda one: -len(one.numbers))

    def columns(self) -> dict[str, Column]:
        """Return the numbers of all points, with or without spectra."""
        return _columns([self.found[number][0] for number in sorted(self.found)])


def read_points(reader: "RunReader", numbers: Iterable[int]) -> Rows:
    """Return some points of a run; damaged ones are left out."""
    rows = Rows()
    for number in numbers:
        try:
            rows.add(reader.point(number))
        except StorageError:
            continue
    return rows


def spread(total: int, most: int = MOST_ROWS, coarse: int = COARSE) -> Iterator[list[int]]:
    """Yield the numbers to read, in steps: first few over the whole run, then those between."""
    step = max(1, -(-total // most))
    wanted = list(range(0, total, step))
    stride = max(1, -(-len(wanted) // coarse))
    first = wanted[::stride]
    yield first
    rest = sorted(set(wanted) - set(first))
    for begin in range(0, len(rest), 4 * coarse):
        yield rest[begin : begin + 4 * coarse]


def temperatures_of(result: Mapping[str, Any]) -> list[Temperature]:
    """Return the temperatures of a stored result; entries that are none are left out."""
    found = []
    for one in result.get("temperatures", ()):
        try:
            fields = dict(one)
            fields["condition"] = Condition(**fields["condition"])
            fields["interval_k"] = tuple(fields["interval_k"])
            fields["calibrations"] = tuple(fields.get("calibrations", ()))
            found.append(Temperature(**fields))
        except (KeyError, TypeError):
            continue
    return found


def _conditions(point: Point) -> tuple[dict[str, tuple[float, str]], dict[str, str]]:
    """Return the numbers with their units, and the words, that stand beside the spectra."""
    numbers: dict[str, tuple[float, str]] = {}
    words: dict[str, str] = {}
    for name, recorded in point.data.items():
        value, unit = recorded, ""
        if isinstance(recorded, Reading):
            if recorded.quality is Quality.INVALID:
                continue
            value, unit = recorded.value, recorded.unit
        if isinstance(value, bool | str):
            words[name] = str(value)
        elif isinstance(value, int | float):
            numbers[name] = (float(value), unit)
        elif isinstance(value, Frame):
            words[name] = "image"
    return numbers, words


def _series(template: Spectrum, rows: Sequence[Row]) -> Series:
    words = {name for row in rows for name in row.words}
    return Series(
        name=rows[0].name,
        template=template,
        axis_nm=template.wavelength_nm,
        spectra=np.stack([row.counts for row in rows if row.counts is not None]),
        numbers=np.array([row.number for row in rows]),
        kinds=tuple(row.kind for row in rows),
        columns=_columns(rows),
        words={name: tuple(row.words.get(name, "") for row in rows) for name in sorted(words)},
    )


def _columns(rows: Sequence[Row]) -> dict[str, Column]:
    names = dict.fromkeys(name for row in rows for name in row.numbers)
    nothing = (float("nan"), "")
    found = {}
    for name in names:
        pairs = [row.numbers.get(name, nothing) for row in rows]
        unit = next((unit for _, unit in pairs if unit), "")
        found[name] = Column(np.array([value for value, _ in pairs]), unit)
    return found
