"""Name and number the folders of runs: `<root>/YYYY/MM/DD/NNNN_<procedure>[_label]`."""

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from labctl.store.faults import storage_error
from labctl.store.lock import FileLock

DATABASE = "run.sqlite"
FRAMES = "frames.seg"
LOCK = "run.lock"
COUNTER = "run-number"

_FOLDER = re.compile(r"(\d{4,})_.+")


def create_run_folder(root: Path, when: datetime, procedure: str, label: str = "") -> Path:
    """Create a folder with the next number of this root; an existing one is never reused.

    Raises
    ------
    StorageError
        If nothing can be written there.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, "the output folder cannot be made", root) from error
    lock = FileLock(root / f"{COUNTER}.lock", "the counter of runs")
    try:
        number = _next_number(root)
        name = "_".join([f"{number:04d}", *filter(None, map(_plain, (procedure, label)))])
        folder = root / f"{when:%Y}" / f"{when:%m}" / f"{when:%d}" / name
        folder.mkdir(parents=True)
        for parent in (folder, *folder.parents[:4]):
            sync_folder(parent)
    except OSError as error:
        raise storage_error(error, "a folder for the run cannot be made", root) from error
    finally:
        lock.release()
    return folder


def run_folders(root: Path) -> Iterator[tuple[int, Path]]:
    """Yield number and folder of every run below a root, in order of their numbers."""
    found = []
    for folder in root.glob("[0-9]*/[0-9]*/[0-9]*/*_*"):
        match = _FOLDER.fullmatch(folder.name)
        if match:
            found.append((int(match[1]), folder))
    yield from sorted(found)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    with contextlib.suppress(OSError):  # Windows opens no folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _next_number(root: Path) -> int:
    counter = root / COUNTER
    try:
        last = int(counter.read_text())
    except (FileNotFoundError, ValueError):
        last = max((number for number, _ in run_folders(root)), default=0)
    with counter.open("w") as file:
        file.write(f"{last + 1}\n")
        file.flush()
        os.fsync(file.fileno())
    return last + 1


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text.replace("_", "-")).strip("-.")[:60]
