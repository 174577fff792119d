"""Run a queue file from the evening to the morning report, in one process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labctl.engine import Control, Observer
from labctl.service.night.failures import begin_transcripts
from labctl.service.night.report import MorningReport, write_report
from labctl.service.night.runner import Night, Notify, QueueRunner
from labctl.service.night.settings import LedgerSettings, NightSettings
from labctl.service.places import find_station_file, prepare_folder
from labctl.service.queue.database import DATABASE, StationDatabase
from labctl.service.queue.examination import DryRuns
from labctl.service.queue.files import read_queue_file
from labctl.service.queue.queue import Queue
from labctl.service.session import Session
from labctl.station import read_station_file

STATION = "station"


@dataclass(frozen=True, slots=True)
class Morning:
    """Hold how the night ended, and its report."""

    night: Night
    report: MorningReport


def run_night(
    station_file: Path | None = None,
    queue_file: Path | None = None,
    output: Path | None = None,
    *,
    settings: NightSettings | None = None,
    simulation: Mapping[str, Any] | None = None,
    notify: Notify | None = None,
    observer: Observer | None = None,
    control: Control | None = None,
) -> Morning:
    """Add the items of a file to the queue of the station, run the queue, write the report.

    Without a file, what waits in the queue runs. Every byte of every port is kept below
    `station/transcripts` in the output folder.

    Raises
    ------
    LabctlError
        If the table cannot be opened, the file is wrong, or the station is being served.
    """
    settings = settings or NightSettings()
    file = read_station_file(find_station_file(station_file))
    root = prepare_folder(Path(output or file.station.data_folder))
    with StationDatabase(root / STATION / DATABASE) as database:
        folder = _new_folder(root / STATION / "transcripts")
        with Session(station_file, root, simulation=simulation, transcripts=folder) as session:
            clock = session.station.clock
            begin_transcripts(folder, session.station, clock)
            queue = Queue(database, clock, DryRuns(session))
            if queue_file is not None:
                queue.add(read_queue_file(queue_file, clock))
            runner = QueueRunner(
                session, queue, settings=settings, notify=notify, observer=observer,
                control=control,
            )  # fmt: skip
            night = runner.run()
            simulated = session.simulated_as
        report = write_report(
            database, root, night=night.night, ledger=settings.ledger, simulated=simulated
        )
    return Morning(night, report)


def report_again(root: Path, *, to: Path | None = None, night: str | None = None) -> MorningReport:
    """Write the report of the last night again, also while the station is being served.

    Raises
    ------
    UsageError, StorageError
        As `write_report`.
    """
    with StationDatabase(root / STATION / DATABASE, read_only=True) as database:
        return write_report(database, root, to=to, night=night, ledger=LedgerSettings())


def _new_folder(parent: Path) -> Path:
    """Return a new folder for the transcripts of one session: its times are its own."""
    number = sum(1 for _ in parent.iterdir()) if parent.is_dir() else 0
    return prepare_folder(parent / f"{number:04d}")
