"""Measure optical cooling on the simulated table and show the report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labctl.cli.options import Json, Seed, Station, Truth
from labctl.cli.output import emit, print_json, print_paragraph, print_table, say

if TYPE_CHECKING:
    from labctl.service.demo import DemoReport

HIDDEN = ("run", "99.73 % interval")
"""Columns that stand in the report but would not fit on a terminal."""


def demo(
    station: Station = None,
    output: Annotated[Path, typer.Option(help="Folder for runs and report.")] = Path("labctl-demo"),
    truth: Truth = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Measure optical cooling: calibration, power series, dual beam, temperature series."""
    from labctl.cli.watch import Watch
    from labctl.service.demo import run_demo
    from labctl.service.session import Session

    with Session(station, output, simulation={"truth": truth, "seed": seed}) as table:
        if table.simulated_as:
            say(f"SIMULATED TABLE: {table.simulated_as}")
        with Watch(real_time=table.is_real_time) as watch:
            report = run_demo(
                table, observer=watch.observe, control=watch.control, tell=watch.display.tell
            )
    if json:
        print_json(report.as_json())
    else:
        _print_report(report)


def _print_report(report: "DemoReport") -> None:
    from labctl.analysis.report.table import TableRow

    keep = [i for i, heading in enumerate(TableRow.HEADINGS) if heading not in HIDDEN]
    print_table(
        "Temperature of WSe2",
        [TableRow.HEADINGS[i] for i in keep],
        [[row.cells()[i] for i in keep] for row in report.rows],
    )
    for run in report.runs:
        for verdict in run.result.verdicts:
            emit(f"\n{verdict.region} ({run.procedure}): {verdict.statement.upper()}")
            print_paragraph(verdict.explanation)
        for warning in run.result.warnings:
            say(f"warning ({run.folder.name}): {warning}")
    emit("\nWritten:")
    for path in report.files:
        emit(f"  {path}")
