"""Define the tables of a run, and open its database."""

import sqlite3
from contextlib import suppress
from pathlib import Path

from labctl.core.errors import StorageError
from labctl.store.faults import storage_error

FORMAT = 2
"""Version of the tables; kept in `user_version`."""

PAGE_BYTES = 4096
GROUPED_PAGE_BYTES = 32768
"""A point is about 3 kB: one fills a small page, ten share a large one.

A point that is committed alone costs its pages, so they are small. In a large transaction what
counts is the number of pages: large ones take a third of the time (docs/decisions/0008)."""

LOG_BYTES = 4_000_000
"""As long as the log gets until SQLite's check-point at 1000 small pages."""

TABLES = """
CREATE TABLE attempts(number INTEGER PRIMARY KEY, start TEXT NOT NULL);
CREATE TABLE states(
    id INTEGER PRIMARY KEY, attempt INTEGER NOT NULL, state TEXT NOT NULL,
    utc TEXT NOT NULL, monotonic_s REAL NOT NULL, reason TEXT NOT NULL);
CREATE TABLE shared(
    id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, header TEXT NOT NULL,
    data BLOB NOT NULL);
CREATE TABLE points(
    number INTEGER PRIMARY KEY, header TEXT NOT NULL, payload BLOB NOT NULL,
    crc INTEGER NOT NULL);
CREATE TABLE frames(
    point INTEGER NOT NULL, ordinal INTEGER NOT NULL, offset INTEGER NOT NULL,
    nbytes INTEGER NOT NULL, crc INTEGER NOT NULL, PRIMARY KEY(point, ordinal));
CREATE TABLE ends(
    attempt INTEGER PRIMARY KEY, header TEXT NOT NULL, payload BLOB NOT NULL,
    crc INTEGER NOT NULL, snapshot TEXT NOT NULL);
"""


def create_database(path: Path, *, is_grouped: bool) -> sqlite3.Connection:
    """Create the database of a new run, for points one by one or for many per transaction.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    try:
        db = _connect(path, GROUPED_PAGE_BYTES if is_grouped else PAGE_BYTES)
        db.executescript(f"BEGIN;{TABLES}PRAGMA user_version={FORMAT};COMMIT;")
        _stretch_log(db)
    except sqlite3.Error as error:
        raise storage_error(error, "the run cannot be created", path) from error
    return db


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database of a run for writing."""
    _check_exists(path)
    try:
        db = _connect(path)
        _check_format(db, path)
        _stretch_log(db)
    except sqlite3.Error as error:
        raise storage_error(error, "the run cannot be opened for writing", path) from error
    return db


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open the database of a run for reading, also while another process writes it."""
    _check_exists(path)
    address = path.resolve().as_uri()
    try:
        try:
            db = _read_only(f"{address}?mode=ro")
        except sqlite3.OperationalError:
            # on a read-only disk, and without a log beside it, the file cannot change
            if path.with_name(path.name + "-wal").exists():
                raise
            db = _read_only(f"{address}?immutable=1")
        _check_format(db, path)
    except sqlite3.Error as error:
        raise storage_error(error, "the run cannot be read", path) from error
    return db


def _stretch_log(db: sqlite3.Connection) -> None:
    """Let the log have its full length at once: overwriting it is faster than making it longer.

    A sync of a file that grew also writes its new length. A transaction that does not fit in the
    cache goes to the log early, and stays there as waste when it is taken back; SQLite starts
    the log anew at each check-point without making it shorter. A disk without room for that may
    still have room for the run.
    """
    db.execute("PRAGMA cache_size=16")
    with suppress(sqlite3.OperationalError):
        db.execute("BEGIN IMMEDIATE")
        db.execute("CREATE TABLE waste(data BLOB)")
        db.execute("INSERT INTO waste VALUES(zeroblob(?))", (LOG_BYTES,))
    db.rollback()
    db.execute("PRAGMA cache_size=-16000")


def _connect(path: Path, page_bytes: int = PAGE_BYTES) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
    # of no effect on a file that exists
    db.execute(f"PRAGMA page_size={page_bytes}")
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA cache_size=-16000")
    db.execute("PRAGMA wal_autocheckpoint=1000")
    return db


def _read_only(address: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return db


def _check_exists(path: Path) -> None:
    if not path.is_file():
        raise StorageError(
            f"there is no run in {path.parent}: {path.name} is missing",
            remedy="'labctl runs list' shows the runs",
        )


def _check_format(db: sqlite3.Connection, path: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        raise StorageError(
            f"the run in {path.parent} was cut short before it began: it holds nothing",
            remedy="start a new run",
        )
    if version != FORMAT:
        raise StorageError(
            f"{path} has format {version}, this labctl reads format {FORMAT}",
            remedy="read it with the labctl that wrote it, or a newer one",
        )
