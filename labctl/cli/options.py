"""Hold the options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Station = Annotated[
    Path | None,
    typer.Option(
        help="Station file; without it configs/simulated.toml, here or beside the package.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        help="Folder for runs; without it the one that the station file names.",
        show_default=False,
    ),
]
Transcripts = Annotated[
    Path | None,
    typer.Option(help="Folder for a log of every byte of every port.", show_default=False),
]
Truth = Annotated[
    Literal["A", "B", "C"] | None,
    typer.Option(help="What is simulated: A cools, B an artefact, C nothing.", show_default=False),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Seed of all simulated noise.", show_default=False),
]
