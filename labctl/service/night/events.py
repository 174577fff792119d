"""Keep every decision of the night: what was done, when, and why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from labctl.core.clock import Clock
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.turns import storable

What = Literal[
    "night began", "night ended", "recovered", "claimed", "started", "finished", "failed",
    "retried", "gave up", "skipped", "aborted", "quarantined", "suspended", "resumed",
    "moved set-point", "sentinel", "waited", "pause", "held", "dose warning", "made safe",
    "not safe", "export failed",
]  # fmt: skip

_TABLE = """
CREATE TABLE IF NOT EXISTS night_events(
    number INTEGER PRIMARY KEY, night TEXT NOT NULL, utc TEXT NOT NULL, what TEXT NOT NULL,
    why TEXT NOT NULL, item TEXT NOT NULL, run TEXT NOT NULL, data TEXT NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class NightEvent:
    """Hold one decision. `night` is the UTC at which its night began; `data` is plain JSON."""

    night: str
    utc: str
    what: str
    why: str
    item: str = ""
    run: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def time(self) -> datetime:
        """Return when it was."""
        return datetime.fromisoformat(self.utc)


class EventLog:
    """Append the events of one night to the station database; each is safe when `add` returns.

    A night that was cut short within the last day goes on; otherwise a new one begins.
    """

    def __init__(self, database: StationDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        with database.transaction() as db:
            db.execute(_TABLE)
        last = read_events(database)
        self.goes_on = bool(last) and last[-1].what != "night ended" and self._is_recent(last[-1])
        self.night = last[-1].night if self.goes_on else clock.utc().isoformat()

    def add(
        self,
        what: What,
        why: str = "",
        *,
        item: str = "",
        run: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Store an event; raises `StorageError` if the database cannot be written."""
        row = (
            self.night, self._clock.utc().isoformat(), what, storable(why), item, run,
            json.dumps(dict(data or {}), allow_nan=False, default=str),
        )  # fmt: skip
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO night_events(night, utc, what, why, item, run, data) "
                "VALUES (?,?,?,?,?,?,?)",
                row,
            )

    def _is_recent(self, event: NightEvent) -> bool:
        return self._clock.utc() - event.time < timedelta(days=1)


def read_events(database: StationDatabase, night: str | None = None) -> Sequence[NightEvent]:
    """Return the events of a night in order; of the last one if none is named."""
    with database.reading() as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name='night_events'").fetchone():
            return []
        rows = db.execute(
            "SELECT night, utc, what, why, item, run, data FROM night_events WHERE night = "
            "coalesce(?, (SELECT night FROM night_events ORDER BY number DESC LIMIT 1)) "
            "ORDER BY number",
            (night,),
        ).fetchall()
    return [
        NightEvent(night, utc, what, why, item, run, json.loads(data))
        for night, utc, what, why, item, run, data in rows
    ]


def nights(database: StationDatabase) -> Sequence[str]:
    """Return the nights in order, each by the UTC at which it began."""
    with database.reading() as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name='night_events'").fetchone():
            return []
        rows = db.execute("SELECT night FROM night_events GROUP BY night ORDER BY min(number)")
        return [row[0] for row in rows]
