"""Keep the queue of a station: durable, editable while it runs, one item at a time."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from labctl.core.clock import Clock
from labctl.core.items import ItemId, ItemState, QueueItem, new_item_id
from labctl.service.queue import edits, guards, rows, turns
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.edits import Images, Undone
from labctl.service.queue.examination import Examined, Examiner
from labctl.service.queue.positions import find_places
from labctl.service.queue.turns import Ending

_HOLD = "hold"


class Queue:
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
    """

    def __init__(
        self, database: StationDatabase, clock: Clock, examine: Examiner | None = None
    ) -> None:
        self.database = database
        self._clock = clock
        self._examine = examine
        self._parsed: dict[ItemId, tuple[str, QueueItem]] = {}
        self.recovered: Sequence[ItemId] = ()
        if database.take_recovery():
            with database.transaction() as db:
                self.recovered = turns.recover(db, clock.utc())

    # ---- Looking ---------------------------------------------------------------------------

    def list(self, states: Collection[ItemState] = ()) -> list[QueueItem]:
        """Return the items in order; with `states`, only those in one of them."""
        with self.database.reading() as db:
            found = db.execute("SELECT id, body FROM items ORDER BY position, number").fetchall()
            items = [self._item(item_id, body) for item_id, body in found]
            if len(self._parsed) > 2 * len(items) + 100:
                self._parsed = {item.id: self._parsed[item.id] for item in items}
        return [item for item in items if not states or item.state in states]

    def get(self, item_id: ItemId) -> QueueItem:
        """Return an item; raises `UsageError` if there is none."""
        with self.database.reading() as db:
            return rows.fetch(db, item_id)

    def next_start_utc(self) -> datetime | None:
        """Return when an item becomes ready by itself that is not ready now, or None."""
        with self.database.reading() as db:
            choice = turns.next_choice(db, self._clock.utc())
        if choice.entry is not None or choice.next_s is None:
            return None
        return datetime.fromtimestamp(choice.next_s, UTC)

    # ---- Editing: all of these can be undone -----------------------------------------------

    def add(self, items: Sequence[QueueItem], at: int | None = None) -> list[QueueItem]:
        """Add items, all or none, in front of the waiting item number `at` or at the end.

        Raises
        ------
        UsageError
            If an item is in no state to be added, known already, waits for an unknown one, or
            does not pass its examination; every wrong one is named.
        """
        guards.check_new(items)
        stamp = self._clock.utc().isoformat()
        found = guards.examine_all(items, self._examine)
        added = [
            item.model_copy(
                update={
                    "added_utc": stamp,
                    "estimate_s": one.estimate_s if self._examine else item.estimate_s,
                    "points": one.points if self._examine else item.points,
                }
            )
            for item, one in zip(items, found, strict=True)
        ]
        self._insert(added, at, f"add {_count(added)}")
        return added

    def insert_pause(self, at: int | None = None, label: str = "") -> QueueItem:
        """Insert a pause for the operator in front of the waiting item number `at`."""
        pause = guards.checked_item({"id": new_item_id(), "kind": "pause", "label": label})
        return self.add([pause], at)[0]

    def edit(self, item_id: ItemId, **changes: Any) -> QueueItem:
        """Change `procedure`, `parameters`, `label` or `conditions` of a waiting item.

        `parameters` and `conditions` replace the old ones as a whole.

        Raises
        ------
        UsageError
            If the item runs or has ended, a change is unknown, or the item would not pass its
            examination.
        """
        before = self.get(item_id)
        after = guards.changed(before, changes)
        if self._examine is not None:
            (one,) = guards.examine_all([after], self._examine)
            found = {"estimate_s": one.estimate_s, "points": one.points}
            after = after.model_copy(update=found)
        with self.database.transaction() as db:
            guards.check_unchanged(rows.fetch(db, item_id), before)
            guards.check_after(db, [after])
            images: Images = {item_id: edits.image_of(db, item_id)}
            rows.update(db, after)
            self._remember(db, f"edit {after.summary}", images)
        return after

    def move(self, ids: Sequence[ItemId], to: int) -> list[QueueItem]:
        """Put waiting items, in the given order, in front of the waiting item number `to`.

        Items count from 0, without those that move; a number beyond the last is the end.
        """
        ids = list(dict.fromkeys(ids))
        with self.database.transaction() as db:
            items = [rows.fetch(db, item_id) for item_id in ids]
            guards.check_editable(items, "moved")
            before = {item_id: rows.position_of(db, item_id) for item_id in ids}
            places = find_places(db, len(ids), to, ids)
            db.executemany(
                "UPDATE items SET position=? WHERE id=?",
                zip(places.positions, ids, strict=True),
            )
            self._remember(
                db, f"move {_count(items)}", edits.positions_only(places.before | before)
            )
        return items

    def duplicate(self, item_id: ItemId) -> QueueItem:
        """Add a copy of an item behind it, or at the end if it does not wait any more."""
        item = self.get(item_id)
        copy = guards.fresh_copy(item, self._clock.utc())
        waiting = [one.id for one in self.list((ItemState.WAITING,))]
        at = waiting.index(item_id) + 1 if item_id in waiting else None
        self._insert([copy], at, f"duplicate {item.summary}")
        return copy

    def remove(self, ids: Sequence[ItemId]) -> list[QueueItem]:
        """Remove items that do not run, all or none; returns them."""
        with self.database.transaction() as db:
            items = [rows.fetch(db, item_id) for item_id in dict.fromkeys(ids)]
            self._remove(db, items, f"remove {_count(items)}")
        return items

    def clear(self, *, ended: bool = False) -> list[QueueItem]:
        """Remove all waiting items, and with `ended` also those that have ended."""
        with self.database.transaction() as db:
            items = [
                item
                for item in self.list()
                if item.state is ItemState.WAITING or (ended and item.state.is_end)
            ]
            self._remove(db, items, f"clear {_count(items)}")
        return items

    def requeue(
        self, item_id: ItemId, *, resume: bool | None = None, wait_s: float = 0.0
    ) -> QueueItem:
        """Let an item that has ended, was interrupted or is in quarantine run again.

        Parameters
        ----------
        resume
            Go on with its last run instead of starting a new one; by default only if that run
            was interrupted.
        wait_s
            Pause before the attempt, in s.

        Raises
        ------
        UsageError
            If the item waits, runs or has finished, or there is no run to go on with.
        """
        with self.database.transaction() as db:
            item = rows.fetch(db, item_id)
            again = guards.requeued(item, resume, wait_s, self._clock.utc())
            images: Images = {item_id: edits.image_of(db, item_id)}
            rows.update(db, again)
            self._remember(db, f"requeue {item.summary}", images)
        return again

    def undo(self) -> Undone:
        """Take the last edit back, also one before the last restart; repeat for more.

        Items that have begun since are left as they are, and named.
        """
        with self.database.transaction() as db:
            return edits.undo_last(db)

    # ---- Running ---------------------------------------------------------------------------

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
    ) -> QueueItem:
        """End the attempt of a running item, or a pause; see `Ending` for the arguments.

        `ItemState.INTERRUPTED` means that its worker died: the item's `on_recovery` decides,
        and the second time it is put into quarantine.
        """
        ending = Ending(state, run, reason, duration_s, retry_in_s)
        with self.database.transaction() as db:
            return turns.finish(db, item_id, ending, self._clock.utc())

    @property
    def held(self) -> str:
        """Return why nothing starts, or an empty string."""
        with self.database.reading() as db:
            row = db.execute("SELECT value FROM settings WHERE name=?", (_HOLD,)).fetchone()
        return "" if row is None else str(row[0])

    def hold(self, reason: str) -> None:
        """Start nothing more until `release`, also after a restart."""
        with self.database.transaction() as db:
            self._set_hold(db, reason or "held by the operator")

    def release(self) -> None:
        """Let items start again after `hold`."""
        with self.database.transaction() as db:
            db.execute("DELETE FROM settings WHERE name=?", (_HOLD,))
