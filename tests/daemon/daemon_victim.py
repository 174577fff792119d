"""Serve a station in a process of its own, which the tests kill.

Run as a program: `daemon_victim.py STATION DATA SETTINGS`. It prints what happens as lines of
JSON, and takes commands as lines of JSON from its standard input. SIGTERM ends it in order.
"""

import json
import signal
import sys
import threading
from typing import Any

from labctl.core.errors import LabctlError
from labctl.core.items import QueueItem, plain
from labctl.service.daemon.daemon import Daemon
from labctl.service.daemon.settings import DaemonSettings

TOLD = frozenset({"point", "run", "state", "alarm", "queue"})
_printing = threading.Lock()


def say(**fields: object) -> None:
    with _printing:
        sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()


def tell(daemon: Daemon) -> None:
    with daemon.subscribe(since_seq=0, capacity=100_000) as events:
        while (event := events.get(None)) is not None:
            if event.kind in TOLD:
                say(event=event.kind, **{k: v for k, v in event.data.items() if k != "event"})


def obey(daemon: Daemon) -> None:
    for line in sys.stdin:
        order = json.loads(line)
        try:
            say(answer=carry_out(daemon, order))
        except LabctlError as error:
            say(answer=None, error=error.message)


def carry_out(daemon: Daemon, order: dict[str, Any]) -> object:
    match order["do"]:
        case "add":
            return [one.id for one in daemon.add([QueueItem(**one) for one in order["items"]])]
        case "list":
            return [plain(one) for one in daemon.queue.list()]
        case "clear":
            return len(daemon.queue.clear(ended=True))
        case "approve":
            return plain(daemon.approve(order["item"]))
        case "proceed":
            return daemon.proceed()
        case "pids":
            return {
                "worker": worker.child.pid if (worker := daemon._supervisor.desk.worker) else 0,
                "safety": daemon._supervisor.guard.pid,
            }
        case "status":
            return daemon.status().model_dump(mode="json")
    raise AssertionError(order)


def main(station: str, data: str, settings: str) -> int:
    try:
        daemon = Daemon(station, data, DaemonSettings(**json.loads(settings)))
    except LabctlError as error:
        say(refused=error.message)
        return error.exit_code
    signal.signal(signal.SIGTERM, lambda *_: daemon.stop())
    threading.Thread(target=tell, args=(daemon,), daemon=True).start()
    daemon.start()
    say(ready=True)
    threading.Thread(target=obey, args=(daemon,), daemon=True).start()
    daemon.wait()
    unconfirmed = daemon.close()
    say(unconfirmed=unconfirmed)
    return 1 if unconfirmed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
