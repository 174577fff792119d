"""Run or resume a procedure in a process of its own, which the tests kill."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from labctl.core.errors import StorageError
from labctl.core.messages import Acquire, Point
from labctl.engine import Event, MessageStarted, PointCommitted, RunStarted
from labctl.engine.compare import in_words
from labctl.service import Session
from labctl.store import RunReader
from labctl.store.folders import run_folders


class Log:
    """Append lines of JSON that survive kill -9; acknowledgements also survive a power cut."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def add(self, *, sync: bool = False, **entry: object) -> None:
        os.write(self._fd, (json.dumps(entry) + "\n").encode())
        if sync:
            os.fsync(self._fd)


def digest(point: Point) -> str:
    """Return a hash over every bit that a point holds."""
    found = hashlib.sha256()
    _add(found, [point.number, point.kind, point.utc, point.monotonic_s, point.attempt])
    _add(found, point.data)
    return found.hexdigest()


def _add(found: Any, value: Any) -> None:
    if isinstance(value, np.ndarray):
        found.update(f"{value.dtype}{value.shape}".encode() + value.tobytes())
    elif is_dataclass(value):
        found.update(type(value).__name__.encode())
        for item in fields(value):
            _add(found, getattr(value, item.name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            found.update(repr(key).encode())
            _add(found, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _add(found, item)
    else:
        found.update(repr(value).encode() + b"\0")


def latest_run(output: Path) -> Path | None:
    """Return the folder of the last run that has begun, or None."""
    for _, folder in reversed(list(run_folders(output))):
        # killed before its database was complete: there is no run yet
        with contextlib.suppress(StorageError), RunReader(folder) as reader:
            if reader.starts:
                return folder
    return None


def work(
    station: Path,
    output: Path,
    procedure: str,
    values: Mapping[str, Any],
    log_path: Path,
    wire: Connection,
) -> None:
    """Start a run in `output`, or resume the one that is there."""
    log = Log(log_path)
    wire.send("started")

    def observe(event: Event) -> None:
        match event:
            case RunStarted(attempt=attempt, first_point=first_point):
                log.add(attempt=attempt, first_point=first_point)
            case MessageStarted(number=number, message=message):
                log.add(point=number, message=in_words(message))
                if isinstance(message, Acquire) and message.beams:
                    wire.send("exposing")
            case PointCommitted(point=point):
                log.add(sync=True, acknowledged=point.number, digest=digest(point))
                wire.send("committed")

    session = Session(station, output)
    folder = latest_run(output)
    if folder is None:
        finished = session.run(procedure, values, observer=observe)
    else:
        finished = session.resume(str(folder), observer=observe)
    finished.outcome.check()
    log.add(ended=finished.outcome.state.value)
    # leaving the session would only wait for the ports to close
    os._exit(0)
