"""Arrange the points of a run on a rectangular grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SAME_PLACE_UM = 1e-3
MOST_SPOTS = 4_000_000


@dataclass(frozen=True, slots=True)
class MapGrid:
    """Hold the places of a map: columns from left to right, rows from below.

    `column` and `row` say for each point where it lies, shape (points,).
    """

    x_um: np.ndarray
    y_um: np.ndarray
    column: np.ndarray
    row: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        return self.y_um.size, self.x_um.size

    @property
    def step_um(self) -> tuple[float, float]:
        """Return the distance of neighbouring columns and rows in µm."""
        return _step(self.x_um), _step(self.y_um)

    @property
    def outline_um(self) -> tuple[float, float, float, float]:
        """Return left, lower edge, width and height of the drawn map in µm."""
        dx, dy = self.step_um
        left, low = float(self.x_um[0]) - dx / 2, float(self.y_um[0]) - dy / 2
        return left, low, float(np.ptp(self.x_um)) + dx, float(np.ptp(self.y_um)) + dy

    def image(self, values: np.ndarray) -> np.ndarray:
        """Return values of the points as an image (rows, columns), NaN where there is none."""
        image = np.full(self.shape, np.nan)
        image[self.row, self.column] = values
        return image

    def point_at(self, x_um: float, y_um: float) -> int | None:
        """Return which point lies nearest, as an index; None outside of the map."""
        left, low, width, height = self.outline_um
        if not (left <= x_um <= left + width and low <= y_um <= low + height):
            return None
        column = int(np.argmin(np.abs(self.x_um - x_um)))
        row = int(np.argmin(np.abs(self.y_um - y_um)))
        found = np.flatnonzero((self.column == column) & (self.row == row))
        return int(found[-1]) if found.size else None


def grid_of(
    x_um: np.ndarray,
    y_um: np.ndarray,
    row: np.ndarray | None = None,
    column: np.ndarray | None = None,
) -> MapGrid | None:
    """Return the grid of points by their places in µm, each of shape (points,).

    With the numbers of rows and columns these decide; otherwise places that lie close together
    count as one. None if a place is missing or they make no grid.
    """
    if not x_um.size or not (np.all(np.isfinite(x_um)) and np.all(np.isfinite(y_um))):
        return None
    if row is not None and column is not None and _all_known(row, column):
        rows, columns, most = row.astype(int), column.astype(int), MOST_SPOTS
    else:
        # places that make no grid give about as many rows and columns as there are points
        rows, columns, most = _levels(y_um), _levels(x_um), 4 * x_um.size + 16
    shape = int(rows.max()) + 1, int(columns.max()) + 1
    if min(int(rows.min()), int(columns.min())) < 0 or shape[0] * shape[1] > most:
        return None
    return MapGrid(_means(x_um, columns, shape[1]), _means(y_um, rows, shape[0]), columns, rows)


def filled(image: np.ndarray) -> np.ndarray:
    """Return an image whose unknown spots have the value to their left, then that below.

    A map that is being read is shown as a whole at once; the count of known spots tells how much
    of it is real. Where nothing at all is known NaN stays, which is drawn transparent.
    """
    if not np.isnan(image).any() or np.isnan(image).all():
        return image
    shown = image.copy()
    for axis in (1, 0):
        known = np.isfinite(shown)
        number = np.where(known, np.arange(shown.shape[axis])[_along(axis)], 0)
        last = np.maximum.accumulate(number, axis=axis)
        shown = np.take_along_axis(shown, last, axis=axis)
    return shown


def raster_path(
    x_um: tuple[float, float], y_um: tuple[float, float], step_um: float, most: int = 20_000
) -> Sequence[tuple[float, float]]:
    """Return the turning points of a raster, row by row, forth and back, in µm."""
    rows = int(np.floor((y_um[1] - y_um[0]) / step_um + 1e-6)) + 1
    across = np.floor((x_um[1] - x_um[0]) / step_um + 1e-6) * step_um
    path: list[tuple[float, float]] = []
    for row in range(min(rows, most)):
        ends = (x_um[0], x_um[0] + float(across))
        y = y_um[0] + row * step_um
        first, last = ends if row % 2 == 0 else ends[::-1]
        path += [(first, y), (last, y)]
    return path


def _along(axis: int) -> tuple[Any, ...]:
    return (slice(None), None) if axis == 0 else (None, slice(None))


def _all_known(row: np.ndarray, column: np.ndarray) -> bool:
    return bool(np.all(np.isfinite(row)) and np.all(np.isfinite(column)))


def _levels(places_um: np.ndarray) -> np.ndarray:
    """Return the number of the level that each place belongs to.

    Between levels there are gaps that are far wider than the scatter within one: the limit lies
    where the sorted gaps make their greatest leap, by a factor of three at least.
    """
    ordered = np.sort(places_um)
    gaps = np.diff(ordered)
    widest = float(gaps.max()) if gaps.size else 0.0
    if widest <= SAME_PLACE_UM:
        return np.zeros(places_um.size, int)
    limit = 0.05 * widest
    known = np.sort(gaps[gaps > limit])
    leaps = known[1:] / known[:-1]
    if leaps.size and leaps.max() > 3.0:
        at = int(np.argmax(leaps))
        limit = float(np.sqrt(known[at] * known[at + 1]))
    edges = ordered[1:][gaps > limit]
    return np.searchsorted(edges, places_um, side="right")


def _means(places_um: np.ndarray, level: np.ndarray, count: int) -> np.ndarray:
    sums = np.bincount(level, weights=places_um, minlength=count)
    members = np.bincount(level, minlength=count)
    known = members > 0
    means = np.full(count, np.nan)
    means[known] = sums[known] / members[known]
    if known.all() or not known.any():
        return means
    # a row that was not reached yet lies where its neighbours say
    numbers = np.arange(count)
    if known.sum() == 1:
        return np.where(known, means, float(means[known][0]) + numbers - numbers[known][0])
    slope, offset = np.polyfit(numbers[known], means[known], 1)
    return np.where(known, means, offset + slope * numbers)


def _step(places_um: np.ndarray) -> float:
    return float(np.median(np.diff(places_um))) if places_um.size > 1 else 1.0
