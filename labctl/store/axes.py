"""Store each wavelength axis once, by its content."""

import hashlib
import json
import sqlite3

import numpy as np

from labctl.core.errors import StorageError

Key = tuple[bytes, str, tuple[int, ...]]


class AxisTable:
    """Give axes their numbers while a run is written."""

    def __init__(self, db: sqlite3.Connection) -> None:
        rows = db.execute("SELECT id, sha256 FROM axes").fetchall()
        self._ids: dict[str, int] = {sha256: number for number, sha256 in rows}
        self._last: Key | None = None
        self._last_id = 0
        self.new: list[tuple[int, str, str, str, bytes]] = []
        """Rows to insert with the next point."""

    def identify(self, axis: np.ndarray) -> int:
        """Return the number of an axis; a new one is put into `new`."""
        key = (axis.tobytes(), axis.dtype.str, axis.shape)
        # most spectra have the axis of the one before: comparing is cheaper than hashing
        if key != self._last:
            self._last, self._last_id = key, self._look_up(key)
        return self._last_id

    def _look_up(self, key: Key) -> int:
        data, dtype, shape = key
        sha256 = content_hash(data, dtype, json.dumps(shape))
        known = self._ids.get(sha256)
        if known is None:
            known = self._ids[sha256] = len(self._ids) + 1
            self.new.append((known, sha256, dtype, json.dumps(shape), data))
        return known


def content_hash(data: bytes, dtype: str, shape: str) -> str:
    """Return the hash by which an axis is known."""
    return hashlib.sha256(data + f"{dtype}{shape}".encode()).hexdigest()


def read_axis(db: sqlite3.Connection, number: int, run: str) -> np.ndarray:
    """Return an axis, read-only.

    Raises
    ------
    StorageError
        If it is missing or its content does not have its hash.
    """
    row = db.execute("SELECT sha256, dtype, shape, data FROM axes WHERE id=?", (number,)).fetchone()
    if row is None or content_hash(row[3], row[1], row[2]) != row[0]:
        raise StorageError(
            f"run {run}: wavelength axis {number} is missing or damaged",
            remedy="restore the run from a copy",
        )
    return np.ndarray(tuple(json.loads(row[2])), np.dtype(row[1]), buffer=row[3])
