"""Look into finished runs: list, describe, export."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from labctl.core.errors import StorageError
from labctl.service.evaluation import export_run
from labctl.service.places import RESULT_FILE, find_run, unwritable
from labctl.store.catalogue import Catalogue, RunSummary
from labctl.store.reader import RunReader
from labctl.store.text import write_csv, write_spectra


def run_summaries(root: Path) -> list[RunSummary]:
    """Return a summary of every run below a folder.

    Raises
    ------
    StorageError
        If there is no such folder.
    """
    _check_root(root)
    return Catalogue(root).runs()


def open_run(run: str | int, output: str | Path = "data") -> RunReader:
    """Open a run by its number or name below an output folder, or by its own folder.

    Raises
    ------
    UsageError
        If there is no such run, with the nearest name.
    StorageError
        If it cannot be read.
    """
    return RunReader(find_run(str(run), Path(output)))


def runs_json(root: Path) -> dict[str, Any]:
    """Return every run below a folder as plain JSON."""
    runs = []
    for run in run_summaries(root):
        fields = asdict(run) | {"run": run.name, "state": run.state.value}
        runs.append({**fields, "folder": str(run.folder)})
    return {"folder": str(root), "runs": runs}


def describe_run(root: Path, run: str) -> dict[str, Any]:
    """Return what is known of a run, as plain JSON."""
    with open_run(run, root) as reader:
        start = reader.start
        return {
            "run": reader.run,
            "procedure": start.procedure,
            "state": reader.state.value,
            "points": len(reader),
            "start_utc": start.utc,
            "folder": str(reader.folder),
            "labctl_version": start.labctl_version,
            "parameters": dict(start.parameters),
            "station": start.station.get("name", ""),
            "calibrations": {
                kind: one.get("identity", "")
                for kind, one in start.station.get("calibrations", {}).items()
            },
            "states": [
                {
                    "attempt": change.attempt,
                    "state": change.state.value,
                    "utc": change.utc,
                    "reason": change.reason,
                }
                for change in reader.states
            ],
            "result": _result(reader.folder),
        }


def export(
    root: Path, run: str, file_format: Literal["nexus", "csv", "text"], to: Path | None
) -> list[Path]:
    """Export a run; returns the files written.

    Raises
    ------
    UsageError
        If there is no such run.
    StorageError
        If a file cannot be written.
    """
    with open_run(run, root) as reader:
        try:
            return _export(reader, file_format, to)
        except OSError as error:
            raise unwritable("export", to or Path(), error) from error


def _export(reader: RunReader, file_format: str, to: Path | None) -> list[Path]:
    if file_format == "csv":
        return [write_csv(to or Path(f"{reader.run}.csv"), reader.points())]
    if file_format == "text":
        header = {"run": reader.run, "procedure": reader.procedure}
        return write_spectra(to or Path(reader.run), reader.points(), header)
    return [export_run(reader, to or Path(f"{reader.run}.nxs"))]


def _result(folder: Path) -> dict[str, Any]:
    path = folder / RESULT_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        return {"problem": f"{path}: {error}"}
    return content if isinstance(content, dict) else {}


def _check_root(root: Path) -> None:
    if not root.is_dir():
        raise StorageError(
            f"{root}: there is no such folder of runs",
            remedy="name the folder with --output; runs of 'labctl run' go to data/",
        )
