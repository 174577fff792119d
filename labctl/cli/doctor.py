"""Ask every instrument whether it is there."""

from typing import Annotated

import typer

from labctl.cli.output import print_json, print_table
from labctl.cli.procedures import Json
from labctl.cli.run import SIMULATED, Station
from labctl.core.errors import InstrumentError


def doctor(
    station: Station = SIMULATED,
    json: Json = False,
    quiet: Annotated[bool, typer.Option(help="Print only what does not answer.")] = False,
) -> None:
    """Ask every instrument: reply, identity, remedy; exit code 4 if one does not answer."""
    from labctl.service.examine import examine_station

    rows = examine_station(station)
    shown = [row for row in rows if not (quiet and row.ok)]
    if json:
        print_json(
            [
                {
                    "instrument": row.instrument,
                    "resource": row.resource,
                    "ok": row.ok,
                    "reply": row.reply,
                    "identity": row.identity,
                    "remedy": row.remedy,
                }
                for row in shown
            ]
        )
    elif shown:
        print_table(
            f"Instruments of {station}",
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
            remedy="see the last column of the table",
        )
