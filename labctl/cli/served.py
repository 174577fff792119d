"""Reach the served table from the command line."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from labctl.client import Table

Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Data folder of the service, or its address (https://HOST:PORT); "
        "without it $LABCTL_URL, $LABCTL_DATA or 'data'.",
        show_default=False,
    ),
]


def open_table(data: str | None) -> "Table":
    """Return the served table that is meant."""
    from labctl.client import connect

    return connect(data)


def data_folder(data: str | None) -> Path | None:
    """Return the data folder that is meant, or None for a service somewhere else."""
    import os

    from labctl.client.finding import DATA, FOLDER, URL

    text = data or os.environ.get(URL) or os.environ.get(FOLDER) or str(DATA)
    return None if "://" in text else Path(text)
