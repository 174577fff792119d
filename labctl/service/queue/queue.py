"""Run the items of a station's queue one at a time, and lose none of them."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from labctl.core.clock import Clock
from labctl.core.items import ItemId, ItemState, QueueItem
from labctl.service.queue import rows, turns
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.editing import EditableQueue
from labctl.service.queue.examination import Examined, Examiner
from labctl.service.queue.turns import Ending

_HOLD = "hold"


class Queue(EditableQueue):
    """Hold the items of a station in the order in which they run.

    What a method returned is safe on disk. Every method may be called from any thread. The
    first queue on a database that is open for writing interrupts what was running when the last
    process ended; `recovered` names these items.

    Parameters
    ----------
    database
        The station database.
    clock
        The clock of the station; conditions and stamps follow it.
    examine
        Examines items when they are added, edited and claimed; None takes them as they are.

    Raises
    ------
    StorageError
        If a stored item is damaged; it is named.
    """

    def __init__(
        self, database: StationDatabase, clock: Clock, examine: Examiner | None = None
    ) -> None:
        super().__init__(database, clock, examine)
        self.recovered: Sequence[ItemId] = ()
        if database.take_recovery():
            with database.transaction() as db:
                self.recovered = turns.recover(db, clock.utc())
        if not database.read_only:
            # a damaged item is found now and not in the night, and no later list has to wait
            self.list()

    def claim(self) -> QueueItem | None:
        """Begin the next item that may start now, in one transaction; None if there is none.

        A run becomes `running`, a pause `paused`; nothing else starts before `finish`. If
        `resumes` names a run, the item goes on with it. Items that can never run are marked
        `skipped`, those that fail their examination `failed`, with the reason.
        """
        while True:
            with self.database.transaction() as db:
                item = self._next(db)
                if item is None:
                    return None
                if self._examine is None or item.kind == "pause" or item.resumes:
                    return turns.start(db, item, Examined(), self._clock.utc())
            # walking through a plan takes long: nobody has to wait for it
            examined = self._examine(item)
            with self.database.transaction() as db:
                if self._next(db) == item:
                    now_utc = self._clock.utc()
                    if not examined.problems:
                        return turns.start(db, item, examined, now_utc)
                    turns.refuse(db, item, "; ".join(examined.problems), now_utc)
                    if item.conditions.on_failure != "skip":
                        self._set_hold(db, f"{item.summary} was refused")

    def attach_run(self, item_id: ItemId, run: str) -> QueueItem:
        """Store the name of the run that a running item writes, as soon as it is known."""
        with self.database.transaction() as db:
            return turns.attach_run(db, item_id, run)

    def change_state(
        self, item_id: ItemId, state: Literal[ItemState.RUNNING, ItemState.PAUSED]
    ) -> QueueItem:
        """Store that the run of an item pauses, or goes on."""
        with self.database.transaction() as db:
            return turns.change_state(db, item_id, state)

    def finish(
        self,
        item_id: ItemId,
        state: ItemState,
        run: str = "",
        reason: str = "",
        *,
        duration_s: float | None = None,
        retry_in_s: float | None = None,
        points: int | None = None,
    ) -> QueueItem:
        """End the attempt of a running item, or a pause; see `Ending` for the arguments.

        `ItemState.INTERRUPTED` means that its worker died: the item's `on_recovery` decides,
        and the second time it is put into quarantine.
        """
        ending = Ending(state, run, reason, duration_s, retry_in_s, points)
        with self.database.transaction() as db:
            return turns.finish(db, item_id, ending, self._clock.utc())

    @property
    def held(self) -> str:
        """Return why nothing starts, or an empty string."""
        with self.database.reading() as db:
            return _held(db)

    def hold(self, reason: str) -> None:
        """Start nothing more until `release`, also after a restart."""
        with self.database.transaction() as db:
            self._set_hold(db, reason or "held by the operator")

    def release(self) -> None:
        """Let items start again after `hold`."""
        with self.database.transaction() as db:
            db.execute("DELETE FROM settings WHERE name=?", (_HOLD,))

    def _next(self, db: sqlite3.Connection) -> QueueItem | None:
        now_utc: datetime = self._clock.utc()
        while not _held(db):
            choice = turns.next_choice(db, now_utc)
            turns.apply_skips(db, choice, now_utc)
            if choice.entry is not None:
                return rows.fetch(db, choice.entry.id)
            if not choice.skips:
                return None
        return None

    def _set_hold(self, db: sqlite3.Connection, reason: str) -> None:
        db.execute(
            "INSERT OR REPLACE INTO settings(name, value) VALUES (?,?)",
            (_HOLD, turns.storable(reason)),
        )


def _held(db: sqlite3.Connection) -> str:
    row = db.execute("SELECT value FROM settings WHERE name=?", (_HOLD,)).fetchone()
    return "" if row is None else str(row[0])
