"""Find out, when the service starts, what the last one left behind."""

import json
from pathlib import Path

from labctl.core.items import ItemState, QueueItem
from labctl.service.daemon.owner import run_of
from labctl.service.queue import rows, turns
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue

EPOCH = "epoch"
CUT = "the service ended without notice; look at the table, then approve the interrupted item"


def adopt_runs(database: StationDatabase, data: Path) -> None:
    """Name the runs of the items that were running, where the last service did not come to it.

    Call it before the first `Queue` on the database, which interrupts these items.
    """
    with database.transaction() as db:
        found = db.execute(
            "SELECT body FROM items WHERE state IN ('running', 'paused') AND kind='run'"
        ).fetchall()
        for (body,) in found:
            item = rows.item_of(body)
            run = run_of(data, item.id)
            if run and run not in item.runs:
                turns.attach_run(db, item.id, run)


def recovered(queue: Queue) -> list[QueueItem]:
    """Return the items that were cut; the queue is held if a person has to decide on one."""
    items = [queue.get(item_id) for item_id in queue.recovered]
    if any(item.state in (ItemState.INTERRUPTED, ItemState.QUARANTINED) and not resumes_alone(item)
           for item in items):  # fmt: skip
        queue.hold(CUT)
    return items


def resumes_alone(item: QueueItem) -> bool:
    """Tell whether an interrupted item goes on without a person."""
    return item.state is ItemState.INTERRUPTED and item.conditions.on_recovery == "resume"


def next_epoch(database: StationDatabase) -> int:
    """Return a number that no process at this table has had."""
    with database.transaction() as db:
        row = db.execute("SELECT value FROM settings WHERE name=?", (EPOCH,)).fetchone()
        epoch = int(json.loads(row[0])) + 1 if row else 1
        db.execute(
            "INSERT OR REPLACE INTO settings(name, value) VALUES (?,?)", (EPOCH, json.dumps(epoch))
        )
    return epoch
