"""Remember how items were before each edit, so that every edit can be undone, also later."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from labctl.core.errors import UsageError
from labctl.core.items import ItemId, ItemState, QueueItem
from labctl.service.queue import rows

KEPT = 200
"""Edits that can be undone."""

_CONTENT = ("kind", "procedure", "parameters", "label", "conditions", "estimate_s", "points")


@dataclass(frozen=True, slots=True)
class Image:
    """Hold an item before an edit; without `body`, only its position was changed."""

    position: int
    body: str | None = None


Images = Mapping[ItemId, Image | None]
"""None stands for an item that the edit added."""


@dataclass(frozen=True, slots=True)
class Undone:
    """Say which edit was taken back: its command, its time, the items that are as before.

    Items in `kept` had begun or ended in the meantime; they were left as they are.
    """

    command: str
    utc: str
    items: tuple[ItemId, ...]
    kept: tuple[ItemId, ...] = ()

    @property
    def summary(self) -> str:
        """Return one line for people."""
        kept = f"; {len(self.kept)} left alone, because they have begun" if self.kept else ""
        return f"undone: {self.command}, {len(self.items)} items as before{kept}"


def image_of(db: sqlite3.Connection, item_id: ItemId) -> Image:
    """Return how an item is now."""
    row = db.execute("SELECT position, body FROM items WHERE id=?", (item_id,)).fetchone()
    return Image(int(row[0]), str(row[1]))


def positions_only(before: Mapping[ItemId, int]) -> dict[ItemId, Image | None]:
    """Return images of items of which only the positions changed."""
    return {item_id: Image(position) for item_id, position in before.items()}


def remember(db: sqlite3.Connection, utc: str, command: str, images: Images) -> None:
    """Add an edit to the log, and forget the oldest ones."""
    plain = {
        item_id: None if image is None else [image.position, image.body]
        for item_id, image in images.items()
    }
    cursor = db.execute(
        "INSERT INTO edits(utc, command, images) VALUES (?,?,?)", (utc, command, json.dumps(plain))
    )
    db.execute("DELETE FROM edits WHERE number <= ?", ((cursor.lastrowid or 0) - KEPT,))


def undo_last(db: sqlite3.Connection) -> Undone:
    """Take the last edit back; what has begun or ended since is left as it is.

    Raises
    ------
    UsageError
        If there is nothing to undo.
    """
    row = db.execute(
        "SELECT number, utc, command, images FROM edits ORDER BY number DESC LIMIT 1"
    ).fetchone()
    if row is None:
        raise UsageError("there is nothing to undo")
    number, utc, command, text = row
    restored: list[ItemId] = []
    kept: list[ItemId] = []
    for item_id, plain in json.loads(text).items():
        image = None if plain is None else Image(*plain)
        (restored if _restore(db, item_id, image) else kept).append(item_id)
    db.execute("DELETE FROM edits WHERE number=?", (number,))
    return Undone(command, utc, tuple(restored), tuple(kept))


def _restore(db: sqlite3.Connection, item_id: ItemId, image: Image | None) -> bool:
    """Make an item what it was; returns False if it has begun since."""
    row = db.execute("SELECT body FROM items WHERE id=?", (item_id,)).fetchone()
    present = None if row is None else rows.item_of(row[0])
    if image is None:
        return present is None or _delete_if_unused(db, present)
    db.execute("UPDATE items SET position=? WHERE id=?", (image.position, item_id))
    if image.body is None:
        return True
    before = rows.item_of(image.body)
    if present is None:
        rows.insert(db, [(before, image.position)])
        return True
    if present.state in (ItemState.RUNNING, ItemState.PAUSED):
        return False
    if present.attempts == before.attempts:
        rows.update(db, before, image.position)
        return True
    if present.state is not ItemState.WAITING:
        return False
    # it has been tried since and waits again: its history stays, what it asks for goes back
    content = {name: getattr(before, name) for name in _CONTENT}
    rows.update(db, present.model_copy(update=content), image.position)
    return True


def _delete_if_unused(db: sqlite3.Connection, item: QueueItem) -> bool:
    if item.attempts or item.state in (ItemState.RUNNING, ItemState.PAUSED):
        return False
    db.execute("DELETE FROM items WHERE id=?", (item.id,))
    return True
