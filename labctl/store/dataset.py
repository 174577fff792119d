"""Arrange the points of a run as an xarray dataset."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labctl.core.messages import Point
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Exposure

if TYPE_CHECKING:
    import xarray

    from labctl.store.reader import RunReader

Column = list[tuple[int, Any]]
"""Values by position of their point."""
Variables = dict[str, Any]


def to_dataset(reader: "RunReader") -> "xarray.Dataset":
    """Return one variable per recorded name along `point`.

    - A reading gives its value (NaN or "" if invalid) with the unit in `attrs["units"]`, and
      `<name>_quality`.
    - Spectra and frames with one shape and axis are stacked, untouched, as counts with
      `<name>_wavelength_nm`, `<name>_exposure_s` and `<name>_quality`; further shapes or axes
      follow as `<name>_2` and so on. Where a name is missing in some points, its points have a
      dimension of their own, `<name>_point`, which holds their numbers.
    """
    import xarray

    points = list(reader.points())
    columns: dict[str, Column] = {}
    for position, point in enumerate(points):
        for name, value in point.data.items():
            columns.setdefault(name, []).append((position, value))
    numbers = np.array([point.number for point in points], dtype=np.int64)
    variables: Variables = {
        "kind": ("point", np.array([point.kind for point in points], dtype=str)),
        "attempt": ("point", np.array([point.attempt for point in points], dtype=np.int64)),
        "utc": ("point", _times(points)),
    }
    coords: Variables = {"point": ("point", numbers)}
    for name, column in columns.items():
        _add(variables, coords, name, column, numbers)
    attrs = {
        "run": reader.run,
        "procedure": reader.procedure,
        "state": reader.state.value,
        "parameters": str(dict(reader.parameters)),
    }
    return xarray.Dataset(variables, coords, attrs)


def _add(
    variables: Variables, coords: Variables, name: str, column: Column, numbers: np.ndarray
) -> None:
    arrays = [(position, value) for position, value in column if _is_array(value)]
    plain = [(position, value) for position, value in column if not _is_array(value)]
    if plain:
        _add_values(variables, name, plain, len(numbers))
    for order, group in enumerate(_groups(arrays).values(), start=1 + bool(plain)):
        label = name if order == 1 else f"{name}_{order}"
        _add_arrays(variables, coords, label, group, numbers)


def _is_array(value: Any) -> bool:
    return isinstance(value, (Exposure, np.ndarray))


def _groups(arrays: Column) -> Mapping[Any, Column]:
    groups: dict[Any, Column] = {}
    for position, value in arrays:
        key: tuple[Any, ...] = (type(value), np.shape(value))
        if isinstance(value, Exposure):
            axis = value.wavelength_nm
            key = (type(value), value.counts.shape, value.counts.dtype.str, axis.tobytes())
        groups.setdefault(key, []).append((position, value))
    return groups


def _add_values(variables: Variables, name: str, column: Column, size: int) -> None:
    values = [value.value if isinstance(value, Reading) else value for _, value in column]
    known = [value for value in values if value is not None]
    fill, dtype = _fill(known, len(known) < size)
    data = np.full(size, fill, dtype=dtype)
    for (position, _), value in zip(column, values, strict=True):
        if value is not None:
            data[position] = value
    units = {value.unit for _, value in column if isinstance(value, Reading) and value.unit}
    attrs = {"units": units.pop()} if len(units) == 1 else {}
    variables[name] = ("point", data, attrs)
    if any(isinstance(value, Reading) for _, value in column):
        variables[f"{name}_quality"] = ("point", _qualities(column, size))


def _fill(known: Sequence[Any], has_gaps: bool) -> tuple[Any, Any]:
    if all(isinstance(value, bool) for value in known) and known and not has_gaps:
        return False, bool
    if any(isinstance(value, str) for value in known):
        return "", object
    if all(isinstance(value, int) for value in known) and known and not has_gaps:
        return 0, object if any(abs(value) >= 2**63 for value in known) else np.int64
    return np.nan, np.float64


def _qualities(column: Column, size: int) -> np.ndarray:
    data = np.full(size, "", dtype=object)
    for position, value in column:
        data[position] = getattr(value, "quality", Quality.GOOD).value
    return data.astype(str)


def _add_arrays(
    variables: Variables, coords: Variables, name: str, group: Column, numbers: np.ndarray
) -> None:
    positions = [position for position, _ in group]
    values = [value for _, value in group]
    along = "point"
    if len(group) < len(numbers):
        along = f"{name}_point"
        coords[along] = (along, numbers[positions])
    if not isinstance(values[0], Exposure):
        stacked = np.stack(values)
        dims = [along, *(f"{name}_{axis}" for axis in range(stacked.ndim - 1))]
        variables[name] = (dims, stacked)
        return
    counts = np.stack([value.counts for value in values])
    names = ["accumulation", "row", "pixel"] if counts.ndim == 4 else ["accumulation", "pixel"]
    variables[name] = ([along, *(f"{name}_{axis}" for axis in names)], counts, {"units": "counts"})
    coords[f"{name}_wavelength_nm"] = (
        f"{name}_pixel",
        values[0].wavelength_nm,
        {"units": "nm", "medium": values[0].medium},
    )
    exposures = np.array([value.exposure_s for value in values])
    variables[f"{name}_exposure_s"] = (along, exposures, {"units": "s"})
    variables[f"{name}_quality"] = (along, np.array([value.quality.value for value in values]))


def _times(points: Sequence[Point]) -> np.ndarray:
    return np.array([point.utc.replace(tzinfo=None) for point in points], dtype="datetime64[ns]")
