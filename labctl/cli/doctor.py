"""Ask every instrument whether it is there."""

from typing import Annotated

import typer

from labctl.cli.options import Json, Station
from labctl.cli.output import print_json, print_table
from labctl.core.errors import InstrumentError


def doctor(
    station: Station = None,
    json: Json = False,
    quiet: Annotated[bool, typer.Option(help="Print only what does not answer.")] = False,
) -> None:
    """Ask every instrument: reply, identity, remedy; exit code 4 if one does not answer."""
    from dataclasses import asdict

    from labctl.service.examine import examine_station
    from labctl.service.places import find_station_file

    file = find_station_file(station)
    rows = examine_station(file)
    shown = [row for row in rows if not (quiet and row.ok)]
    if json:
        print_json({"station_file": str(file), "instruments": [asdict(row) for row in shown]})
    elif shown:
        print_table(
            f"Instruments of {file}",
            ("instrument", "resource", "", "reply", "identity", "remedy"),
            [
                (r.instrument, r.resource, "ok" if r.ok else "FAIL", r.reply, r.identity, r.remedy)
                for r in shown
            ],
        )
    failed = [row.instrument for row in rows if not row.ok]
    if failed:
        raise InstrumentError(
            f"{len(failed)} of {len(rows)} instruments do not answer as they should: "
            + ", ".join(failed),
            remedy="the last column of the table says what to do for each",
        )
