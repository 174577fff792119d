"""Give items their places: numbers with gaps, so that a move touches only what is moved."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field

from labctl.core.errors import UsageError
from labctl.core.items import ItemState

GAP = 1 << 20
"""Distance between neighbours; it can be halved twenty times before all are numbered anew."""


@dataclass(frozen=True, slots=True)
class Places:
    """Hold positions for some items; `before` has the old ones of items numbered anew."""

    positions: list[int]
    before: dict[str, int] = field(default_factory=dict)


def find_places(
    db: sqlite3.Connection, count: int, to: int | None, moving: Collection[str] = ()
) -> Places:
    """Return `count` positions in front of the waiting item number `to`, or at the end.

    Items in `moving` do not count. Where the gap is too small, all other items are numbered
    anew.

    Raises
    ------
    UsageError
        If `to` is negative.
    """
    if to is not None and to < 0:
        raise UsageError(f"place {to}: the first place is 0")
    others = [row for row in _in_order(db) if row[0] not in moving]
    index = _index_of_waiting(others, to)
    left = others[index - 1][1] if index else None
    right = others[index][1] if index < len(others) else None
    if right is None:
        start = left or 0
        return Places([start + GAP * (number + 1) for number in range(count)])
    if left is None:
        return Places([right - GAP * (count - number) for number in range(count)])
    step = (right - left) // (count + 1)
    if step >= 1:
        return Places([left + step * (number + 1) for number in range(count)])
    return _number_anew(db, others, index, count)


def _in_order(db: sqlite3.Connection) -> list[tuple[str, int, str]]:
    return db.execute("SELECT id, position, state FROM items ORDER BY position, number").fetchall()


def _index_of_waiting(rows: list[tuple[str, int, str]], to: int | None) -> int:
    if to is None:
        return len(rows)
    waiting = [index for index, row in enumerate(rows) if row[2] == ItemState.WAITING]
    return waiting[to] if to < len(waiting) else len(rows)


def _number_anew(
    db: sqlite3.Connection, rows: list[tuple[str, int, str]], index: int, count: int
) -> Places:
    places = [GAP * (number + 1 + (count if number >= index else 0)) for number in range(len(rows))]
    db.executemany(
        "UPDATE items SET position=? WHERE id=?",
        ((place, row[0]) for place, row in zip(places, rows, strict=True)),
    )
    free = [GAP * (index + 1 + number) for number in range(count)]
    return Places(free, {row[0]: row[1] for row in rows})
