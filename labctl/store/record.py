"""Read what a run's database holds, checked against its checksums."""

import functools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from labctl.core.errors import StorageError
from labctl.core.journal import Entry, RunStart, RunState, StateChange
from labctl.core.messages import Point
from labctl.store.decode import Decoder, start_from
from labctl.store.encode import checksum
from labctl.store.faults import storage_error
from labctl.store.folders import FRAMES
from labctl.store.segment import read_frame
from labctl.store.shared import SharedReader

BATCH = 64
"""Points per look ahead: short queries let a writer's log be emptied while somebody reads."""


class Record:
    """Answer questions about one run; `guard` is entered around every query."""

    def __init__(
        self,
        db: sqlite3.Connection,
        folder: Path,
        guard: AbstractContextManager[Any] | None = None,
    ) -> None:
        self._db = db
        self._folder = folder
        self._guard = guard or nullcontext()
        self._shared = SharedReader(self.query, folder.name)

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Return rows; raises `StorageError` if the file cannot be read."""
        try:
            with self._guard:
                return self._db.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise storage_error(error, "the run cannot be read", self._folder) from error

    def count(self) -> int:
        """Return the number of committed points."""
        return int(self.query("SELECT count(*) FROM points")[0][0])

    def starts(self) -> Sequence[RunStart]:
        """Return the attempts, the first one first."""
        return [start_from(row[0]) for row in self.query("SELECT start FROM attempts ORDER BY 1")]

    def states(self) -> Sequence[StateChange]:
        """Return the history of states."""
        rows = self.query("SELECT state,utc,monotonic_s,reason,attempt FROM states ORDER BY id")
        return [StateChange(RunState(state), *rest) for state, *rest in rows]

    def entries(self, first: int = 0, *, skip_damaged: bool = False) -> Iterator[Entry]:
        """Yield points with their exchanges in order.

        Raises
        ------
        StorageError
            At the first damaged point, unless they are skipped.
        """
        sql = "SELECT number FROM points WHERE number>=? ORDER BY number LIMIT ?"
        while numbers := [row[0] for row in self.query(sql, first, BATCH)]:
            for number in numbers:
                try:
                    yield self.entry(number)
                except StorageError:
                    if not skip_damaged:
                        raise
            first = numbers[-1] + 1

    def entry(self, number: int) -> Entry:
        """Return one point with its exchanges; raises `StorageError`."""
        # as raw bytes: torn text may not even be UTF-8
        rows = self.query(
            "SELECT CAST(header AS BLOB),CAST(payload AS BLOB),crc FROM points WHERE number=?",
            number,
        )
        if not rows:
            raise StorageError(
                f"run {self._folder.name} has no point {number}",
                remedy=f"it has {self.count()} points, from 0",
            )
        return self._entry(number, *rows[0])

    def damaged(self) -> list[int]:
        """Return the numbers of the points that do not have their checksum."""
        found = []
        for (number,) in self.query("SELECT number FROM points ORDER BY number"):
            try:
                self.entry(number)
            except StorageError:
                found.append(number)
        return found

    def _entry(self, number: int, header: bytes, payload: bytes, crc: int) -> Entry:
        what = f"run {self._folder.name}, point {number}"
        if checksum(number, header, payload) != crc:
            raise StorageError(
                f"{what} is damaged (CRC-32 differs)",
                remedy="other points remain readable; restore the run from a copy",
            )
        decoder = self.decoder(header, payload, number)
        content = decoder.content
        point = Point(
            number,
            content["kind"],
            decoder.data(),
            datetime.fromisoformat(content["utc"]),
            content["monotonic_s"],
            content["attempt"],
        )
        return Entry(point, decoder.exchanges())

    def decoder(self, header: bytes, payload: bytes, number: int) -> Decoder:
        """Return a decoder that finds large arrays under the number of their point."""
        return Decoder(header, payload, functools.partial(self._frame, number), self._shared)

    def _frame(self, point: int, ordinal: int) -> bytes:
        what = f"run {self._folder.name}, point {point}"
        rows = self.query(
            "SELECT offset,nbytes,crc FROM frames WHERE point=? AND ordinal=?", point, ordinal
        )
        if not rows:
            raise StorageError(f"{what}: frame {ordinal} is not indexed")
        offset, nbytes, crc = rows[0]
        return read_frame(self._folder / FRAMES, offset, nbytes, crc, what)
