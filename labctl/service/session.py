"""Use a table in this process: open it, run procedures on it, analyse and export what they found.

This is the embedded mode of the command line, notebooks, scripts and tests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from labctl import __version__
from labctl.core.calibration import Calibration
from labctl.core.errors import LabctlError
from labctl.core.parameters import ParameterModel, parse_parameters
from labctl.core.procedure import Evidence, Procedure, get_procedure
from labctl.core.results import Result
from labctl.engine import Control, DryRun, Observer, Outcome, dry_run, execute, resume
from labctl.service.results import save_result
from labctl.service.simulator import simulation_for
from labctl.station import load_station, read_station_file
from labctl.station.calibrations import CalibrationFolder
from labctl.store.catalogue import Catalogue
from labctl.store.nexus import Header, write_nexus
from labctl.store.reader import RunReader
from labctl.store.writer import RunWriter


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """Hold a run that ended, what its analysis found, and the files that hold it.

    `analysis_problem` says why there is no result although the points are safe.
    """

    procedure: str
    folder: Path
    outcome: Outcome
    result: Result
    duration_s: float
    files: tuple[Path, ...]
    analysis_problem: str = ""

    def open(self) -> RunReader:
        """Open the record of the run."""
        return RunReader(self.folder)


class Session:
    """Hold one table, open in this process.

    Parameters
    ----------
    station_file
        The station file (TOML).
    output
        Folder for runs and new calibrations; made if it does not exist. None uses the data
        folder that the station file names.
    simulation
        Changes to the `[simulation]` block, such as `{"truth": "C", "seed": 3}`.
    transcripts
        Folder to which every byte of every port is written.

    Raises
    ------
    ConfigError
        If the station file cannot be used.
    InstrumentError
        If instruments do not answer; all of them are named.
    StorageError
        If the output folder cannot be written.
    """

    def __init__(
        self,
        station_file: str | Path,
        output: str | Path | None = None,
        *,
        simulation: Mapping[str, Any] | None = None,
        transcripts: Path | None = None,
    ) -> None:
        path = Path(station_file)
        file = read_station_file(path)
        self.output = prepare_folder(Path(output or file.station.data_folder))
        self.packages = file.station.procedures
        clock = file.make_clock()
        simulated = simulation_for(path, file, clock, simulation)
        backends = {"sim": simulated.backend} if simulated else {}
        self.station = load_station(path, clock=clock, backends=backends, transcripts=transcripts)
        self.simulated_as = ""
        """What is simulated, in words; empty for a real table."""
        if simulated:
            settings = simulated.settings
            self.simulated_as = f"truth {settings.truth}, seed {settings.seed}"
        self._found = CalibrationFolder.open(self.output / "calibrations")

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Bring the table into its safe state and release all ports."""
        try:
            self.station.safe()
        finally:
            self.station.close()

    @property
    def runs(self) -> Catalogue:
        """Return the catalogue of the runs in the output folder."""
        return Catalogue(self.output)

    @property
    def calibrations(self) -> dict[str, Calibration]:
        """Return the newest calibration of each kind, of the station and of this folder."""
        now_utc = self.station.clock.utc()
        stored = self.station.calibrations.current(now_utc)
        return stored | self._found.current(now_utc)

    def prepare(self, name: str, values: Mapping[str, Any]) -> tuple[Procedure, ParameterModel]:
        """Return a procedure with validated parameters.

        Raises
        ------
        UsageError
            If the procedure or a parameter is unknown, missing or out of range.
        """
        procedure = get_procedure(name, self.packages)()
        return procedure, parse_parameters(procedure.Parameters, values, name)

    def dry_run(self, name: str, values: Mapping[str, Any]) -> DryRun:
        """Walk through a procedure without touching hardware."""
        return dry_run(*self.prepare(name, values), self.station)

    def run(
        self,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        label: str = "",
        observer: Observer | None = None,
        control: Control | None = None,
    ) -> FinishedRun:
        """Run a procedure, analyse it and export it; `outcome.check()` raises if it failed."""
        procedure, parameters = self.prepare(name, values or {})
        writer = RunWriter.create(self.output, name, clock=self.station.clock, label=label)
        outcome = execute(
            procedure, parameters, self.station, writer, control=control, observer=observer
        )
        return self._finish(procedure, writer.path, outcome)

    def resume(
        self, run: str, *, observer: Observer | None = None, control: Control | None = None
    ) -> FinishedRun:
        """Go on with a run that was cut short, by its number, name or folder.

        Raises
        ------
        UsageError
            If there is no such run, or it is finished.
        ReplayError
            If the plan has changed since.
        """
        folder = self.runs.find(run)
        writer = RunWriter.reopen(folder, clock=self.station.clock)
        try:
            procedure = get_procedure(writer.starts()[0].procedure, self.packages)()
        except BaseException:
            writer.release()
            raise
        outcome = resume(procedure, self.station, writer, control=control, observer=observer)
        return self._finish(procedure, folder, outcome)

    def _finish(self, procedure: Procedure, folder: Path, outcome: Outcome) -> FinishedRun:
        with RunReader(folder) as reader:
            result, problem = self._analyse(procedure, reader)
            files = (folder / "run.sqlite", *export_run(reader, folder / f"{reader.run}.nxs"))
            duration_s = span_s(reader)
        files = (*files, save_result(folder, result, problem))
        for calibration in result.calibrations:
            self._found.save(calibration)
        return FinishedRun(
            procedure.name, folder, outcome, result, duration_s, files, analysis_problem=problem
        )

    def _analyse(self, procedure: Procedure, reader: RunReader) -> tuple[Result, str]:
        """Return what the points show; an analysis that fails costs no point."""
        try:
            return procedure.analyse(evidence_of(reader, self.calibrations)), ""
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


def export_run(reader: RunReader, path: Path) -> tuple[Path, ...]:
    """Write the NeXus file of a run; it can always be made again."""
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
    return (write_nexus(path, header, reader.points()),)


def span_s(reader: RunReader) -> float:
    """Return the table time from the first start to the last change of state, in s."""
    states = reader.states
    return states[-1].monotonic_s - reader.start.monotonic_s if states else 0.0


def prepare_folder(folder: Path) -> Path:
    """Make a folder and prove that it can be written.

    Raises
    ------
    StorageError
        If it cannot.
    """
    from labctl.store.faults import storage_error

    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".labctl-writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise storage_error(error, "the output folder cannot be written", folder) from error
    return folder
