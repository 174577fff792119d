"""Examine a run that was cut short, before it is written again."""

import sqlite3
from pathlib import Path

from labctl.core.errors import StorageError
from labctl.store.folders import FRAMES
from labctl.store.record import Record
from labctl.store.segment import TRAILER


def examine(db: sqlite3.Connection, folder: Path) -> int:
    """Check the database and every checksum; returns where the indexed frames end, in bytes.

    What lies behind that in the segment file belongs to no committed point.

    Raises
    ------
    StorageError
        If anything that was committed is damaged or missing.
    """
    problems = [row[0] for row in db.execute("PRAGMA integrity_check(5)") if row[0] != "ok"]
    if problems:
        raise StorageError(
            f"run {folder.name} is damaged: {'; '.join(problems)}",
            remedy="read what is left with RunReader, restore the run from a copy",
        )
    for expected, entry in enumerate(Record(db, folder).entries()):
        if entry.point.number != expected:
            raise StorageError(f"run {folder.name}: point {expected} is missing")
    (end,) = db.execute("SELECT max(offset+nbytes) FROM frames").fetchone()
    if end is None:
        return 0
    if (folder / FRAMES).stat().st_size < end:
        raise StorageError(f"run {folder.name}: {FRAMES} is shorter than its index says")
    return int(end) + TRAILER.size
