"""Show, tell and serve the simulated table."""

from typing import Annotated

import typer

from labctl.cli.options import Json, Seed, Station, Truth
from labctl.cli.output import emit, print_json, print_table, say

app = typer.Typer(
    help="The simulated table: serve, truth, parameters.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def parameters(json: Json = False) -> None:
    """List every number of the simulated table, for [simulation.override]."""
    from dataclasses import asdict

    from labctl.service.simulator import parameter_entries

    entries = parameter_entries()
    if json:
        print_json({"parameters": [asdict(entry) for entry in entries]})
        return
    print_table(
        "Numbers of the simulated table",
        ("name", "value", "unit", "meaning"),
        [(entry.name, f"{entry.value}", entry.unit, entry.description) for entry in entries],
    )


@app.command()
def truth(
    region: Annotated[str, typer.Option(help="Region of the sample.")],
    power: Annotated[str, typer.Option(help="Probe power at the sample, such as '100 uW'.")],
    pump: Annotated[str, typer.Option(help="Pump power at the sample.")] = "0 W",
    cryostat: Annotated[str, typer.Option(help="Temperature of the cryostat.")] = "298 K",
    truth: Truth = None,
    station: Station = None,
    json: Json = False,
) -> None:
    """Print the twin's true temperatures: for tests and for people, never for procedures."""
    from dataclasses import asdict

    from labctl.core.units import parse_quantity
    from labctl.service.places import find_station_file
    from labctl.service.simulator import true_state

    state = true_state(
        find_station_file(station),
        truth,
        region,
        parse_quantity(power, "W"),
        parse_quantity(pump, "W"),
        parse_quantity(cryostat, "K"),
    )
    if json:
        print_json(asdict(state))
        return
    rows = [(name, _in_words(value)) for name, value in asdict(state).items()]
    print_table("Truth of the simulated table", ("quantity", "value"), rows)


def _in_words(value: float | str | None) -> str:
    if value is None:
        return "none"
    return f"{value:.7g}" if isinstance(value, float) else value


@app.command()
def serve(
    station: Station = None,
    speed: Annotated[float, typer.Option(min=0.01, max=10_000, help="Speed of its clock.")] = 1.0,
    host: Annotated[str, typer.Option(help="Address of this machine to listen on.")] = "127.0.0.1",
    truth: Truth = None,
    seed: Seed = None,
) -> None:
    """Serve every simulated instrument on a TCP port; prints a station file for clients."""
    import signal
    import threading

    from labctl.service.places import find_station_file
    from labctl.service.simulator import ServedTable

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    changes = {"truth": truth, "seed": seed}
    with ServedTable(find_station_file(station), speed, host, changes) as table:
        emit(table.station_text().rstrip())
        say(f"serving {len(table.resources)} instruments on {host}; Ctrl-C ends")
        ended.wait()
