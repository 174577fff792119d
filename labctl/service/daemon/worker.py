"""Do one job at the table in a process of its own: `python -m labctl.service.daemon.worker`.

The program reads commands as lines of JSON from its standard input and writes events to its
standard output. The first command is the job: `run`, `resume`, `table` (commands by hand) or
`safe`. The end of the input means that the service has gone: a run then ends with its point.
SIGTERM aborts a run.
"""

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labctl.core.clock import RealClock
from labctl.core.errors import BadReply, LabctlError
from labctl.service.daemon.jobs import JOBS, Job
from labctl.service.daemon.tell import error_fields
from labctl.service.daemon.wire import Outbox, messages

BEAT_S = 1.0


class Ears:
    """Listen to the service in a thread: the first message is the job, others steer it."""

    def __init__(self) -> None:
        self._first: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._early: list[dict[str, Any]] = []
        self._hear: Callable[[Mapping[str, Any]], None] | None = None
        self._lose: Callable[[], None] | None = None
        self._is_lost = False
        self._lock = threading.Lock()
        threading.Thread(target=self._listen, name="ears", daemon=True).start()

    def job(self) -> dict[str, Any] | None:
        """Wait for the job; None if the service has gone."""
        return self._first.get()

    def steer(self, job: Job) -> None:
        """Give everything that comes, or has come, to a job."""
        with self._lock:
            self._hear, self._lose = job.hear, job.lose
            for message in self._early:
                job.hear(message)
            self._early.clear()
            if self._is_lost:
                job.lose()

    def _listen(self) -> None:
        is_first = True
        try:
            for message in messages(sys.stdin.buffer):
                if is_first:
                    self._first.put(message)
                    is_first = False
                else:
                    self._give(message)
        except (BadReply, OSError, ValueError):
            pass
        with self._lock:
            self._is_lost = True
            if self._lose is not None:
                self._lose()
        self._first.put(None)

    def _give(self, message: dict[str, Any]) -> None:
        with self._lock:
            if self._hear is None:
                self._early.append(message)
            else:
                self._hear(message)


def main() -> int:
    """Do the job; the exit code is 0 if it was done, however it ended."""
    # a stray print must not end up among the events
    out = Outbox(os.dup(1))
    os.dup2(2, 1)
    stop = threading.Event()
    threading.Thread(target=_beat, args=(out, stop), name="beat", daemon=True).start()
    ears = Ears()
    _preload(sys.argv[1:])
    out.send("ready", pid=os.getpid())
    message = ears.job()
    code = 0
    if message is not None:
        code = _do(message, out, ears)
    stop.set()
    out.close()
    # threads that hang in a vendor's library must not keep the process
    os._exit(code)


def _preload(arguments: Sequence[str]) -> None:
    """Import what the job will need, while there is time."""
    from labctl.core.procedure import find_procedures
    from labctl.station import read_station_file
    from labctl.station.instruments import find_drivers

    with contextlib.suppress(LabctlError, ImportError, OSError):
        for path in arguments:
            file = read_station_file(path)
            find_drivers(file)
            find_procedures(file.station.procedures)


def _do(message: Mapping[str, Any], out: Outbox, ears: Ears) -> int:
    try:
        job = JOBS[message["do"]](message, out)
        ears.steer(job)
        job.work()
    except LabctlError as error:
        out.send("refused", error=error_fields(error))
    # whatever it is, the service has to know before the process ends
    except Exception as error:  # noqa: BLE001
        import traceback

        traceback.print_exc()
        out.send("refused", error=error_fields(error))
        return 1
    return 0


def _beat(out: Outbox, stop: threading.Event) -> None:
    clock, start_s = RealClock(), RealClock().monotonic_s()
    while not stop.wait(BEAT_S):
        out.send("beat", key="beat", alive_s=round(clock.monotonic_s() - start_s, 1))


if __name__ == "__main__":
    sys.exit(main())
