"""Change a queue at random in a process of its own, which the tests kill."""

import json
import os
import random
from pathlib import Path

from queue_items import make_item

from labctl.core.clock import RealClock
from labctl.core.items import ItemState
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue

MOST = 30


def work(root: Path, seed: int, ready) -> None:
    """Write to a log what is about to be done, do it, write that it was acknowledged."""
    ready.set()
    log = os.open(root / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(**step) -> None:
        os.write(log, (json.dumps(step) + "\n").encode())

    tell(op="recover")
    queue = Queue(StationDatabase(root / "station.sqlite"), RealClock())
    tell(op="ok")
    chance = random.Random(seed)
    while True:
        step, act = plan(queue, chance)
        if act is not None:
            tell(**step)
            act()
            tell(op="ok")


def plan(queue: Queue, chance: random.Random):
    items = queue.list()
    waiting = [item.id for item in items if item.state is ItemState.WAITING]
    running = [item.id for item in items if item.state is ItemState.RUNNING]
    some = chance.sample(waiting, min(len(waiting), chance.randint(1, 3)))
    op = chance.choice(["add", "move", "remove", "claim", "finish", "undo", "clear"])
    at = chance.randint(0, 5)
    if op == "add" and len(items) < MOST:
        new = [make_item(on_recovery="resume") for _ in range(chance.randint(1, 6))]
        return {"op": op, "ids": [i.id for i in new], "at": at}, lambda: queue.add(new, at)
    if op == "move" and some:
        return {"op": op, "ids": some, "at": at}, lambda: queue.move(some, at)
    if op == "remove" and some and len(items) > 10:
        return {"op": op, "ids": some}, lambda: queue.remove(some)
    if op == "clear" and len(items) >= MOST:
        return {"op": op}, lambda: queue.clear(ended=True)
    if op == "claim" and not running:
        return {"op": op}, queue.claim
    if op == "finish" and running:
        state = chance.choice([ItemState.FINISHED, ItemState.FAILED])
        return {"op": op, "state": state}, lambda: queue.finish(running[0], state)
    if op == "undo" and some:
        return {"op": op}, lambda: undo_at_once(queue, some, at)
    return {}, None


def undo_at_once(queue: Queue, ids, at: int) -> None:
    """Take an edit back within its transaction: together they change nothing."""
    with queue.database.transaction():
        queue.move(ids, at)
        queue.undo()
