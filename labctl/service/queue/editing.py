"""Edit the queue of a station while it runs; every edit is durable and can be undone."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from labctl.core.clock import Clock
from labctl.core.errors import UsageError
from labctl.core.items import ItemId, ItemState, QueueItem, new_item_id
from labctl.service.queue import edits, guards, rows, turns
from labctl.service.queue.conditions import has_ended
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.edits import Images, Undone
from labctl.service.queue.examination import Examined, Examiner
from labctl.service.queue.positions import find_places

Items = list[QueueItem]


class EditableQueue:
    """Hold the items of a station in the order in which they run; see `Queue`."""

    def __init__(
        self, database: StationDatabase, clock: Clock, examine: Examiner | None = None
    ) -> None:
        self.database = database
        self._clock = clock
        self._examine = examine
        self._parsed: dict[ItemId, tuple[str, QueueItem]] = {}

    # ---- Looking ---------------------------------------------------------------------------

    def list(self, states: Collection[ItemState] = ()) -> Items:
        """Return the items in order; with `states`, only those in one of them."""
        with self.database.reading() as db, rows.many_objects():
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

    def add(self, items: Sequence[QueueItem], at: int | None = None) -> Items:
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
        with rows.many_objects():
            added = [
                item.model_copy(update={"added_utc": stamp} | self._estimate(one))
                for item, one in zip(items, found, strict=True)
            ]
            self._insert(added, at, f"add {_count(added)}")
        return added

    def insert_pause(self, at: int | None = None, label: str = "") -> QueueItem:
        """Insert a pause for the operator in front of the waiting item number `at`."""
        pause = guards.checked(QueueItem, {"id": new_item_id(), "kind": "pause", "label": label})
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
            after = after.model_copy(update=self._estimate(one))
        with self.database.transaction() as db:
            guards.check_unchanged(rows.fetch(db, item_id), before)
            guards.check_after(db, [after])
            images: Images = {item_id: edits.image_of(db, item_id)}
            rows.update(db, after)
            self._remember(db, f"edit {after.summary}", images)
        return after

    def move(self, ids: Sequence[ItemId], to: int) -> Items:
        """Put waiting items, in the given order, in front of the waiting item number `to`.

        Items count from 0, without those that move; a number beyond the last is the end.
        """
        ids = tuple(dict.fromkeys(ids))
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

    def remove(self, ids: Sequence[ItemId]) -> Items:
        """Remove items that do not run, all or none; returns them."""
        with self.database.transaction() as db:
            items = [rows.fetch(db, item_id) for item_id in dict.fromkeys(ids)]
            self._remove(db, items, f"remove {_count(items)}")
        return items

    def clear(self, *, ended: bool = False) -> Items:
        """Remove all waiting items, and with `ended` also those that have ended.

        Interrupted items stay: they wait for a decision.
        """
        with self.database.transaction() as db:
            items = [
                item
                for item in self.list()
                if item.state is ItemState.WAITING or (ended and has_ended(item.state))
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

    # ---- What the edits share --------------------------------------------------------------

    def _estimate(self, found: Examined) -> dict[str, float | None]:
        if self._examine is None:
            return {}
        return {"estimate_s": found.estimate_s, "points": found.points}

    def _insert(self, items: Items, at: int | None, command: str) -> None:
        with self.database.transaction() as db:
            known = {row[0] for row in db.execute("SELECT id FROM items")}
            for item in items:
                if item.id in known:
                    raise UsageError(
                        f"item {item.id} ({item.summary}) is in the queue already",
                        remedy="duplicate it instead",
                    )
            guards.check_after(db, items)
            places = find_places(db, len(items), at)
            bodies = rows.insert(db, zip(items, places.positions, strict=True))
            images = edits.positions_only(places.before)
            self._remember(db, command, images | dict.fromkeys(item.id for item in items))
            for item, body in zip(items, bodies, strict=True):
                self._parsed[item.id] = (body, item)

    def _remove(self, db: sqlite3.Connection, items: Items, command: str) -> None:
        guards.check_removable(db, items)
        images = {item.id: edits.image_of(db, item.id) for item in items}
        db.executemany("DELETE FROM items WHERE id=?", [(item.id,) for item in items])
        self._remember(db, command, images)

    def _remember(self, db: sqlite3.Connection, command: str, images: Images) -> None:
        if images:
            edits.remember(db, self._clock.utc().isoformat(), command, images)

    def _item(self, item_id: ItemId, body: str) -> QueueItem:
        """Return a stored item; it is parsed again only if it changed."""
        known = self._parsed.get(item_id)
        if known is None or known[0] != body:
            known = self._parsed[item_id] = (body, rows.item_of(body))
        return known[1]


def _count(items: Sequence[QueueItem]) -> str:
    return items[0].summary if len(items) == 1 else f"{len(items)} items"
