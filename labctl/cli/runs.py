"""List, show and export runs."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from labctl.cli.options import Json
from labctl.cli.output import emit, print_json, print_table, say

app = typer.Typer(help="List, show and export runs.", no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path, typer.Option(help="Folder that holds the runs.")]
Run = Annotated[str, typer.Argument(help="Number, name or folder of the run.")]
DATA = Path("data")


@app.command("list")
def list_runs(output: Folder = DATA, json: Json = False) -> None:
    """List the runs of a folder."""
    from labctl.cli.progress import format_time_left
    from labctl.service.archive import run_summaries, runs_json

    if json:
        print_json(runs_json(output))
        return
    found = run_summaries(output)
    print_table(
        f"Runs in {output}",
        ("run", "procedure", "state", "points", "begun (UTC)", "took"),
        [
            (
                run.name,
                run.procedure,
                "unreadable" if run.problem else run.state.value,
                str(run.points),
                run.start_utc[:19].replace("T", " "),
                format_time_left(run.duration_s),
            )
            for run in found
        ],
    )
    for run in found:
        if run.problem:
            say(f"{run.name}: {run.problem}")


@app.command()
def show(run: Run, output: Folder = DATA, json: Json = False) -> None:
    """Show one run: parameters, states, points, results."""
    from labctl.service.archive import describe_run

    described = describe_run(output, run)
    if json:
        print_json(described)
        return
    for key in ("run", "procedure", "state", "points", "start_utc", "station", "folder"):
        emit(f"{key}: {described[key]}")
    for kind, identity in described["calibrations"].items():
        emit(f"calibration {kind}: {identity}")
    emit("")
    print_table(
        "Parameters",
        ("parameter", "value"),
        [(name, _in_words(value)) for name, value in described["parameters"].items()],
    )
    emit("")
    print_table(
        "States",
        ("attempt", "state", "UTC", "reason"),
        [(str(s["attempt"]), s["state"], s["utc"], s["reason"]) for s in described["states"]],
    )
    _print_temperatures(described["result"].get("temperatures", []))


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_in_words(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else f"{value}"


def _print_temperatures(temperatures: list[dict[str, Any]]) -> None:
    from labctl.core.units import format_quantity

    if not temperatures:
        return
    emit("")
    print_table(
        "Temperatures",
        ("region", "power", "pump", "thermometer", "T"),
        [
            (
                one["region"],
                format_quantity(one["condition"]["power_w"], "W", 3),
                format_quantity(one["condition"]["pump_power_w"], "W", 3),
                one["thermometer"],
                f"{one['value_k']:.1f} ± {one['sigma_k']:.1f} K",
            )
            for one in temperatures
        ],
    )


@app.command()
def export(
    run: Run,
    file_format: Annotated[
        Literal["nexus", "csv", "text"], typer.Option("--format", help="nexus, csv or text.")
    ] = "nexus",
    to: Annotated[
        Path | None, typer.Option(help="File, or folder for text.", show_default=False)
    ] = None,
    output: Folder = DATA,
    json: Json = False,
) -> None:
    """Export a run as NeXus, CSV (one row a point) or text (two columns a spectrum)."""
    from labctl.service.archive import export

    written = export(output, run, file_format, to)
    if json:
        print_json({"files": [str(path) for path in written]})
    else:
        for path in written:
            emit(f"{path}")
