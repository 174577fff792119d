"""List the procedures and their parameters."""

from typing import Annotated

import typer

from labctl.cli.options import Json, Station
from labctl.cli.output import print_json, print_table

app = typer.Typer(help="List the procedures; 'show NAME' prints parameters.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def list_procedures(context: typer.Context, station: Station = None, json: Json = False) -> None:
    """List the procedures; 'show NAME' prints the parameters of one."""
    if context.invoked_subcommand is not None:
        return
    from labctl.service.examine import procedures_of

    found = procedures_of(station)
    if json:
        print_json({name: procedure.summary() for name, procedure in found.items()})
        return
    rows = [(name, procedure.summary()) for name, procedure in found.items()]
    print_table("Procedures", ("name", "what it does"), rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Name of the procedure.")],
    station: Station = None,
    json: Json = False,
) -> None:
    """Print the parameters of a procedure with units, ranges and defaults."""
    from dataclasses import asdict

    from labctl.core.parameters import describe_parameters
    from labctl.service.examine import procedure_of

    procedure = procedure_of(station, name)
    rows = describe_parameters(procedure.Parameters)
    if json:
        print_json(
            {
                "procedure": name,
                "summary": procedure.summary(),
                "parameters": [asdict(row) for row in rows],
                "schema": procedure.Parameters.model_json_schema(),
            }
        )
        return
    print_table(
        f"{name}: {procedure.summary()}",
        ("parameter", "unit", "default", "allowed", "meaning"),
        [
            (
                row.name,
                row.unit,
                "required" if row.required else row.default,
                row.allowed,
                row.description,
            )
            for row in rows
        ],
    )
