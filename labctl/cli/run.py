"""Run procedures and go on with interrupted runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labctl.cli.output import print_json, print_table, say
from labctl.cli.procedures import Json
from labctl.core.errors import UsageError

if TYPE_CHECKING:
    from labctl.engine import DryRun
    from labctl.service import FinishedRun, Session

Station = Annotated[Path, typer.Option(help="Station file.")]
Output = Annotated[Path | None, typer.Option(help="Folder for runs; else the station's.")]
Transcripts = Annotated[
    Path | None, typer.Option(help="Folder for a log of every byte of every port.")
]
SIMULATED = Path("configs/simulated.toml")


def run(
    procedure: str,
    station: Station = SIMULATED,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key=value; units as typed, repeatable.")
    ] = None,
    label: Annotated[str, typer.Option(help="A word for the run's name.")] = "",
    output: Output = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check limits, list moves, predict the duration.")
    ] = False,
    transcripts: Transcripts = None,
    json: Json = False,
) -> None:
    """Run a procedure; Ctrl-C stops after the point, twice aborts with shutters closed."""
    from labctl.service import Session

    values = parse_settings(set_ or [])
    # a wrong name or value is found before any port is opened
    _check_early(station, procedure, values)
    with Session(station, output, transcripts=transcripts) as table:
        if dry_run:
            show_dry_run(table.dry_run(procedure, values), json)
            return
        finished = watched(table, procedure, values, label)
    report(finished, json)


def resume(
    run: str,
    station: Station = SIMULATED,
    output: Output = None,
    transcripts: Transcripts = None,
    json: Json = False,
) -> None:
    """Go on with a run that was cut short, at the point that was not yet committed."""
    from labctl.cli.watch import Watch
    from labctl.service import Session

    with Session(station, output, transcripts=transcripts) as table, Watch() as watch:
        finished = table.resume(run, observer=watch.observe, control=watch.control)
    report(finished, json)


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """Return `key=value` texts as a dictionary; raises `UsageError` where '=' is missing."""
    values: dict[str, Any] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {text!r}: write it as key=value")
        if key.strip() in values:
            raise UsageError(f"--set {key.strip()}: given twice")
        values[key.strip()] = value.strip()
    return values


def watched(table: "Session", procedure: str, values: dict[str, Any], label: str) -> "FinishedRun":
    """Run with progress on standard error and Ctrl-C as stop and abort."""
    from labctl.cli.watch import Watch

    with Watch() as watch:
        return table.run(
            procedure, values, label=label, observer=watch.observe, control=watch.control
        )


def report(finished: "FinishedRun", json: bool) -> None:
    """Say where the data is and what was found; raise if the run did not finish."""
    from labctl.service.results import result_json

    if json:
        print_json(
            {
                "run": finished.folder.name,
                "procedure": finished.procedure,
                "state": finished.outcome.state.value,
                "points": finished.outcome.points,
                "files": [str(path) for path in finished.files],
                **result_json(finished.result, finished.analysis_problem),
            }
        )
    else:
        _print_result(finished)
    for warning in (*finished.result.warnings, *finished.outcome.warnings):
        say(f"warning: {warning}")
    if finished.analysis_problem:
        say(f"no result: {finished.analysis_problem}")
    finished.outcome.check()


def _print_result(finished: "FinishedRun") -> None:
    outcome = finished.outcome
    print(f"run {finished.folder.name}: {outcome.state.value}, {outcome.points} points")
    for path in finished.files:
        print(f"  {path}")
    for one in finished.result.temperatures:
        print(
            f"  {one.region} {one.condition.power_w * 1e6:.3g} µW ({one.thermometer}): "
            f"{one.value_k:.1f} ± {one.sigma_k:.1f} K"
        )
    for name, value in finished.result.numbers.items():
        if isinstance(value, float | int | str):
            print(f"  {name}: {value:.6g}" if isinstance(value, float) else f"  {name}: {value}")
    for verdict in finished.result.verdicts:
        print(f"  {verdict.region}: {verdict.statement} ({verdict.significance:+.1f} σ)")


def show_dry_run(plan: "DryRun", json: bool) -> None:
    """Print what a plan would do; raise if a limit would be violated."""
    from labctl.cli.progress import format_time_left
    from labctl.core.errors import LimitError

    if json:
        print_json(
            {
                "points": plan.points,
                "duration_s": plan.total_s,
                "durations_s": dict(plan.durations_s),
                "dose_j": dict(plan.dose_j),
                "moves": [
                    {"point": m.number, "channel": m.channel, "value": m.value} for m in plan.moves
                ],
                "violations": list(plan.violations),
                "complete": plan.complete,
                "ended_by": plan.ended_by,
            }
        )
    else:
        rows = [
            (str(move.number), move.channel, f"{move.value}", f"{move.duration_s:.1f} s")
            for move in plan.moves
        ]
        print_table("Moves", ("before point", "channel", "to", "takes"), rows)
        print(f"{plan.points} points in {format_time_left(plan.total_s)}")
        for kind, duration_s in plan.durations_s.items():
            if duration_s:
                print(f"  {kind}: {format_time_left(duration_s)}")
        for beam, dose_j in plan.dose_j.items():
            print(f"  dose of {beam}: {dose_j:.3g} J")
        if not plan.complete:
            say(f"the walk ended early: {plan.ended_by}")
    if plan.violations:
        raise LimitError(
            f"{len(plan.violations)} limits would be violated: " + "; ".join(plan.violations[:5]),
            remedy="change the parameters; nothing was moved",
        )


def _check_early(station: Path, procedure: str, values: dict[str, Any]) -> None:
    from labctl.core.parameters import parse_parameters
    from labctl.core.procedure import get_procedure
    from labctl.station import read_station_file

    packages = read_station_file(station).station.procedures
    parse_parameters(get_procedure(procedure, packages).Parameters, values, procedure)
