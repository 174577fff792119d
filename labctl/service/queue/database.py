"""Keep what a station must never lose: queue, runs, audit, tokens and ledger, in one file.

SQLite in WAL mode with `synchronous=FULL`: a change is safe once its transaction has returned,
also after a power cut. One process writes; the lock of the operating system says which.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from labctl.core.errors import StorageError
from labctl.service.queue.schema import FORMAT, TABLES
from labctl.store.faults import storage_error
from labctl.store.lock import FileLock

DATABASE = "station.sqlite"
CACHE_KB = 512


class StationDatabase:
    """Hold the database of one station, open for writing or, without a lock, for reading.

    Every method may be called from any thread. `revision` grows with every change that this
    process makes.

    Parameters
    ----------
    path
        The file; it is made, with its folder, if it does not exist.
    read_only
        Read beside the process that writes; every change then raises `StorageError`.

    Raises
    ------
    StorageError
        If another process writes it, or it cannot be opened, is damaged or of another format.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self.revision = 0
        self._guard = threading.RLock()
        self._depth = 0
        self._recovery_due = not read_only
        self._lock: FileLock | None = None
        try:
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock = FileLock(path.with_suffix(".lock"), f"the station database {path}")
            self._db = self._open()
        except (sqlite3.Error, OSError) as error:
            self._unlock()
            raise storage_error(error, "the station database cannot be opened", path) from error
        except BaseException:
            self._unlock()
            raise

    def __enter__(self) -> "StationDatabase":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let other processes write it; allowed repeatedly."""
        with self._guard:
            self._db.close()
            self._unlock()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Make several changes as one: all of them are safe when the block has ended.

        An error within the block takes all of them back. Blocks may be nested: the outermost
        one decides.

        Raises
        ------
        StorageError
            If the disk is full or fails, or the database was opened for reading.
        """
        with self._guard:
            self._check_writable()
            outermost = self._depth == 0
            self._depth += 1
            try:
                if outermost:
                    self._db.execute("BEGIN IMMEDIATE")
                    before = self._db.total_changes
                yield self._db
                if outermost:
                    self._db.execute("COMMIT")
                    self.revision += self._db.total_changes != before
            except sqlite3.Error as error:
                self._roll_back(outermost)
                what = "the station database cannot be written"
                raise storage_error(error, what, self.path) from error
            except BaseException:
                self._roll_back(outermost)
                raise
            finally:
                self._depth -= 1

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read; raises `StorageError` if the file cannot be read."""
        with self._guard:
            try:
                yield self._db
            except sqlite3.Error as error:
                what = "the station database cannot be read"
                raise storage_error(error, what, self.path) from error

    def take_recovery(self) -> bool:
        """Return True once after opening for writing: then whatever was running has been cut."""
        with self._guard:
            due, self._recovery_due = self._recovery_due, False
            return due

    def check_integrity(self) -> None:
        """Read the whole file; raises `StorageError` if it is damaged."""
        with self.reading() as db:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(5)")]
        if found != ["ok"]:
            raise StorageError(
                f"the station database {self.path} is damaged: {'; '.join(found)}",
                remedy="move the file away and import the queue from an export; runs are not in it",
            )

    def _open(self) -> sqlite3.Connection:
        if self.read_only:
            db = sqlite3.connect(
                f"{self.path.resolve().as_uri()}?mode=ro",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=10.0,
            )
        else:
            db = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False, timeout=10.0
            )
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        # the system keeps the file in memory anyway: each connection need not do so as well
        db.execute(f"PRAGMA cache_size=-{CACHE_KB}")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if not self.read_only:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            if version == 0 and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                db.executescript(f"BEGIN;{TABLES}PRAGMA user_version={FORMAT};COMMIT;")
                version = FORMAT
        if version != FORMAT:
            raise StorageError(
                f"{self.path} has format {version}, this labctl reads format {FORMAT}",
                remedy="use the labctl that wrote it, or move the file away to begin a new one",
            )
        self._db = db
        if not self.read_only:
            self.check_integrity()

    def _check_writable(self) -> None:
        if self.read_only:
            raise StorageError(
                f"{self.path} was opened for reading",
                remedy="ask the process that serves the station, or end it first",
            )

    def _roll_back(self, outermost: bool) -> None:
        if outermost:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
