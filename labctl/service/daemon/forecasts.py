"""Find out how long the items take that were added while the table was closed."""

import sqlite3
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from itertools import islice
from typing import TYPE_CHECKING, Any

from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError
from labctl.core.items import ItemId, QueueItem
from labctl.service.daemon.hands import Answer
from labctl.service.queue import rows
from labctl.service.queue.content import canonical_json

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor

PAUSE_S = 0.2
"""Between two steps: the table is read, and used by hand, meanwhile."""
MOST_ITEMS = 50
"""Items that one step deals with."""
_UNKNOWN = (
    "SELECT id FROM items WHERE claimable=1 AND kind='run'"
    " AND json_extract(body, '$.estimate_s') IS NULL ORDER BY position, number"
)


class Forecasts:
    """Estimate the waiting items that have no estimate, while the table is open by hand.

    Used by the supervisor's thread only, which never waits for it: one plan at a time is walked
    through, and equal ones once for each opening of the table.
    """

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self._wall = RealClock()
        self._stepped_s = 0.0
        self._asked: tuple[str, Answer] | None = None
        self._known: dict[str, Mapping[str, Any] | None] = {}
        self._due: deque[ItemId] = deque()
        self._revision = -1

    def go_on(self) -> None:
        """Take the next step, if nobody uses the table and there is one."""
        if not self._s.board.interactive:
            self._forget()
            return
        now_s = self._wall.monotonic_s()
        if not self._s.hands.is_free or now_s - self._stepped_s < PAUSE_S:
            return
        self._stepped_s = now_s
        if self._asked is not None:
            key, answer = self._asked
            self._known[key] = _found(answer)
            self._asked = None
        self._look()
        if self._due:
            with self._s.database.transaction() as db:
                self._work_off(db)

    def _forget(self) -> None:
        self._asked, self._revision = None, -1
        self._known.clear()
        self._due.clear()

    def _look(self) -> None:
        """Look for items without an estimate, if the queue is another one."""
        database = self._s.database
        if not self._due and database.revision != self._revision:
            self._revision = database.revision
            with database.reading() as db:
                self._due.extend(str(row[0]) for row in db.execute(_UNKNOWN))

    def _work_off(self, db: sqlite3.Connection) -> None:
        """Store what is known, and ask for the first thing that is not."""
        for item_id in tuple(islice(self._due, MOST_ITEMS)):
            item = _waiting(db, item_id)
            if item is not None:
                key = canonical_json([item.procedure, item.parameters])
                if key not in self._known:
                    self._ask(key, item)
                    return
                known = self._known[key]
                if known is not None:
                    rows.update(db, item.model_copy(update=known))
            self._due.popleft()

    def _ask(self, key: str, item: QueueItem) -> None:
        answer: Answer = Future()
        fields = {"procedure": item.procedure, "values": item.parameters}
        self._s.hands.ask(answer, "estimate", fields)
        self._asked = (key, answer)


def _waiting(db: sqlite3.Connection, item_id: ItemId) -> QueueItem | None:
    """Return an item, or None if it does not wait any more."""
    row = db.execute("SELECT body FROM items WHERE id=? AND claimable=1", (item_id,)).fetchone()
    return None if row is None else rows.item_of(row[0])


def _found(answer: Answer) -> Mapping[str, Any] | None:
    """Return what an item is to be given; None if that cannot be told before it runs."""
    try:
        fields = answer.result(0.0).fields
    except (LabctlError, TimeoutError):
        return None
    if fields["total_s"] is None or fields["violations"]:
        return None
    return {"estimate_s": fields["total_s"], "points": fields["points"]}
