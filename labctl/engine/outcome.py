"""Say how a run ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from labctl.core.errors import LabctlError, PartialData, RunAborted, SafetyError, StorageError
from labctl.core.journal import RunState


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hold the end of a run.

    `points` is the number of points that are safe on disk. `unconfirmed` lists what could not
    be confirmed on the way to the safe state, `warnings` what else went wrong while ending.
    """

    run: str
    state: RunState
    points: int
    reason: str = ""
    error: LabctlError | None = None
    unconfirmed: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def check(self) -> None:
        """Return if the run finished; else raise an error with the exit code of its end.

        Raises
        ------
        SafetyError
            If an interlock ended the run, or the safe state could not be confirmed.
        RunAborted
            If a person or a signal ended it.
        StorageError
            If points could not be stored.
        PartialData
            If it ended early for another reason with at least one point; otherwise that reason.
        """
        if self.unconfirmed:
            raise SafetyError(
                f"run {self.run}: the safe state is not confirmed: {'; '.join(self.unconfirmed)}",
                remedy="look at the table: close the shutters and switch the lasers off by hand",
            ) from self.error
        if self.state is RunState.FINISHED:
            return
        if isinstance(self.error, (SafetyError, RunAborted, StorageError)):
            raise self.error
        if self.error is not None and not self.points:
            raise self.error
        raise PartialData(
            f"run {self.run} {self.state} with {self.points} points kept: {self.reason}",
            remedy=f"remove the cause, then 'labctl resume {self.run}'",
        ) from self.error
