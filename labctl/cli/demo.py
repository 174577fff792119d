"""Measure optical cooling on the simulated table and show the report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labctl.cli.output import print_json, print_table, say
from labctl.cli.procedures import Json
from labctl.cli.run import SIMULATED, Station

if TYPE_CHECKING:
    from labctl.service.demo import DemoReport


def demo(
    station: Station = SIMULATED,
    output: Annotated[Path, typer.Option(help="Folder for runs and report.")] = Path("labctl-demo"),
    truth: Annotated[str | None, typer.Option(help="A cools, B artefact, C nothing.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of all noise.")] = None,
    json: Json = False,
) -> None:
    """Measure optical cooling: calibration, power series, dual beam, temperature series."""
    from labctl.cli.progress import ProgressDisplay
    from labctl.cli.watch import Watch
    from labctl.service.demo import run_demo
    from labctl.service.session import Session

    with (
        Session(station, output, simulation={"truth": truth, "seed": seed}) as table,
        Watch(ProgressDisplay()) as watch,
    ):
        if table.simulated_as:
            say(f"SIMULATED: {table.simulated_as}")
        report = run_demo(table, observer=watch.observe, control=watch.control, tell=say)
    if json:
        print_json(report.as_json())
    else:
        _print_report(report)


def _print_report(report: "DemoReport") -> None:
    from labctl.analysis.report.table import TableRow

    hidden = ("run", "99.73 % interval")
    keep = [i for i, heading in enumerate(TableRow.HEADINGS) if heading not in hidden]
    print_table(
        "Temperature of WSe2",
        [TableRow.HEADINGS[i] for i in keep],
        [[row.cells()[i] for i in keep] for row in report.rows],
    )
    for run in report.runs:
        for verdict in run.result.verdicts:
            print(f"{verdict.region} ({run.procedure}): {verdict.statement.upper()}")
            print(f"  {verdict.explanation}")
        for warning in run.result.warnings:
            say(f"warning ({run.folder.name}): {warning}")
    print("Written:")
    for path in report.files:
        print(f"  {path}")
