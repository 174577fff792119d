"""Put rows and frames on the disk so that all of them are there, or none."""

import sqlite3

from labctl.store.encode import Encoded
from labctl.store.segment import SegmentWriter

PUT_POINT = "INSERT INTO points(number,header,payload,crc) VALUES(?,?,?,?)"
# an attempt that could not begin has ended under the number of the next one
PUT_END = "INSERT OR REPLACE INTO ends(attempt,snapshot,header,payload,crc) VALUES(?,?,?,?,?)"


class Transaction:
    """Collect what is to be committed together; errors of SQLite and the disk pass through."""

    def __init__(self, db: sqlite3.Connection, segment: SegmentWriter) -> None:
        self._db = db
        self._segment = segment

    def insert(self, sql: str, values: tuple[object, ...]) -> None:
        """Insert a row."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(sql, values)

    def put(self, number: int, encoded: Encoded, sql: str, key: tuple[object, ...]) -> int:
        """Insert what was encoded under a number; returns its size in bytes."""
        size = len(encoded.header) + len(encoded.payload)
        for shared in encoded.shared:
            self.insert("INSERT INTO shared VALUES(?,?,?,?)", shared)
        for ordinal, array in enumerate(encoded.large):
            place = self._segment.append(number, ordinal, array)
            self.insert("INSERT INTO frames VALUES(?,?,?,?,?)", (number, ordinal, *place))
            size += array.nbytes
        row = (encoded.header, encoded.payload, encoded.checksum(number))
        self.insert(sql, (*key, *row))
        return size

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
