"""Tell, before any port is opened, whether a run can go on."""

from typing import Any

from labctl.core.errors import StorageError, UsageError
from labctl.core.journal import RunState
from labctl.core.procedure import get_procedure
from labctl.station.sections import StationFile
from labctl.store.folders import LOCK
from labctl.store.lock import owner_of
from labctl.store.reader import RunReader


def refuse_hopeless(reader: RunReader, file: StationFile) -> None:
    """Raise if a run cannot go on at this station.

    Raises
    ------
    UsageError
        If it is finished, was begun at another station, or its procedure is unknown.
    StorageError
        If it never began, or another process is writing it.
    """
    state = reader.state
    if state is RunState.FINISHED:
        raise UsageError(f"run {reader.run} is finished", remedy="start a new run")
    if not state.is_end:
        raise StorageError(
            f"run {reader.run} is being written by {owner_of(reader.folder / LOCK)}",
            remedy="wait for that process, or end it",
        )
    begun_at = reader.station.get("name", "")
    if begun_at != file.station.name:
        raise UsageError(
            f"run {reader.run} was begun at station {begun_at!r}, not at {file.station.name!r}",
            remedy="name its station file with --station",
        )
    get_procedure(reader.procedure, file.station.procedures)


def recorded_simulation(reader: RunReader, file: StationFile) -> dict[str, Any]:
    """Return truth and seed of the simulated table of a run; empty for a real table."""
    recorded = reader.station.get("simulation") or {}
    if not file.simulation or not any(
        one.resource.startswith("sim://") for one in file.instruments.values()
    ):
        return {}
    return {key: recorded[key] for key in ("truth", "seed") if key in recorded}
