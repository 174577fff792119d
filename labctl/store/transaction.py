"""Put rows and frames on the disk so that all of them are there, or none."""

import functools
import sqlite3
from collections.abc import Sequence

from labctl.store.encode import Encoded, tail_number
from labctl.store.segment import SegmentWriter

CHUNK = 128
"""Most points that one statement inserts."""

# an attempt that could not begin has ended under the number of the next one
PUT_END = (
    "INSERT OR REPLACE INTO ends(attempt,snapshot,header,payload,crc)"
    " VALUES(?,?,CAST(? AS TEXT),?,?)"
)


class Transaction:
    """Collect what is to be committed together; errors of SQLite and the disk pass through."""

    def __init__(self, db: sqlite3.Connection, segment: SegmentWriter) -> None:
        self._db = db
        self._segment = segment

    def insert(self, sql: str, values: Sequence[object]) -> None:
        """Insert a row."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(sql, values)

    def put_points(self, points: Sequence[tuple[int, Encoded]]) -> None:
        """Insert points by their numbers."""
        for number, encoded in points:
            self._put_aside(number, encoded)
        first, size = 0, CHUNK
        while first < len(points):
            while size > len(points) - first:
                size //= 2
            values: list[object] = []
            for number, encoded in points[first : first + size]:
                values += (number, encoded.header, encoded.payload, encoded.checksum(number))
            self.insert(_put_points(size), values)
            first += size

    def put_end(self, attempt: int, snapshot: str, encoded: Encoded) -> None:
        """Insert what followed the last point of an attempt."""
        number = tail_number(attempt)
        self._put_aside(number, encoded)
        checksum = encoded.checksum(number)
        self.insert(PUT_END, (attempt, snapshot, encoded.header, encoded.payload, checksum))

    def _put_aside(self, number: int, encoded: Encoded) -> None:
        for shared in encoded.shared:
            self.insert("INSERT INTO shared VALUES(?,?,?,?)", shared)
        for ordinal, array in enumerate(encoded.large):
            place = self._segment.append(number, ordinal, array)
            self.insert("INSERT INTO frames VALUES(?,?,?,?,?)", (number, ordinal, *place))

    def commit(self) -> None:
        """Return when all of it is on the disk."""
        if self._db.in_transaction:
            # frames first: an index row must never point to bytes that a power cut could take
            self._segment.sync()
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Fold the log into the database, if nobody reads it, so that a run is one file."""
        self._db.execute("PRAGMA busy_timeout=0")
        self._db.execute("PRAGMA journal_mode=DELETE")


@functools.cache
def _put_points(count: int) -> str:
    rows = ",".join(["(?,CAST(? AS TEXT),?,?)"] * count)
    # only question marks go in
    return f"INSERT INTO points(number,header,payload,crc) VALUES{rows}"
