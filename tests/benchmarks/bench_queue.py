"""Measure a queue of 10,000 items: add, list, claim. Run with `make bench`."""

import statistics
from pathlib import Path

from labctl.core.clock import RealClock
from labctl.core.items import ItemState, QueueItem, new_item_id
from labctl.service.queue import Queue, StationDatabase

ITEMS = 10_000
CLAIMS = 300


def new_items(count: int) -> list[QueueItem]:
    return [
        QueueItem(
            id=new_item_id(),
            procedure="power_series",
            parameters={"regions": ["mono"], "powers": "1 uW, 10 uW", "seed": number},
            label=f"series {number}",
        )
        for number in range(count)
    ]


def seconds(clock: RealClock, action) -> float:
    start_s = clock.monotonic_s()
    action()
    return clock.monotonic_s() - start_s


def test_ten_thousand_items(tmp_path: Path) -> None:
    clock = RealClock()
    path = tmp_path / "station.sqlite"
    with StationDatabase(path) as database:
        queue = Queue(database, clock)
        items = new_items(ITEMS)
        add_s = seconds(clock, lambda: queue.add(items))
        list_s = [seconds(clock, queue.list) for _ in range(5)]
        claims_s = []
        for _ in range(CLAIMS):
            claims_s.append(seconds(clock, queue.claim))
            (running,) = queue.list((ItemState.RUNNING,))
            queue.finish(running.id, ItemState.FINISHED)
        move_s = seconds(clock, lambda: queue.move([items[-1].id], 0))
        undo_s = seconds(clock, queue.undo)
        remove_s = seconds(clock, lambda: queue.remove([item.id for item in items[5000:6000]]))
    open_s = seconds(clock, lambda: StationDatabase(path).close())
    with StationDatabase(path, read_only=True) as database:
        cold_s = seconds(clock, Queue(database, clock).list)
    p99_s = statistics.quantiles(claims_s, n=100)[-1]
    print(
        f"\n{ITEMS} items: add {add_s:.3f} s; list first {1e3 * list_s[0]:.0f} ms, "
        f"then {1e3 * statistics.median(list_s[1:]):.0f} ms, by a fresh process "
        f"{1e3 * cold_s:.0f} ms; claim median {1e3 * statistics.median(claims_s):.1f} ms, "
        f"p99 {1e3 * p99_s:.1f} ms (n = {CLAIMS}); move {1e3 * move_s:.0f} ms, "
        f"undo {1e3 * undo_s:.0f} ms, remove 1000 {1e3 * remove_s:.0f} ms, "
        f"open {1e3 * open_s:.0f} ms"
    )
