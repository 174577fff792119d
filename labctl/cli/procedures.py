"""List the procedures and their parameters."""

from typing import Annotated

import typer

from labctl.cli.output import print_json, print_table

app = typer.Typer(help="List the procedures; 'show NAME' prints parameters.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback(invoke_without_command=True)
def list_procedures(context: typer.Context, json: Json = False) -> None:
    """List the procedures."""
    if context.invoked_subcommand is not None:
        return
    from labctl.core.procedure import find_procedures

    found = find_procedures()
    if json:
        print_json({name: procedure.summary() for name, procedure in found.items()})
        return
    rows = [(name, procedure.summary()) for name, procedure in found.items()]
    print_table("Procedures", ("name", "what it does"), rows)


@app.command()
def show(name: str, json: Json = False) -> None:
    """Print the parameters of a procedure with units, ranges and defaults."""
    from labctl.core.parameters import describe_parameters
    from labctl.core.procedure import get_procedure

    procedure = get_procedure(name)
    rows = describe_parameters(procedure.Parameters)
    if json:
        print_json(
            {
                "procedure": name,
                "summary": procedure.summary(),
                "parameters": [
                    {
                        "name": row.name,
                        "unit": row.unit,
                        "default": row.default,
                        "allowed": row.allowed,
                        "required": row.required,
                        "description": row.description,
                    }
                    for row in rows
                ],
                "schema": procedure.Parameters.model_json_schema(),
            }
        )
        return
    print_table(
        f"{name}: {procedure.summary()}",
        ("parameter", "unit", "default", "allowed", "meaning"),
        [
            (row.name, row.unit, row.default or "required", row.allowed, row.description)
            for row in rows
        ],
    )
