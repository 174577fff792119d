"""Serve a table to its clients: queue, API, safety."""

from pathlib import Path
from typing import Annotated

import typer

from labctl.cli.options import Station
from labctl.cli.output import say


def serve(
    station: Station = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder for runs; without it the one that the station file names.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port at the loopback interface; 0: a free one.")
    ] = 0,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=10_000, help="Speed of a simulated table's clock.", show_default=False
        ),
    ] = None,
) -> None:
    """Serve a table until Ctrl-C or SIGTERM: the run then ends with its point, all is closed."""
    import signal

    from labctl.core.errors import SafetyError
    from labctl.service.api.server import ApiServer, ApiSettings
    from labctl.service.daemon.daemon import Daemon
    from labctl.service.daemon.settings import DaemonSettings

    daemon = Daemon(station, data, DaemonSettings(speed=speed))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: daemon.stop())
    try:
        daemon.start()
        with ApiServer(daemon, ApiSettings(port=port)) as api:
            status = daemon.status()
            kind = f"simulated, clock × {status.speed:g}" if status.simulated else "real"
            say(f"serving {status.station} ({kind}); data in {daemon.place.data}")
            say(f"  http://127.0.0.1:{api.port}/  Ctrl-C ends after the point")
            daemon.wait()
    finally:
        unconfirmed = daemon.close()
    if unconfirmed:
        raise SafetyError(
            f"{daemon.place.file.station.name} is not known to be safe: {'; '.join(unconfirmed)}",
            remedy="look at the table: close the shutters and switch the lasers off by hand",
        )
    say("the service has ended; shutters closed and lasers off, confirmed")
