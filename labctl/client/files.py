"""Open and save queue files, and export runs, on the machine of the client."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import labctl
from labctl.client.runs import Job, Run
from labctl.core.clock import VirtualClock
from labctl.core.items import QueueItem

if TYPE_CHECKING:
    from labctl.client.table import Table

ExportFormat = Literal["nexus", "csv", "text"]


def add_queue_file(table: "Table", path: Path) -> list[Job]:
    """Add the items of a queue file; those that were altered by hand are put into quarantine.

    Raises
    ------
    ConfigError
        If the file cannot be read, naming file, line and key; then nothing is added.
    UsageError
        If the service refuses an item.
    """
    # '+2 h' in the file counts from the time of the table
    clock = VirtualClock(datetime.fromisoformat(table.status().utc))
    items: list[QueueItem] = labctl.read_queue_file(path, clock)
    return table.queue.add_all(items)


def save_queue_file(path: Path, items: Sequence[QueueItem]) -> Path:
    """Write what items ask for to a `.toml` or `.json` file; returns its name.

    Raises
    ------
    UsageError
        If the name ends otherwise.
    StorageError
        If the file cannot be written.
    """
    written: Path = labctl.write_queue_file(path, items)
    return written


def export_run(run: Run, file_format: ExportFormat, to: Path) -> list[Path]:
    """Write a run as NeXus file, as table of its points, or as a folder of text spectra.

    Raises
    ------
    StorageError
        If the run cannot be read from here, or a file cannot be written.
    """
    written: list[Path] = labctl.export_run(run.folder.parent, str(run.folder), file_format, to)
    return written
