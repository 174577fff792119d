"""Say in one word what a station does, and how its queue stands."""

from typing import TYPE_CHECKING

from labctl.core.status import QueueStatus, StationState
from labctl.service.daemon.desk import RunDesk
from labctl.service.queue.database import StationDatabase

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor

COUNT_S = 0.2
_ENGINE = frozenset({"pausing", "paused", "stopping", "aborting"})


def state_of(desk: RunDesk, failure: str, is_ending: bool, held: QueueStatus) -> StationState:
    """Return the state of the station."""
    if failure:
        return StationState.FAILED
    if desk.worker is not None:
        if desk.intent in ("abort", "pause_now", "suspend"):
            return StationState.ABORTING
        if is_ending or desk.intent in ("stop", "close"):
            return StationState.STOPPING
        return StationState(desk.state if desk.state in _ENGINE else "running")
    if desk.item is not None:
        return StationState.PAUSED if desk.is_waiting else StationState.RUNNING
    return StationState.PAUSED if held.paused and held.next_item else StationState.IDLE


def queue_status(database: StationDatabase, held: str) -> QueueStatus:
    """Count the items; what is left is unknown if one that waits has no estimate."""
    with database.reading() as db:
        counts = dict(db.execute("SELECT state, count(*) FROM items GROUP BY state").fetchall())
        first = db.execute(
            "SELECT id FROM items WHERE claimable=1 ORDER BY position, number LIMIT 1"
        ).fetchone()
        left_s, unknown = db.execute(
            "SELECT total(estimate), count(*) - count(estimate) FROM (SELECT CASE kind WHEN"
            " 'pause' THEN 0 ELSE json_extract(body, '$.estimate_s') END AS estimate"
            " FROM items WHERE claimable=1)"
        ).fetchone()
        revision = database.revision
    return QueueStatus(
        active=not held,
        paused=bool(held),
        reason=held,
        counts=counts,
        left_s=None if unknown else left_s,
        next_item="" if first is None else first[0],
        revision=revision,
    )


class Announcer:
    """Publish the state of the station and of its queue when they change."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self._counted_s = 0.0
        self._queue: QueueStatus | None = None
        self._seen: tuple[object, ...] = ()

    def announce(self, now_s: float) -> None:
        """Publish what has changed; the items are counted only so often."""
        s, board = self._s, self._s.board
        known = -1 if self._queue is None else self._queue.revision
        if now_s - self._counted_s > COUNT_S and s.database.revision != known:
            self._counted_s = now_s
            before, self._queue = self._queue, queue_status(s.database, s.queue.held)
            board.queue = self._queue
            same = {"revision": self._queue.revision}
            if before is None or before.model_copy(update=same) != self._queue:
                s.bus.publish("queue", self._queue.model_dump(mode="json"))
        board.state = state_of(s.desk, s.safety.failure, s.is_ending, board.queue)
        of_run = board.run.status.reason if board.run else board.queue.reason
        board.reason = s.safety.failure or of_run
        seen = (board.state, board.reason, board.safety.confirmed, board.interactive, board.live)
        if seen != self._seen:
            self._seen = seen
            names = ("state", "reason", "confirmed", "interactive", "live")
            s.bus.publish("state", dict(zip(names, seen, strict=True)))
