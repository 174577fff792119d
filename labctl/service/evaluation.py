"""Analyse the points of a run and export them; nothing here needs a table."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from labctl import __version__
from labctl.core.calibration import Calibration
from labctl.core.errors import LabctlError
from labctl.core.procedure import Evidence, Procedure
from labctl.core.results import Result
from labctl.store.nexus import Header, write_nexus
from labctl.store.reader import RunReader


def analyse(
    procedure: Procedure, reader: RunReader, calibrations: Mapping[str, Calibration]
) -> tuple[Result, str]:
    """Return what the points show, and why there is no result; a failure costs no point."""
    try:
        return procedure.analyse(evidence_of(reader, calibrations)), ""
    except LabctlError as error:
        return Result(), str(error)
    # an analysis is a plug-in: whatever it raises, the points are safe and worth a report
    except Exception as error:  # noqa: BLE001
        return Result(), f"the analysis failed: {type(error).__name__}: {error}"


def evidence_of(reader: RunReader, calibrations: Mapping[str, Calibration]) -> Evidence:
    """Return what an analysis of a run may use."""
    return Evidence(
        run=reader.run,
        points=tuple(reader.points()),
        parameters=reader.parameters,
        calibrations=calibrations,
        ambient_k=float(reader.station.get("ambient_k", 298.0)),
    )


def export_run(reader: RunReader, path: Path) -> Path:
    """Write the NeXus file of a run, which can always be made again; returns the name it got.

    Raises
    ------
    StorageError
        If it cannot be written; a file of that name stays as it was.
    """
    states = reader.states
    start = reader.start
    header = Header(
        run=reader.run,
        procedure=start.procedure,
        start_utc=start.utc,
        end_utc=states[-1].utc if states else start.utc,
        state=reader.state.value,
        version=__version__,
        sample=str(start.parameters.get("sample") or "not named"),
        parameters=start.parameters,
        station=start.station,
    )
    return write_nexus(path, header, reader.points())


def span_s(reader: RunReader) -> float:
    """Return the table time from the first start to the last change of state, in s."""
    states = reader.states
    if not states:
        return 0.0
    # UTC, because each attempt has a monotonic time of its own
    begun, ended = (datetime.fromisoformat(text) for text in (reader.start.utc, states[-1].utc))
    return (ended - begun).total_seconds()
