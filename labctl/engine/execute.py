"""Start a run, or go on with one that was cut short."""

import datetime

from pydantic import ValidationError

from labctl.core.channels import Station
from labctl.core.errors import ReplayError, SafetyError, UsageError
from labctl.core.journal import Journal, RunStart, RunState
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.engine.control import Control
from labctl.engine.dry_run import DryRun, dry_run
from labctl.engine.events import Observer
from labctl.engine.outcome import Outcome
from labctl.engine.reporter import Reporter
from labctl.engine.run import Run
from labctl.engine.safety import make_safe
from labctl.engine.source import source_hash


def execute(
    procedure: Procedure,
    parameters: ParameterModel,
    station: Station,
    journal: Journal,
    *,
    control: Control | None = None,
    observer: Observer | None = None,
    expected: DryRun | None = None,
) -> Outcome:
    """Run a procedure on a station, committing each point to a journal before the next begins.

    On any error, an abort or an exception such as `KeyboardInterrupt`, the table is brought
    into its safe state first; then the plan and the journal are closed. Errors are returned in
    the outcome (`Outcome.check` raises them), only `SystemExit` and its like are raised again.

    Parameters
    ----------
    expected
        A dry run, for progress and time left; made here if there is an observer.
    """
    if observer is not None and expected is None:
        expected = dry_run(procedure, parameters, station)
    reporter = Reporter(observer, station.clock, expected)
    run = Run(procedure, parameters, station, journal, control or Control(), reporter)
    return run.conduct()


def resume(
    procedure: Procedure,
    station: Station,
    journal: Journal,
    *,
    control: Control | None = None,
    observer: Observer | None = None,
    expected: DryRun | None = None,
) -> Outcome:
    """Go on with a run where its record ends.

    The table is made safe, the plan is run again and answered from the record, the last `Set`
    of every channel and the `Wait`s after it are repeated, and the plan goes on live. A point
    that was half done is measured again from its start.

    Raises
    ------
    UsageError
        If the run is of another procedure, or finished already.
    SafetyError
        If the table cannot be confirmed to be safe.
    ReplayError
        If the plan does not ask for what the record says it asked for.
    """
    try:
        if unconfirmed := make_safe(station):
            raise SafetyError(
                f"run {journal.run} is not resumed: {'; '.join(unconfirmed)}",
                remedy="close the shutters by hand and repair the link, then resume",
            )
        first = _first_start(procedure, journal)
        parameters = _parameters_of(procedure, first)
        if observer is not None and expected is None:
            expected = dry_run(procedure, parameters, station)
        reporter = Reporter(observer, station.clock, expected)
        run = Run(procedure, parameters, station, journal, control or Control(), reporter)
        _rewind(run, procedure, first)
        attempt = len(journal.starts())
        gap_s = _gap_s(journal, run.last_point_utc, station.clock.utc())
    except BaseException:
        journal.release()
        raise
    return run.conduct(attempt, gap_s)


def _first_start(procedure: Procedure, journal: Journal) -> RunStart:
    starts, states = journal.starts(), journal.states()
    if not starts:
        raise UsageError(
            f"run {journal.run} was cut short before it began", remedy="start a new run"
        )
    if starts[0].procedure != procedure.name:
        raise UsageError(
            f"run {journal.run} is of procedure {starts[0].procedure!r}, not {procedure.name!r}"
        )
    if states and states[-1].state is RunState.FINISHED:
        raise UsageError(f"run {journal.run} is finished", remedy="start a new run")
    return starts[0]


def _parameters_of(procedure: Procedure, first: RunStart) -> ParameterModel:
    try:
        return procedure.Parameters.model_validate(dict(first.parameters))
    except ValidationError as error:
        raise ReplayError(
            f"procedure {procedure.name!r} no longer accepts the parameters of the run: {error}",
            remedy=f"resume with the labctl {first.labctl_version} that began the run",
        ) from error


def _rewind(run: Run, procedure: Procedure, first: RunStart) -> None:
    try:
        run.rewind()
    except ReplayError as error:
        now = source_hash(procedure)
        if now != first.source:
            cause = f"the source of the procedure has changed ({first.source} to {now})"
            remedy = "resume with the version that began the run, or start a new run"
        else:
            cause = "the plan depends on something besides parameters, seed and answers"
            remedy = "correct the procedure and start a new run"
        raise ReplayError(f"{error.message}; {cause}", remedy=remedy) from error


def _gap_s(
    journal: Journal, last_point_utc: datetime.datetime | None, now: datetime.datetime
) -> float:
    stamps = [start.utc for start in journal.starts()]
    stamps += [entry.utc for entry in journal.states() if entry.state is not RunState.INTERRUPTED]
    moments = [datetime.datetime.fromisoformat(text) for text in stamps]
    moments += [last_point_utc] if last_point_utc else []
    return (now - max(moments)).total_seconds()
