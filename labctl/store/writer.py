"""Write a run: committed means that the transaction has returned."""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn, Self

from labctl.core.clock import Clock
from labctl.core.errors import StorageError, UsageError
from labctl.core.journal import Entry, Exchange, RunStart, RunState, StateChange
from labctl.core.messages import Point
from labctl.core.readings import Reading
from labctl.store.committing import RegularCommits
from labctl.store.encode import Encoded, encode, reading_fields
from labctl.store.faults import storage_error
from labctl.store.folders import DATABASE, FRAMES, LOCK, create_run_folder, sync_folder
from labctl.store.lock import FileLock
from labctl.store.plain import to_json
from labctl.store.record import Record
from labctl.store.recovery import examine
from labctl.store.room import MARGIN_BYTES, Room
from labctl.store.schema import create_database, open_database
from labctl.store.segment import SegmentWriter
from labctl.store.shared import SharedTable
from labctl.store.transaction import CHUNK, Transaction

BACKLOG = 2_000
"""Points that may wait for the disk in memory, in grouped mode."""


class RunWriter:
    """Keep the points of one run on disk; fulfils `core.journal.Journal`.

    With `commit_every_s` at 0 every point is on the disk when `commit` returns. Above 0 the
    points of that many seconds share a transaction, and a point is safe once `committed` has
    passed its number, or when `flush` has returned.

    After an error of the disk the writer refuses to go on: what the disk holds is then known
    only after the run is opened again.
    """

    def __init__(
        self, folder: Path, *, is_new: bool, commit_every_s: float, margin_bytes: int
    ) -> None:
        self.path = folder
        self.run = folder.name
        self._mutex = threading.RLock()
        self._failure = ""
        self._file_lock = FileLock(folder / LOCK, f"run {folder.name}")
        try:
            self._open(is_new, is_grouped=commit_every_s > 0)
        except (sqlite3.Error, OSError) as error:
            self._file_lock.release()
            raise storage_error(error, "the run cannot be opened for writing", folder) from error
        except BaseException:
            self._file_lock.release()
            raise
        self._shared = SharedTable(self._db)
        self._record = Record(self._db, folder, self._mutex)
        self._committed = self._written = self._given = self._record.count()
        self._queue: deque[tuple[int, Encoded]] = deque()
        self._room = Room(folder, margin_bytes)
        self._is_grouped = commit_every_s > 0
        self._commits = RegularCommits(commit_every_s, self._flush_and_look)
        if self._is_grouped:
            self._commits.start()

    def _open(self, is_new: bool, is_grouped: bool) -> None:
        if is_new:
            self._db, end = create_database(self.path / DATABASE, is_grouped=is_grouped), 0
        else:
            self._db = open_database(self.path / DATABASE)
            end = examine(self._db, self.path)
        self._segment = SegmentWriter(self.path / FRAMES, end)
        self._transaction = Transaction(self._db, self._segment)
        sync_folder(self.path)

    @classmethod
    def create(
        cls,
        root: Path,
        procedure: str,
        *,
        clock: Clock,
        label: str = "",
        commit_every_s: float = 0.0,
        margin_bytes: int = MARGIN_BYTES,
    ) -> Self:
        """Create a run in a new folder below `root`, dated by the UTC of the clock.

        Raises
        ------
        StorageError
            If nothing can be written there.
        """
        folder = create_run_folder(root, clock.utc(), procedure, label)
        return cls(folder, is_new=True, commit_every_s=commit_every_s, margin_bytes=margin_bytes)

    @classmethod
    def reopen(
        cls,
        path: Path,
        *,
        clock: Clock,
        commit_every_s: float = 0.0,
        margin_bytes: int = MARGIN_BYTES,
    ) -> Self:
        """Open a run to go on with it, after checking all that it holds.

        Frames that no committed point refers to are cut off; a run that was cut short is marked
        `interrupted`.

        Raises
        ------
        StorageError
            If another process writes it (which is named), or it is damaged.
        """
        folder = path.parent if path.is_file() else path
        run = cls(folder, is_new=False, commit_every_s=commit_every_s, margin_bytes=margin_bytes)
        states = run.states()
        if states and not states[-1].state.is_end:
            reason = f"found cut short while {states[-1].state}"
            run.change_state(
                StateChange(
                    RunState.INTERRUPTED,
                    clock.utc().isoformat(),
                    clock.monotonic_s(),
                    reason,
                    states[-1].attempt,
                )
            )
        return run

    @property
    def committed(self) -> int:
        """Return how many points are safe on disk."""
        return self._committed

    def begin(self, start: RunStart) -> None:
        """Store the start of an attempt."""
        content = asdict(start) | {"snapshot": _snapshot_fields(start.snapshot)}
        self._insert("INSERT INTO attempts VALUES(?,?)", start.attempt, to_json(content))

    def change_state(self, change: StateChange) -> None:
        """Append to the history of states."""
        self._insert(
            "INSERT INTO states(attempt,state,utc,monotonic_s,reason) VALUES(?,?,?,?,?)",
            change.attempt,
            change.state.value,
            change.utc,
            change.monotonic_s,
            change.reason,
        )

    def reserve(self) -> None:
        """Raise `StorageError` if the disk has no room for the largest point so far."""
        if not self._is_grouped:
            self._room.look()
        self._room.check()

    def commit(self, point: Point, exchanges: Sequence[Exchange]) -> None:
        """Store a point.

        Raises
        ------
        StorageError
            If the disk refuses, or the number is not the next one.
        UsageError
            If something in it cannot be stored.
        """
        head = {
            "kind": point.kind,
            "utc": point.utc,
            "monotonic_s": point.monotonic_s,
            "attempt": point.attempt,
        }
        self._require_open()
        if point.number != self._given:
            raise StorageError(
                f"run {self.run}: point {point.number} was given, {self._given} is the next"
            )
        encoded = encode(head, point.data, exchanges, self._shared)
        self._queue.append((point.number, encoded))
        self._given += 1
        self._room.note(encoded.size)
        if not self._is_grouped:
            self.flush()
        elif encoded.large or len(self._queue) >= BACKLOG:
            self._put()
        elif len(self._queue) >= CHUNK and self._mutex.acquire(blocking=False):
            try:
                self._write(self._put_queue)
            finally:
                self._mutex.release()

    def flush(self) -> None:
        """Return when every point given so far is on the disk."""
        with self._mutex:
            self._require_open()
            self._write(self._commit)

    def close(
        self,
        end: StateChange,
        exchanges: Sequence[Exchange],
        snapshot: Mapping[str, Reading],
    ) -> None:
        """Store the end, fold the log into the database and release the run."""
        with self._mutex:
            self._require_open()
            self._write(self._put_queue)
            encoded = self._encode_end(exchanges)
            text = to_json(_snapshot_fields(snapshot))
            self._write(lambda: self._transaction.put_end(end.attempt, text, encoded))
            self.change_state(end)
            with suppress(sqlite3.Error):
                self._transaction.close()
            self.release()

    def release(self) -> None:
        """Let go of the run without storing anything; allowed after `close`, and repeatedly."""
        self._commits.end()
        with self._mutex:
            if self._failure != "closed":
                self._failure = "closed"
                with suppress(sqlite3.Error, OSError):
                    self._db.close()
                with suppress(OSError):
                    self._segment.close()
                self._file_lock.release()

    def starts(self) -> Sequence[RunStart]:
        """Return the attempts so far."""
        return self._record.starts()

    def states(self) -> Sequence[StateChange]:
        """Return the history of states."""
        return self._record.states()

    def entries(self) -> Iterator[Entry]:
        """Yield the points so far, checked against their checksums."""
        return self._record.entries()

    def _put(self) -> None:
        with self._mutex:
            self._require_open()
            self._write(self._put_queue)

    def _put_queue(self) -> None:
        # a fixed number: the run goes on adding, and two threads inserting in turns are slow
        points = [self._queue.popleft() for _ in range(len(self._queue))]
        if points:
            self._transaction.put_points(points)
            self._written = points[-1][0] + 1

    def _commit(self) -> None:
        self._put_queue()
        self._transaction.commit()
        self._committed = self._written

    def _insert(self, sql: str, *values: object) -> None:
        with self._mutex:
            self._require_open()
            self._write(lambda: self._transaction.insert(sql, values))
            self._write(self._commit)

    def _encode_end(self, exchanges: Sequence[Exchange]) -> Encoded:
        try:
            return encode({}, {}, exchanges, self._shared)
        except UsageError:  # what ended the run may be that it cannot be stored
            return encode({}, {}, (), self._shared)

    def _write(self, action: Callable[[], object]) -> None:
        try:
            action()
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def _flush_and_look(self) -> None:
        self.flush()
        self._room.look()

    def _require_open(self) -> None:
        if self._failure:
            raise StorageError(
                f"run {self.run} takes no more points: {self._failure}",
                remedy="remove the cause, then resume the run",
            )

    def _fail(self, error: sqlite3.Error | OSError) -> NoReturn:
        failure = storage_error(error, f"run {self.run} cannot be written", self.path)
        self._failure = failure.message
        with suppress(sqlite3.Error):
            self._db.rollback()
        raise failure from error


def _snapshot_fields(snapshot: Mapping[str, Reading]) -> dict[str, object]:
    return {name: reading_fields(reading) for name, reading in snapshot.items()}
