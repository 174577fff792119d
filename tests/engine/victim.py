"""Run or resume in a process of its own, which the tests kill."""

import hashlib
import os
from pathlib import Path

from tiny_table import Log, Seeker, Series, TinyTable

from labctl.core.clock import RealClock
from labctl.core.errors import StorageError
from labctl.engine import MessageStarted, PointCommitted, execute, resume
from labctl.store import RunReader, RunWriter

PROCEDURES = {"series": Series, "seeker": Seeker}


def begun_run(root: Path) -> Path | None:
    """Return the folder of the latest run, if it holds the start of its first attempt."""
    folders = sorted((root / "runs").glob("*/*/*/*_*"))
    try:
        return folders[-1] if folders and RunReader(folders[-1]).starts else None
    except StorageError:
        return None


def digest(point) -> str:
    """Return a hash over everything that a point holds."""
    spectrum, power = point.data["spectrum"], point.data["power"]
    text = f"{point.number} {point.utc} {point.data['index']} {power} {spectrum.utc}"
    return hashlib.sha256(text.encode() + spectrum.counts.tobytes()).hexdigest()


def work(
    root: Path, name: str, points: int, commit_every_s: float, mode: str, ready, moving
) -> None:
    """Start a run below `root`, or resume the one that is there."""
    ready.set()
    table = TinyTable(root / "log", RealClock())
    table.oven.soak_s = 0.01
    acknowledged = Log(root / "acknowledged")

    def observer(event) -> None:
        if isinstance(event, MessageStarted):
            moving.set()
        if isinstance(event, PointCommitted):
            acknowledged.add(f"{event.point.number} {digest(event.point)}")

    table.log.add("attempt")
    procedure = PROCEDURES[name]()
    options = {"clock": table.clock, "commit_every_s": commit_every_s, "margin_bytes": 0}
    folder = begun_run(root)
    if folder is not None:
        journal = RunWriter.reopen(folder, **options)
        outcome = resume(procedure, table, journal, observer=observer)
    else:
        journal = RunWriter.create(root / "runs", name, **options)
        parameters = procedure.Parameters(points=points, exposure_s=0.001, mode=mode)
        outcome = execute(procedure, parameters, table, journal, observer=observer)
    outcome.check()
    os._exit(0)
