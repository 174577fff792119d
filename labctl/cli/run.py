"""Run procedures and go on with interrupted runs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from labctl.cli.options import Json, Output, Station, Transcripts
from labctl.cli.output import emit, print_json, print_table, say
from labctl.core.errors import UsageError

if TYPE_CHECKING:
    from labctl.service import DryRun, FinishedRun, Session


def run(
    procedure: Annotated[str, typer.Argument(help="Name; 'labctl procedures' lists them.")],
    station: Station = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="key=value; units as typed, repeatable.", show_default=False),
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
    values = parse_settings(set_ or [])

    from labctl.service.places import find_station_file
    from labctl.service.preflight import check_request

    file = find_station_file(station)
    # a wrong name or value is found before any port is opened
    check_request(file, procedure, values)

    from labctl.service.session import Session

    with Session(file, output, transcripts=transcripts) as table:
        if dry_run:
            show_dry_run(table, procedure, values, json)
        else:
            report(watched(table, procedure, values, label), json)


def resume(
    run: Annotated[str, typer.Argument(help="Number, name or folder of the run.")],
    station: Station = None,
    output: Output = None,
    transcripts: Transcripts = None,
    json: Json = False,
) -> None:
    """Go on with a run that was cut short, at the point that was not yet committed."""
    from labctl.cli.watch import Watch
    from labctl.service.session import Session

    opened, folder = Session.for_run(run, station, output, transcripts=transcripts)
    with opened as table:
        with Watch(real_time=table.is_real_time) as watch:
            finished = table.resume(folder, observer=watch.observe, control=watch.control)
        report(finished, json)


def parse_settings(settings: list[str]) -> dict[str, Any]:
    """Return `key=value` texts as a dictionary; raises `UsageError` where '=' is missing."""
    values: dict[str, Any] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UsageError(
                f"--set {text!r}: there is no '='",
                remedy="write it as key=value, such as --set exposure_s='20 s'",
            )
        if key.strip() in values:
            raise UsageError(f"--set {key.strip()}: given twice", remedy="give it once")
        values[key.strip()] = value.strip()
    return values


def watched(table: "Session", procedure: str, values: dict[str, Any], label: str) -> "FinishedRun":
    """Run with progress on standard error and Ctrl-C as stop and abort."""
    from labctl.cli.watch import Watch

    with Watch(real_time=table.is_real_time) as watch:
        return table.run(
            procedure, values, label=label, observer=watch.observe, control=watch.control
        )


def report(finished: "FinishedRun", json: bool) -> None:
    """Say where the data is and what was found; raise if the run did not finish."""
    from labctl.service.results import run_json

    if json:
        print_json(run_json(finished))
    else:
        _print_result(finished)
    for warning in finished.result.warnings:
        say(f"warning: {warning}")
    if finished.outcome.state.value == "finished" and finished.analysis_problem:
        say(f"no result: {finished.analysis_problem}")
    finished.check()
    for warning in finished.outcome.warnings:
        say(f"warning: {warning}")


def _print_result(finished: "FinishedRun") -> None:
    outcome = finished.outcome
    emit(f"run {finished.folder.name}: {outcome.state.value}, {outcome.points} points")
    for path in finished.files:
        emit(f"  {path}")
    for one in finished.result.temperatures:
        emit(
            f"  {one.region} {one.condition.power_w * 1e6:.3g} µW ({one.thermometer}): "
            f"{one.value_k:.1f} ± {one.sigma_k:.1f} K"
        )
    for name, value in finished.result.numbers.items():
        if isinstance(value, float | int | str):
            emit(f"  {name}: {value:.6g}" if isinstance(value, float) else f"  {name}: {value}")
    for verdict in finished.result.verdicts:
        emit(f"  {verdict.region}: {verdict.statement} ({verdict.significance:+.1f} σ)")


def show_dry_run(table: "Session", procedure: str, values: dict[str, Any], json: bool) -> None:
    """Print what a plan would do; raise if a limit would be violated for certain."""
    plan = table.dry_run(procedure, values)
    if json:
        from labctl.service.results import dry_run_json

        print_json(dry_run_json(plan))
    else:
        _print_plan(plan, table)
    table.refuse_impossible(plan, procedure, values)
    for text in plan.violations:
        say(f"on dummy answers, so it may not come to this: {text}")


def _print_plan(plan: "DryRun", table: "Session") -> None:
    from labctl.cli.progress import format_time_left
    from labctl.core.units import format_quantity

    def in_words(channel: str, value: Any) -> str:
        if not isinstance(value, float):
            return f"{value}"
        return format_quantity(value, table.unit_of(channel))

    rows = [
        (str(m.number), m.channel, in_words(m.channel, m.value), f"{m.duration_s:.1f} s")
        for m in plan.moves
    ]
    print_table("Moves", ("before point", "channel", "to", "takes"), rows)
    emit(f"{plan.points} points in {format_time_left(plan.total_s)}")
    for kind, duration_s in plan.durations_s.items():
        if duration_s:
            emit(f"  {kind}: {format_time_left(duration_s)}")
    for beam, dose_j in plan.dose_j.items():
        emit(f"  dose of {beam}: {dose_j:.3g} J")
    if not plan.complete:
        say(f"the walk ended early: {plan.ended_by}")
