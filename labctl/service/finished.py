"""Hold a run that ended, with what its analysis found."""

from dataclasses import dataclass
from pathlib import Path

from labctl.core.errors import LabctlError, PartialData, RunAborted, StorageError
from labctl.core.results import Result
from labctl.engine import Outcome
from labctl.store.reader import RunReader


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """Hold a run that ended, what its analysis found, and the files that hold it.

    `analysis_problem` says why there is no result, `export_problem` which file could not be
    written, although the points are safe.
    """

    procedure: str
    folder: Path
    outcome: Outcome
    result: Result
    duration_s: float
    files: tuple[Path, ...]
    analysis_problem: str = ""
    export_problem: str = ""

    def open(self) -> RunReader:
        """Open the record of the run."""
        return RunReader(self.folder)

    def check(self) -> None:
        """Return if the run finished and everything is written; else say what to do.

        Raises
        ------
        LabctlError
            With the exit code of how the run ended (see `Outcome.check`).
        """
        try:
            self.outcome.check()
        except (PartialData, RunAborted, StorageError) as error:
            raise self._with_remedy(error) from error
        if self.export_problem:
            raise StorageError(
                f"run {self.folder.name}: all {self.outcome.points} points are safe, but "
                f"{self.export_problem}",
                remedy=f"make room, then 'labctl runs export {self.folder}'",
            )

    def _with_remedy(self, error: LabctlError) -> LabctlError:
        points, message = self.outcome.points, error.message
        if "kept" not in message:
            message += f" ({points} point{'' if points == 1 else 's'} kept)"
        command = f"'labctl resume {self.folder}'"
        remedy = error.remedy if isinstance(error, StorageError) else ""
        if "resume the run" in remedy:
            return type(error)(message, remedy=remedy.replace("resume the run", command))
        return type(error)(message, remedy=f"{remedy}; {command} goes on".removeprefix("; "))
