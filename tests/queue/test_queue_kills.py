"""kill -9 at random instants: nothing acknowledged is lost, doubled or reordered."""

import json
import multiprocessing
import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import queue_victim

from labctl.core.clock import VirtualClock
from labctl.core.items import ItemState
from labctl.service.queue import Queue, StationDatabase

KILLS = 15


@dataclass(frozen=True)
class Line:
    """Hold what must be known of one item: the tests' own, much simpler queue is a list."""

    id: str
    state: str = "waiting"
    attempts: int = 0
    crashes: int = 0


def apply(lines: list[Line], step: dict) -> list[Line]:
    """Return the queue after a step."""
    match step["op"]:
        case "add":
            return put(lines, [Line(one) for one in step["ids"]], step["at"])
        case "move":
            by_id = {line.id: line for line in lines}
            left = [line for line in lines if line.id not in step["ids"]]
            return put(left, [by_id[one] for one in step["ids"]], step["at"])
        case "remove":
            return [line for line in lines if line.id not in step["ids"]]
        case "clear":
            return [line for line in lines if line.state in ("running", "interrupted")]
        case "claim":
            return first(lines, ("waiting", "interrupted"), start)
        case "finish":
            return first(lines, ("running",), lambda line: replace(line, state=step["state"]))
        case "undo":
            return lines
        case "recover":
            return first(lines, ("running",), interrupt)
    raise AssertionError(step)


def put(lines, new, at):
    waiting = [number for number, line in enumerate(lines) if line.state == "waiting"]
    index = waiting[at] if at < len(waiting) else len(lines)
    return [*lines[:index], *new, *lines[index:]]


def first(lines, states, change):
    for number, line in enumerate(lines):
        if line.state in states:
            return [*lines[:number], change(line), *lines[number + 1 :]]
    return lines


def start(line):
    return replace(line, state="running", attempts=line.attempts + 1)


def interrupt(line):
    state = "quarantined" if line.crashes else "interrupted"
    return replace(line, state=state, crashes=line.crashes + 1)


def stored(root: Path) -> list[Line]:
    with StationDatabase(root / "station.sqlite", read_only=True) as database:
        database.check_integrity()
        items = Queue(database, VirtualClock()).list()
        with database.reading() as db:
            tried = db.execute("SELECT item, count(*), max(attempt) FROM runs GROUP BY item")
            attempts = {item: (count, last) for item, count, last in tried}
    for item in items:
        assert attempts.get(item.id, (0, 0)) == (item.attempts, item.attempts)
        assert (item.state is ItemState.WAITING) >= (item.attempts == 0)
    assert sum(item.state is ItemState.RUNNING for item in items) <= 1
    return [Line(item.id, item.state.value, item.attempts, item.crashes) for item in items]


def kill_after(root: Path, seed: int, delay_s: float) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["labctl.service.queue.queue"])
    ready = context.Event()
    process = context.Process(target=queue_victim.work, args=(root, seed, ready))
    process.start()
    assert ready.wait(30)
    process.join(delay_s)
    process.kill()
    process.join()
    assert process.exitcode == -9, "the victim failed by itself"
    process.close()


def replay(lines: list[Line], text: str) -> tuple[list[Line], list[Line], int]:
    """Return the queue after all acknowledged steps, the same with the last one, and a count."""
    steps = [json.loads(line) for line in text.splitlines()]
    pending, done = None, 0
    for step in steps:
        if step["op"] == "ok":
            lines, pending, done = apply(lines, pending), None, done + 1
        else:
            pending = step
    return lines, lines if pending is None else apply(lines, pending), done


@pytest.mark.parametrize("seed", [1])
def test_a_queue_survives_kills_at_random_instants(tmp_path, seed):
    chance = random.Random(seed)
    lines: list[Line] = []
    total = 0
    for number in range(KILLS):
        kill_after(tmp_path, seed * 1000 + number, chance.uniform(0.02, 0.3))
        log = tmp_path / "log"
        text = log.read_text() if log.exists() else ""
        log.unlink(missing_ok=True)
        acknowledged, or_one_more, done = replay(lines, text)
        if not (tmp_path / "station.sqlite").exists():
            assert done == 0
            continue
        lines = stored(tmp_path)
        assert lines in (acknowledged, or_one_more)
        total += done
    assert total > 5 * KILLS
