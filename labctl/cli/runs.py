"""List, show and export runs."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from labctl.cli.output import print_json, print_table
from labctl.cli.procedures import Json
from labctl.core.units import format_quantity

app = typer.Typer(help="List, show and export runs.", no_args_is_help=True, rich_markup_mode=None)
Folder = Annotated[Path, typer.Option(help="Folder that holds the runs.")]
DATA = Path("data")


@app.command("list")
def list_runs(output: Folder = DATA, json: Json = False) -> None:
    """List the runs of a folder."""
    from labctl.service.archive import run_summaries

    runs = run_summaries(output)
    if json:
        print_json(
            [
                {
                    "run": run.name,
                    "number": run.number,
                    "procedure": run.procedure,
                    "label": run.label,
                    "state": run.state.value,
                    "points": run.points,
                    "start_utc": run.start_utc,
                    "duration_s": run.duration_s,
                    "folder": str(run.folder),
                    "problem": run.problem,
                }
                for run in runs
            ]
        )
        return
    print_table(
        f"Runs in {output}",
        ("run", "procedure", "state", "points", "begun (UTC)", "took"),
        [
            (
                run.name,
                run.procedure,
                run.problem or run.state.value,
                str(run.points),
                run.start_utc[:19],
                format_quantity(run.duration_s, "s"),
            )
            for run in runs
        ],
    )


@app.command()
def show(run: str, output: Folder = DATA, json: Json = False) -> None:
    """Show one run: parameters, states, points, results."""
    from labctl.service.archive import describe_run

    described = describe_run(output, run)
    if json:
        print_json(described)
        return
    for key in ("run", "procedure", "state", "points", "start_utc", "folder"):
        print(f"{key}: {described[key]}")
    print_table(
        "Parameters",
        ("parameter", "value"),
        [(name, f"{value}") for name, value in described["parameters"].items()],
    )
    print_table(
        "States",
        ("attempt", "state", "UTC", "reason"),
        [(str(s["attempt"]), s["state"], s["utc"], s["reason"]) for s in described["states"]],
    )
    temperatures = described["result"].get("temperatures", [])
    if temperatures:
        print_table(
            "Temperatures",
            ("region", "power", "thermometer", "T"),
            [
                (
                    one["region"],
                    format_quantity(one["condition"]["power_w"], "W", 3),
                    one["thermometer"],
                    f"{one['value_k']:.1f} ± {one['sigma_k']:.1f} K",
                )
                for one in temperatures
            ],
        )


@app.command()
def export(
    run: str,
    file_format: Annotated[
        Literal["nexus", "csv", "text"], typer.Option("--format", help="nexus, csv or text.")
    ] = "nexus",
    to: Annotated[Path | None, typer.Option(help="File, or folder for text.")] = None,
    output: Folder = DATA,
    json: Json = False,
) -> None:
    """Export a run as NeXus, CSV (one row a point) or text (two columns a spectrum)."""
    from labctl.service.archive import export

    written = export(output, run, file_format, to)
    if json:
        print_json([str(path) for path in written])
    else:
        for path in written:
            print(path)
