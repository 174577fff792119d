"""Run a queue unattended in this process, and write the report of a night."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labctl.cli.options import Json, Output, Seed, Station, Truth
from labctl.cli.output import emit, print_json, print_table, say

if TYPE_CHECKING:
    from labctl.service.night.evening import Morning
    from labctl.service.night.settings import NightSettings

Pause = Annotated[str, typer.Option(help="How long a pause waits for somebody, such as '15 min'.")]
Radius = Annotated[
    str, typer.Option("--spot-radius", help="1/e² radius of the laser spot, for the dose.")
]
Dose = Annotated[
    float | None,
    typer.Option("--dose-limit", help="Warn above this dose of a spot, in J/cm².", min=0.0),
]


def queue_run(
    file: Annotated[
        Path | None,
        typer.Argument(help="Queue file; without one, what waits in the queue runs."),
    ] = None,
    station: Station = None,
    output: Output = None,
    truth: Truth = None,
    seed: Seed = None,
    pause: Pause = "15 min",
    continue_: Annotated[
        bool, typer.Option("--continue", help="Go on after a pause for which nobody came.")
    ] = False,
    spot_radius: Radius = "0.5 um",
    dose_limit: Dose = None,
    json: Json = False,
) -> None:
    """Run a queue to its end in this process, with nobody there; ends with the morning report.

    Ctrl-C stops after the point, twice aborts with shutters closed.
    """
    settings = _settings(pause, continue_, spot_radius, dose_limit)

    from labctl.cli.watch import Watch
    from labctl.service.night.evening import run_night

    with Watch(real_time=False) as watch:
        morning = run_night(
            station, file, output, settings=settings, simulation={"truth": truth, "seed": seed},
            notify=lambda title, text: say(f"{title}: {text}"), observer=watch.observe,
            control=watch.control,
        )  # fmt: skip
    _print(morning, json)
    morning.night.check()


def report(
    night: Annotated[bool, typer.Option("--night", help="The report of the last night.")] = False,
    begin: Annotated[
        str | None, typer.Option(help="Another night, by the UTC at which it began.")
    ] = None,
    output: Output = None,
    to: Annotated[Path | None, typer.Option(help="Folder for the page and its failures.")] = None,
    json: Json = False,
) -> None:
    """Write the morning report of a night again; also while the station is being served."""
    from labctl.core.errors import UsageError

    if not night and begin is None:
        raise UsageError(
            "there is one kind of report here, that of a night", remedy="'labctl report --night'"
        )
    from labctl.service.night.evening import report_again

    written = report_again(output or Path("data"), to=to, night=begin)
    if json:
        print_json({"page": str(written.page), "failures": [str(p) for p in written.failures]})
    else:
        emit(str(written.page))


def _settings(
    pause: str, goes_on: bool, spot_radius: str, dose_limit: float | None
) -> "NightSettings":
    from labctl.core.parameters import parse_parameters
    from labctl.service.night.settings import NightSettings

    return parse_parameters(
        NightSettings,
        {
            "pause_s": pause,
            "after_pause": "continue" if goes_on else "stop",
            "ledger": {"spot_radius_um": spot_radius, "dose_limit_j_per_cm2": dose_limit},
        },
        "queue run",
    )


def _print(morning: "Morning", json: bool) -> None:
    digest = morning.report.digest
    if json:
        print_json(
            {
                "night": digest.night,
                "ended_by": digest.ended_by,
                "points": digest.points,
                "items": [
                    {
                        "id": one.item.id,
                        "label": one.item.label,
                        "procedure": one.item.procedure,
                        "state": one.item.state.value,
                        "points": one.points,
                        "runs": list(one.item.runs),
                        "reason": one.item.reason,
                        "missing": one.missing,
                    }
                    for one in digest.items
                ],
                "gaps": len(digest.gaps),
                "faults": len(digest.faults),
                "failed_exchanges": len(digest.exchanges),
                "unconfirmed": list(digest.unconfirmed),
                "report": str(morning.report.page),
            }
        )
        return
    print_table(
        "The night",
        ("item", "state", "points", "run", "why"),
        [
            (one.item.label or one.item.summary[:40], one.item.state.value, str(one.points),
             " ".join(one.item.runs), one.item.reason.splitlines()[0] if one.item.reason else "")
            for one in digest.items
        ],
    )  # fmt: skip
    emit(f"\nMorning report: {morning.report.page}")
