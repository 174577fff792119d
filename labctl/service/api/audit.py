"""Keep who did what: each entry holds the hash of the one before, so that none can be altered.

Whoever can write the database can also write a new chain: keep `head` elsewhere (the morning
report prints it) to notice that too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from labctl.core.clock import Clock
from labctl.core.errors import StorageError
from labctl.service.queue.content import canonical_json, content_hash
from labctl.service.queue.database import StationDatabase

START = "0" * 64
LONGEST_RESULT = 500

_COLUMNS = "number, utc, who, role, command, arguments_sha256, result, previous, sha256"


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one command: who gave it, a hash of its arguments, and what became of it."""

    number: int
    utc: str
    who: str
    role: str
    command: str
    arguments_sha256: str
    result: str
    previous: str
    sha256: str = ""

    def computed(self) -> str:
        """Return the hash that belongs to the content of this entry."""
        content = asdict(self)
        del content["sha256"]
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()


class Audit:
    """Append to the audit of a station, and prove that it is whole."""

    def __init__(self, database: StationDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @property
    def head(self) -> str:
        """Return the hash of the last entry."""
        last = self.entries(most=1)
        return last[0].sha256 if last else START

    def append(self, who: str, role: str, command: str, arguments: Any, result: str) -> Entry:
        """Store that a command was given; it is safe when this returns.

        Raises
        ------
        StorageError
            If the disk refuses it.
        """
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT number, sha256 FROM audit ORDER BY number DESC LIMIT 1"
            ).fetchone()
            number, previous = (row[0] + 1, row[1]) if row else (1, START)
            entry = Entry(
                number,
                self._clock.utc().isoformat(),
                who,
                role,
                command,
                content_hash(arguments),
                result[:LONGEST_RESULT],
                previous,
            )
            entry = Entry(**(asdict(entry) | {"sha256": entry.computed()}))
            db.execute(
                f"INSERT INTO audit({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?)",  # noqa: S608
                tuple(asdict(entry).values()),
            )
        return entry

    def entries(self, before: int | None = None, most: int = 100) -> Sequence[Entry]:
        """Return up to `most` entries, the newest first, of those with numbers below `before`."""
        with self._database.reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM audit WHERE number < ?"  # noqa: S608
                " ORDER BY number DESC LIMIT ?",
                (2**62 if before is None else before, most),
            ).fetchall()
        return [Entry(*row) for row in rows]

    def verify(self) -> int:
        """Return how many entries there are, all of them as they were written.

        Raises
        ------
        StorageError
            At the first entry that was altered, removed or inserted.
        """
        previous, count = START, 0
        with self._database.reading() as db:
            for row in db.execute(f"SELECT {_COLUMNS} FROM audit ORDER BY number"):  # noqa: S608
                entry, count = Entry(*row), count + 1
                chained = entry.number == count and entry.previous == previous
                if not chained or entry.sha256 != entry.computed():
                    raise StorageError(
                        f"the audit was altered at entry {entry.number}",
                        remedy="keep a copy of the station database, and ask who could write it",
                    )
                previous = entry.sha256
        return count
