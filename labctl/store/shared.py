"""Store once, by content, what hardly changes from point to point: axes and circumstances."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from labctl.core.errors import StorageError
from labctl.core.spectra import Exposure, exposure_metadata
from labctl.store.plain import to_json

SharedRow = tuple[int, str, str, bytes]

_CONTEXT = attrgetter(
    "exposure_s",
    "beams",
    "laser_nm",
    "detector",
    "medium",
    "quality",
    "reason",
    "calibrations",
    "settings",
)


class SharedTable:
    """Give contents their numbers while a run is written."""

    def __init__(self, db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT id, sha256 FROM shared").fetchall()
        self._ids: dict[str, int] = {sha256: number for number, sha256 in rows}
        self._axis = b""
        self._axis_type: tuple[Any, ...] = ()
        self._last_context: tuple[Any, ...] = ()
        self._last_types: list[type] = []
        self._axis_id = self._context_id = 0
        self._new: list[SharedRow] = []

    def take_new(self) -> Sequence[SharedRow]:
        """Return the rows that no point has taken along yet."""
        if not self._new:
            return ()
        new, self._new = self._new, []
        return new

    def numbers(self, exposure: Exposure) -> tuple[int, int]:
        """Return the numbers of an exposure's wavelength axis and of its metadata without times."""
        axis = exposure.wavelength_nm
        # most exposures have the axis of the one before: comparing is cheaper than hashing
        if (axis.dtype, axis.shape) != self._axis_type or not self._axis.startswith(_raw(axis)):
            self._axis, self._axis_type = axis.tobytes(), (axis.dtype, axis.shape)
            self._axis_id = self._look_up(to_json((axis.dtype.str, axis.shape)), self._axis)
        context = _CONTEXT(exposure)
        types = [*map(type, exposure.settings.values())]  # True equals 1
        if context != self._last_context or types != self._last_types:
            self._context_id = self._look_up(to_json(exposure_metadata(exposure)), b"")
            # copies, because a station may fill the same mapping again
            self._last_context = (*context[:-2], *map(dict, context[-2:]))
            self._last_types = types
        return self._axis_id, self._context_id

    def _look_up(self, header: str, data: bytes) -> int:
        sha256 = _content_hash(header, data)
        known = self._ids.get(sha256)
        if known is None:
            known = self._ids[sha256] = len(self._ids) + 1
            self._new.append((known, sha256, header, data))
        return known


class SharedReader:
    """Read what several points share; each piece is read and checked once."""

    def __init__(self, query: Callable[..., list[Any]], run: str) -> None:
        self._query = query
        self._run = run
        self._axes: dict[int, np.ndarray] = {}
        self._contexts: dict[int, Any] = {}

    def axis(self, number: int) -> np.ndarray:
        """Return a wavelength axis, read-only; raises `StorageError` if it is damaged."""
        if number not in self._axes:
            header, data = self._read(number)
            dtype, shape = header
            self._axes[number] = np.ndarray(tuple(shape), np.dtype(dtype), buffer=data)
        return self._axes[number]

    def context(self, number: int) -> Any:
        """Return metadata of an exposure; raises `StorageError` if it is damaged."""
        if number not in self._contexts:
            self._contexts[number] = self._read(number)[0]
        return self._contexts[number]

    def _read(self, number: int) -> tuple[Any, bytes]:
        rows = self._query("SELECT sha256,header,data FROM shared WHERE id=?", number)
        if not rows or _content_hash(rows[0][1], rows[0][2]) != rows[0][0]:
            raise StorageError(
                f"run {self._run}: shared content {number} is missing or damaged",
                remedy="restore the run from a copy",
            )
        return json.loads(rows[0][1]), rows[0][2]


def _raw(array: np.ndarray) -> memoryview:
    return (array if array.flags.c_contiguous else np.ascontiguousarray(array)).data


def _content_hash(header: str, data: bytes) -> str:
    return hashlib.sha256(header.encode() + b"\0" + data).hexdigest()
