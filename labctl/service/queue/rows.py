"""Turn items into rows of the table `items`, and back."""

import contextlib
import gc
import math
import sqlite3
from collections.abc import Iterable, Iterator

from pydantic import ValidationError

from labctl.core.errors import StorageError, UsageError
from labctl.core.items import ItemState, QueueItem
from labctl.service.queue.conditions import Entry, Standing, entry_of, is_claimable

_COLUMNS = "id, position, kind, state, claimable, ready_s, deadline_s, after_id, only_if, body"
_INSERT = f"INSERT INTO items({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)"  # noqa: S608
_UPDATE = (
    "UPDATE items SET id=?1, position=?2, kind=?3, state=?4, claimable=?5, ready_s=?6, "
    "deadline_s=?7, after_id=?8, only_if=?9, body=?10 WHERE id=?1"
)
CLAIMABLE = (
    "SELECT id, position, kind, ready_s, deadline_s, after_id, only_if FROM items "
    "WHERE claimable = 1 ORDER BY position, number"
)
"""The query of the claim; it must be answered from the index of the claimable items."""


def body_of(item: QueueItem) -> str:
    """Return an item as it is stored; defaults are left out."""
    return item.model_dump_json(exclude_defaults=True)


def item_of(body: str) -> QueueItem:
    """Return a stored item; raises `StorageError` if it is damaged."""
    try:
        return QueueItem.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise StorageError(
            f"the station database holds a damaged queue item: "
            f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}, in {body[:100]!r}",
            remedy="move the file away and import the queue from an export; runs are not in it",
        ) from None


@contextlib.contextmanager
def many_objects() -> Iterator[None]:
    """Put off the collection of cycles while thousands of items are made: it costs most of it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def insert(db: sqlite3.Connection, rows: Iterable[tuple[QueueItem, int]]) -> list[str]:
    """Store new items at their positions; returns what is stored of each."""
    stored = [_row(item, position) for item, position in rows]
    db.executemany(_INSERT, stored)
    return [str(row[-1]) for row in stored]


def update(db: sqlite3.Connection, item: QueueItem, position: int | None = None) -> None:
    """Replace a stored item; without `position` it stays where it is."""
    if position is None:
        position = position_of(db, item.id)
    db.execute(_UPDATE, _row(item, position))


def fetch(db: sqlite3.Connection, item_id: str) -> QueueItem:
    """Return an item; raises `UsageError` if there is none."""
    row = db.execute("SELECT body FROM items WHERE id=?", (item_id,)).fetchone()
    if row is None:
        raise UsageError(
            f"the queue has no item {item_id!r}", remedy="'labctl queue list' shows the items"
        )
    return item_of(row[0])


def position_of(db: sqlite3.Connection, item_id: str) -> int:
    """Return where an item stands; raises `UsageError` if there is none."""
    row = db.execute("SELECT position FROM items WHERE id=?", (item_id,)).fetchone()
    if row is None:
        raise UsageError(f"the queue has no item {item_id!r}")
    return int(row[0])


def claimable_entries(db: sqlite3.Connection) -> Iterator[Entry]:
    """Yield the items that need nobody's permission to start, in order."""
    for item_id, position, kind, ready_s, deadline_s, after, only_if in db.execute(CLAIMABLE):
        yield Entry(
            item_id,
            position,
            kind == "pause",
            -math.inf if ready_s is None else ready_s,
            math.inf if deadline_s is None else deadline_s,
            after,
            only_if,
        )


def standing_of(db: sqlite3.Connection, item_id: str) -> Standing | None:
    """Return state and position of an item, or None if it is gone."""
    row = db.execute("SELECT state, position FROM items WHERE id=?", (item_id,)).fetchone()
    return None if row is None else Standing(ItemState(row[0]), int(row[1]))


def _row(item: QueueItem, position: int) -> tuple[object, ...]:
    entry = entry_of(item, position)
    return (
        item.id,
        position,
        item.kind,
        item.state.value,
        int(is_claimable(item)),
        _finite(entry.ready_s),
        _finite(entry.deadline_s),
        entry.after,
        entry.only_if,
        body_of(item),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
