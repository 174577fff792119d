"""Use a table in this process: open it, run procedures on it, analyse and export what they found.

This is the embedded mode of the command line, notebooks, scripts and tests.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from labctl.core.calibration import Calibration
from labctl.core.clock import Clock, RealClock, VirtualClock
from labctl.core.errors import LabctlError, SafetyError
from labctl.core.link import Backend
from labctl.core.parameters import ParameterModel, parse_parameters
from labctl.core.procedure import Procedure, get_procedure
from labctl.engine import Control, DryRun, Observer, Outcome, dry_run, execute, resume
from labctl.service.calibrations import FoundCalibrations, accept_at_table, table_kinds
from labctl.service.evaluation import analyse, export_run, span_s
from labctl.service.finished import FinishedRun
from labctl.service.places import (
    find_run,
    find_station_file,
    last_sign_of_life,
    prepare_folder,
    root_of,
)
from labctl.service.preflight import refuse_impossible
from labctl.service.results import save_result
from labctl.service.resumable import recorded_simulation, refuse_hopeless
from labctl.service.simulator import simulated_file, simulation_for
from labctl.station import load_station, read_station_file
from labctl.station.calibrations import measured_at
from labctl.store.catalogue import Catalogue
from labctl.store.reader import RunReader
from labctl.store.writer import RunWriter


class Session:
    """Hold one table, open in this process; a context manager that ends in the safe state.

    Parameters
    ----------
    station_file
        The station file (TOML); None uses the simulated table (see `places.find_station_file`).
    output
        Folder for runs and new calibrations; made if it does not exist. None uses the data
        folder that the station file names.
    simulation
        Changes to the `[simulation]` block, such as `{"truth": "C", "seed": 3}`.
    transcripts
        Folder to which every byte of every port is written.
    clock
        A clock that other processes share; None makes the one that the station file asks for.
    backends
        What opens the resources of further schemes, such as `guard`.

    Raises
    ------
    ConfigError
        If the station file or a calibration cannot be used.
    InstrumentError
        If instruments do not answer; all of them are named.
    StorageError
        If the output folder cannot be written.
    """

    def __init__(
        self,
        station_file: str | Path | None = None,
        output: str | Path | None = None,
        *,
        simulation: Mapping[str, Any] | None = None,
        transcripts: Path | None = None,
        clock: Clock | None = None,
        backends: Mapping[str, Backend] | None = None,
    ) -> None:
        path = find_station_file(station_file)
        file = read_station_file(path)
        self.output = prepare_folder(Path(output or file.station.data_folder))
        self.packages = file.station.procedures
        self._found = FoundCalibrations(self.output)
        clock = clock or self._continued(file.make_clock())
        simulated = simulation_for(path, file, clock, simulation)
        backends = {**(backends or {}), **({"sim": simulated.backend} if simulated else {})}
        if transcripts is not None:
            prepare_folder(transcripts)
        self.station = load_station(path, clock=clock, backends=backends, transcripts=transcripts)
        accept_at_table(self.station.calibrations, self._found)
        self.simulated_as = ""
        """What is simulated, in words; empty for a real table."""
        if simulated:
            settings = simulated.settings
            self.simulated_as = f"truth {settings.truth}, seed {settings.seed}"
            # what a run records of its station is what was simulated, not what the file says
            self.station.file = simulated_file(file, settings.truth, settings.seed)

    @classmethod
    def for_run(
        cls,
        run: str,
        station_file: str | Path | None = None,
        output: str | Path | None = None,
        *,
        transcripts: Path | None = None,
    ) -> tuple["Session", Path]:
        """Open the table again for a run that was cut short; returns also the run's folder.

        A simulated table gets the truth and the seed that the run was begun with.

        Raises
        ------
        UsageError
            If there is no such run, it is finished, or it was begun at another station.
        StorageError
            If another process writes it, or it cannot be read.
        """
        path = find_station_file(station_file)
        file = read_station_file(path)
        folder = find_run(run, Path(output or file.station.data_folder))
        with RunReader(folder) as reader:
            refuse_hopeless(reader, file)
            changes = recorded_simulation(reader, file)
        session = cls(path, output or root_of(folder), simulation=changes, transcripts=transcripts)
        return session, folder

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        unconfirmed = self.close()
        if unconfirmed and not isinstance(value, SafetyError):
            before = f"; before that: {value}" if value else ""
            raise SafetyError(
                f"{self.station.name} is not known to be safe: {'; '.join(unconfirmed)}{before}",
                remedy="look at the table: close the shutters and switch the lasers off by hand",
            ) from value

    def close(self) -> list[str]:
        """Bring the table into its safe state and release all ports.

        Returns what could not be confirmed to be safe, one sentence each.
        """
        try:
            return list(self.station.safe())
        finally:
            self.station.close()

    @property
    def is_real_time(self) -> bool:
        """Tell whether the table's seconds are those of the wall."""
        return isinstance(self.station.clock, RealClock)

    @property
    def runs(self) -> Catalogue:
        """Return the catalogue of the runs in the output folder."""
        return Catalogue(self.output)

    @property
    def calibrations(self) -> dict[str, Calibration]:
        """Return the newest calibration of each kind, of the station and of this folder.

        What acts on the table itself (axis, powers, lasers) is that of the station: what a run
        found is not in force before somebody has accepted it.
        """
        now_utc = self.station.clock.utc()
        stored = self.station.calibrations.current(now_utc)
        of_table = table_kinds(self.station.file)
        found = self._found.current(now_utc)
        return stored | {kind: one for kind, one in found.items() if kind not in of_table}

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
        """Walk through a procedure without moving anything."""
        return dry_run(*self.prepare(name, values), self.station)

    def refuse_impossible(self, expected: DryRun, name: str, values: Mapping[str, Any]) -> None:
        """Raise `LimitError` if the table is certain to refuse what the parameters ask for."""
        refuse_impossible(expected, name, self.prepare(name, values)[1], self.station)

    def unit_of(self, channel: str) -> str:
        """Return the unit of a channel; empty if it has none."""
        return self.station.channels[channel].unit

    def run(
        self,
        name: str,
        values: Mapping[str, Any] | None = None,
        *,
        label: str = "",
        observer: Observer | None = None,
        control: Control | None = None,
    ) -> FinishedRun:
        """Run a procedure, analyse it and export it; `check()` of what it returns raises.

        Raises
        ------
        UsageError
            If the procedure or a parameter is unknown, missing or out of range.
        LimitError
            If the table would refuse what the parameters ask for; nothing was moved.
        StorageError
            If the run cannot be created.
        """
        procedure, parameters = self.prepare(name, values or {})
        expected = dry_run(procedure, parameters, self.station)
        refuse_impossible(expected, name, parameters, self.station)
        writer = RunWriter.create(self.output, name, clock=self.station.clock, label=label)
        outcome = execute(
            procedure,
            parameters,
            self.station,
            writer,
            control=control,
            observer=observer,
            expected=expected,
        )
        return self._finish(procedure, writer.path, outcome)

    def resume(
        self, run: str | Path, *, observer: Observer | None = None, control: Control | None = None
    ) -> FinishedRun:
        """Go on with a run that was cut short, by its number, name or folder.

        Raises
        ------
        UsageError
            If there is no such run, or it is finished.
        ReplayError
            If the plan has changed since.
        """
        folder = find_run(str(run), self.output)
        writer = RunWriter.reopen(folder, clock=self.station.clock)
        try:
            procedure = get_procedure(writer.starts()[0].procedure, self.packages)()
        except BaseException:
            writer.release()
            raise
        outcome = resume(procedure, self.station, writer, control=control, observer=observer)
        return self._finish(procedure, folder, outcome)

    def _finish(self, procedure: Procedure, folder: Path, outcome: Outcome) -> FinishedRun:
        """Analyse and export; a disk that refuses the export does not hide how the run ended."""
        files, problem = [folder / "run.sqlite"], ""
        with RunReader(folder) as reader:
            result, analysis_problem = analyse(procedure, reader, self.calibrations)
            duration_s = span_s(reader)
            try:
                files.append(export_run(reader, folder / f"{reader.run}.nxs"))
                files.append(save_result(folder, result, analysis_problem))
                for calibration in result.calibrations:
                    self._found.folder.save(calibration)
            except LabctlError as error:
                problem = error.message
            # neither may a library that stumbles over a point
            except Exception as error:  # noqa: BLE001
                problem = f"the export failed: {type(error).__name__}: {error}"
        return FinishedRun(
            procedure.name,
            folder,
            outcome,
            result,
            duration_s,
            tuple(files),
            analysis_problem=analysis_problem,
            export_problem=problem,
        )

    def _continued(self, clock: Clock) -> Clock:
        """Let a virtual clock go on after the newest run and calibration of the output folder.

        Otherwise a calibration made by the command before would lie in the future.
        """
        if not isinstance(clock, VirtualClock):
            return clock
        stamps = [measured_at(item) for item in self._found.folder.items]
        last = last_sign_of_life(self.output)
        return VirtualClock(max([clock.utc(), *stamps, *([last] if last else [])]))
