"""Open the window of a table."""

from typing import Annotated

import typer

from labctl.cli.options import Station
from labctl.cli.served import Data


def gui(
    data: Data = None,
    sim: Annotated[
        bool,
        typer.Option("--sim", help="Use the simulated table; its data go to labctl-sim."),
    ] = False,
    station: Station = None,
) -> None:
    """Open the window; the service of the table is started if none runs.

    Closing the window touches no run: the service goes on.
    """
    import importlib

    from labctl.core.errors import ConfigError

    try:
        # by name: the faces of labctl do not know each other, and only one of them needs Qt
        window = importlib.import_module("labctl.gui.app")
    except ImportError as error:
        if not (error.name or "").startswith(("qtpy", "PySide6", "pyqtgraph", "superqt")):
            raise
        raise ConfigError(
            f"the window cannot be opened: {error}",
            remedy="install it: python -m pip install 'labctl[gui]'",
        ) from error
    code: int = window.run(data, sim=sim, station=station)
    if code:
        raise typer.Exit(code)
