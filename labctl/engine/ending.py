"""Say what an exception means for a run."""

from labctl.core.errors import LabctlError, RunAborted
from labctl.core.journal import RunState


def end_of(error: BaseException, number: int, state: RunState) -> tuple[RunState, str]:
    """Return the end state and the reason, for an exception on the way to point `number`.

    `state` is the state in which it came: an interlock may have asked for an abort.
    """
    what = str(error) if isinstance(error, LabctlError) else f"{type(error).__name__}: {error}"
    was_asked = isinstance(error, RunAborted) or not isinstance(error, Exception)
    is_abort = was_asked or state is RunState.ABORTING
    return RunState.ABORTED if is_abort else RunState.FAILED, f"point {number}: {what}"


def as_labctl_error(error: BaseException, reason: str, run: str) -> LabctlError:
    """Return an exception as one that the command line can show."""
    if isinstance(error, LabctlError):
        return error
    if not isinstance(error, Exception):
        return RunAborted(reason, remedy=f"'labctl resume {run}' goes on")
    wrapped = LabctlError(reason, remedy="this is a mistake in labctl or a driver: report it")
    wrapped.__cause__ = error
    return wrapped
