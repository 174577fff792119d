"""Write down what was done and what must outlive this process, off the thread that guards."""

import json
import os
import queue
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labctl.service.safety.timing import monotonic_s, utc_text


@dataclass(frozen=True, slots=True)
class State:
    """Hold what a restart must know: epochs never come again, a latch stays."""

    highest_epoch: int = 0
    is_held: bool = False
    latch: tuple[tuple[str, str], ...] = ()


def read_state(path: Path) -> State:
    """Return what was stored; a damaged file counts as a latch, a missing one as a first start."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        latch = tuple((str(kind), str(words)) for kind, words in raw["latch"])
        return State(int(raw["highest_epoch"]), bool(raw["is_held"]), latch)
    except FileNotFoundError:
        return State()
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        # epochs from before might come again: those of a new count lie above them
        return State(1 << 40, True, (("damaged", f"{path} is damaged: {error}"),))


class Journal:
    """Append JSON lines to a log and replace the state file, each synced, in the background.

    Parameters
    ----------
    log
        A line per event: `utc`, `monotonic_s`, `what`, and what belongs to it.
    state
        The state file.
    """

    def __init__(self, log: Path, state: Path) -> None:
        self._state = state
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._jobs: queue.SimpleQueue[bytes | State | threading.Event | None] = queue.SimpleQueue()
        self.problem = ""
        """Why the last attempt to write failed; empty if it did not."""
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def note(self, what: str, **details: Any) -> None:
        """Write an event down, stamped with the present."""
        entry = {"utc": utc_text(), "monotonic_s": round(monotonic_s(), 6), "what": what}
        self._jobs.put(json.dumps(entry | details).encode() + b"\n")

    def save(self, state: State) -> None:
        """Replace the state file."""
        self._jobs.put(state)

    def written(self) -> threading.Event:
        """Return what is set once everything so far is on the disk, or has failed to be."""
        event = threading.Event()
        self._jobs.put(event)
        return event

    def close(self) -> None:
        """Write the rest and end."""
        self._jobs.put(None)
        self._thread.join(5.0)
        os.close(self._log)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if isinstance(job, threading.Event):
                job.set()
                continue
            try:
                self._write(job)
                self.problem = ""
            # a full disk must not end the guard
            except OSError as error:
                self.problem = str(error)

    def _write(self, job: bytes | State) -> None:
        if isinstance(job, bytes):
            os.write(self._log, job)
            os.fsync(self._log)
            return
        beside = self._state.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, json.dumps(asdict(job)).encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(self._state)
