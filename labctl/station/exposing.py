"""Hold shutters open for an exposure, and for no longer."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from labctl.core.errors import LabctlError, SafetyError
from labctl.station.beam import Beam


@contextmanager
def opened(beams: Sequence[Beam], dark: Sequence[Beam]) -> Iterator[None]:
    """Open the shutters of beams, and close them, verified, whatever happens."""
    for beam in dark:
        beam.guard.ensure_closed()
    problems: list[SafetyError] = []
    with ExitStack() as stack:
        # entered first, so left last: when every shutter has been told to close
        stack.callback(_raise_all, problems)
        for beam in beams:
            stack.callback(_close, beam, problems)
            beam.guard.open()
        yield


def _close(beam: Beam, problems: list[SafetyError]) -> None:
    try:
        beam.guard.close()
    except SafetyError as error:
        problems.append(error)


def _raise_all(problems: Sequence[LabctlError]) -> None:
    if problems:
        words = "; ".join(problem.message for problem in problems)
        raise SafetyError(words, remedy=problems[0].remedy)
