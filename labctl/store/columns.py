"""Read single numbers of many points without decoding the points: for maps and long series."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labctl.core.errors import UsageError
from labctl.store.encode import checksum

_NAME = re.compile(r"[A-Za-z0-9_.\-]+")
_BATCH = 5000

Query = Callable[..., list[Any]]


def read_numbers(
    query: Query, names: Sequence[str], points: Sequence[int]
) -> Mapping[str, np.ndarray]:
    """Return recorded numbers of some points, in any order; NaN where there is none.

    A point that does not have its checksum counts as having none, and so does an invalid
    reading. SQLite takes the numbers out of the header (json_extract), which is several times
    faster than building the point. `query` runs SQL and returns rows.

    Raises
    ------
    UsageError
        If a name cannot be one of recorded data.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of recorded data")
    place = {number: index for index, number in enumerate(points)}
    found = {name: np.full(len(points), np.nan) for name in names}
    columns = ",".join(_extract(name) for name in names)
    for first in range(0, len(points), _BATCH):
        part = points[first : first + _BATCH]
        marks = ",".join("?" * len(part))
        rows = query(
            f"SELECT number,CAST(header AS BLOB),CAST(payload AS BLOB),crc,{columns}"  # noqa: S608
            f" FROM points WHERE number IN ({marks}) AND json_valid(header)",
            *part,
        )
        for number, header, payload, crc, *values in rows:
            if checksum(number, header, payload) == crc:
                for name, value in zip(names, values, strict=True):
                    if isinstance(value, int | float):
                        found[name][place[number]] = value
    return found


def _extract(name: str) -> str:
    """Return the SQL for one name: a plain number, or the value of a reading (`encode`)."""
    path = f'$.data."{name}"'
    plain = f"json_extract(header,'{path}')"
    index = f"json_extract(header,'{path}.$')"
    reading = f"json_extract(header,'$.values['||{index}||'][1]')"
    return f"CASE json_type(header,'{path}') WHEN 'object' THEN {reading} ELSE {plain} END"
