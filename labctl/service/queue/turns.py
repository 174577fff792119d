"""Let items take their turn: claim, finish, interrupt, recover. Each is one transaction."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta

from labctl.core.errors import UsageError
from labctl.core.items import ItemId, ItemState, QueueItem
from labctl.service.queue import rows
from labctl.service.queue.conditions import Choice, choose
from labctl.service.queue.examination import Examined

MOST_CRASHES = 2
"""An item that has ended its worker so often is put into quarantine."""

ACTIVE = (ItemState.RUNNING, ItemState.PAUSED)


@dataclass(frozen=True, slots=True)
class Ending:
    """Say how an attempt at an item ended.

    `duration_s` is what it took without pauses, if known; `retry_in_s` puts the item back into
    the queue, to be tried again after that time. `points` replaces the estimate of how many points
    the item has; None leaves it.
    """

    state: ItemState
    run: str = ""
    reason: str = ""
    duration_s: float | None = None
    retry_in_s: float | None = None
    points: int | None = None


def next_choice(db: sqlite3.Connection, now_utc: datetime) -> Choice:
    """Return what may start now; nothing may while an item is running."""
    active = db.execute("SELECT 1 FROM items WHERE state IN ('running', 'paused')").fetchone()
    if active is not None:
        return Choice()
    entries = rows.claimable_entries(db)
    return choose(entries, now_utc.timestamp(), lambda item_id: rows.standing_of(db, item_id))


def apply_skips(db: sqlite3.Connection, choice: Choice, now_utc: datetime) -> None:
    """Mark the items that can never run."""
    for item_id, reason in choice.skips.items():
        _end(db, rows.fetch(db, item_id), ItemState.SKIPPED, reason, now_utc)


def refuse(db: sqlite3.Connection, item: QueueItem, reason: str, now_utc: datetime) -> None:
    """Mark an item that failed its examination when it was to start."""
    _end(db, item, ItemState.FAILED, f"refused when it was to start: {reason}", now_utc)


def start(
    db: sqlite3.Connection, item: QueueItem, examined: Examined, now_utc: datetime
) -> QueueItem:
    """Begin an attempt; a pause for the operator is entered instead."""
    stamp = now_utc.isoformat()
    pause = item.kind == "pause"
    changes: dict[str, object] = {
        "state": ItemState.PAUSED if pause else ItemState.RUNNING,
        "attempts": item.attempts + 1,
        "started_utc": stamp,
        "ended_utc": "",
        "reason": "",
        "ready_utc": "",
    }
    if examined.estimate_s is not None:
        changes |= {"estimate_s": examined.estimate_s, "points": examined.points}
    started = item.model_copy(update=changes)
    rows.update(db, started)
    db.execute(
        "INSERT INTO runs(item, attempt, procedure, run, state, predicted_s, started_utc) "
        "VALUES (?,?,?,?,?,?,?)",
        (item.id, started.attempts, item.procedure, item.resumes, started.state.value,
         started.estimate_s, stamp),
    )  # fmt: skip
    return started


def attach_run(db: sqlite3.Connection, item_id: ItemId, run: str) -> QueueItem:
    """Store which run an attempt writes, so that it can be found after a crash.

    Raises
    ------
    UsageError
        If the item is not running.
    """
    item = _active(db, item_id)
    named = item.model_copy(update={"runs": _with(item.runs, run)})
    rows.update(db, named)
    db.execute("UPDATE runs SET run=? WHERE item=? AND attempt=?", (run, item_id, item.attempts))
    return named


def change_state(db: sqlite3.Connection, item_id: ItemId, state: ItemState) -> QueueItem:
    """Store that the run of an item pauses or goes on.

    Raises
    ------
    UsageError
        If the item is not running, or the state is another one.
    """
    if state not in ACTIVE:
        raise UsageError(f"an item is {state} only by finish()")
    changed = _active(db, item_id).model_copy(update={"state": state})
    rows.update(db, changed)
    return changed


def finish(db: sqlite3.Connection, item_id: ItemId, ending: Ending, now_utc: datetime) -> QueueItem:
    """End the attempt that an item is in.

    Raises
    ------
    UsageError
        If the item is not running, or `state` is no end.
    """
    if not ending.state.is_end:
        raise UsageError(f"{ending.state} is no end of an item")
    item = _active(db, item_id)
    if ending.run:
        item = item.model_copy(update={"runs": _with(item.runs, ending.run)})
    if ending.points is not None:
        item = item.model_copy(update={"points": ending.points})
    _close_attempt(db, item, ending, now_utc)
    if ending.state is ItemState.INTERRUPTED:
        return _interrupt(db, item, ending.reason, now_utc)
    if ending.retry_in_s is not None:
        ready = now_utc + timedelta(seconds=ending.retry_in_s)
        return _change(
            db, item, state=ItemState.WAITING, reason=ending.reason, resumes="",
            ready_utc=ready.isoformat(), ended_utc=now_utc.isoformat(),
        )  # fmt: skip
    return _end(db, item, ending.state, ending.reason, now_utc)


def recover(db: sqlite3.Connection, now_utc: datetime) -> list[ItemId]:
    """Interrupt whatever was running when the last process ended; returns these items."""
    found = db.execute(
        "SELECT body FROM items WHERE state IN ('running', 'paused') ORDER BY position, number"
    ).fetchall()
    reason = "the process that ran it ended without notice"
    for (body,) in found:
        item = rows.item_of(body)
        _close_attempt(db, item, Ending(ItemState.INTERRUPTED, reason=reason), now_utc)
        if item.kind == "pause":
            _change(db, item, state=ItemState.WAITING)
        else:
            _interrupt(db, item, reason, now_utc)
    return [rows.item_of(body).id for (body,) in found]


def _interrupt(
    db: sqlite3.Connection, item: QueueItem, reason: str, now_utc: datetime
) -> QueueItem:
    crashes = item.crashes + 1
    item = item.model_copy(
        update={"crashes": crashes, "resumes": item.runs[-1] if item.runs else ""}
    )
    if crashes >= MOST_CRASHES:
        told = f"interrupted {crashes} times, last: {reason}; look into it, then requeue it"
        return _end(db, item, ItemState.QUARANTINED, told, now_utc)
    if item.conditions.on_recovery == "skip":
        return _end(db, item, ItemState.SKIPPED, f"not resumed by its policy: {reason}", now_utc)
    return _end(db, item, ItemState.INTERRUPTED, reason, now_utc)


def _close_attempt(
    db: sqlite3.Connection, item: QueueItem, ending: Ending, now_utc: datetime
) -> None:
    duration_s = ending.duration_s
    if duration_s is None and item.started_utc:
        duration_s = (now_utc - datetime.fromisoformat(item.started_utc)).total_seconds()
    db.execute(
        "UPDATE runs SET state=?, reason=?, actual_s=?, ended_utc=?, "
        "run=CASE WHEN ?='' THEN run ELSE ? END WHERE item=? AND attempt=?",
        (ending.state.value, storable(ending.reason), duration_s, now_utc.isoformat(),
         ending.run, ending.run, item.id, item.attempts),
    )  # fmt: skip


def _end(
    db: sqlite3.Connection, item: QueueItem, state: ItemState, reason: str, now_utc: datetime
) -> QueueItem:
    return _change(db, item, state=state, reason=reason, ended_utc=now_utc.isoformat())


def _change(db: sqlite3.Connection, item: QueueItem, **changes: object) -> QueueItem:
    if "reason" in changes:
        changes["reason"] = storable(str(changes["reason"]))
    changed = item.model_copy(update=changes)
    rows.update(db, changed)
    return changed


def _active(db: sqlite3.Connection, item_id: ItemId) -> QueueItem:
    item = rows.fetch(db, item_id)
    if item.state not in ACTIVE:
        raise UsageError(f"item {item_id} ({item.summary}) is not running: it is {item.state}")
    return item


def _with(runs: tuple[str, ...], run: str) -> tuple[str, ...]:
    return runs if run in runs else (*runs, run)


def storable(text: str) -> str:
    """Return a text without half characters, which messages of the system may hold."""
    return text.encode("utf-8", "replace").decode()
