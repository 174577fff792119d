"""Hold the options of the commands that edit a queue."""

from typing import Annotated, Literal

import typer

Item = Annotated[str, typer.Argument(help="Identity of the item, or the start of it.")]
Several = Annotated[list[str], typer.Argument(help="Identities of items, or the starts of them.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="key=value; units as typed, repeatable.", show_default=False),
]
Label = Annotated[str | None, typer.Option(help="A word for the run's name.", show_default=False)]
At = Annotated[
    int | None,
    typer.Option(
        min=0, help="In front of the waiting item of this number, from 0.", show_default=False
    ),
]
NotBefore = Annotated[
    str | None,
    typer.Option(
        help="Earliest start: '22:00+01:00', '+2 h', or date and time.", show_default=False
    ),
]
Deadline = Annotated[
    str | None, typer.Option(help="Skipped unless it has started by then.", show_default=False)
]
After = Annotated[
    str | None, typer.Option(help="Runs only when that item has ended.", show_default=False)
]
OnlyIf = Annotated[
    Literal["finished", "any"] | None,
    typer.Option(help="How the item of --after must have ended.", show_default=False),
]
Retries = Annotated[
    int | None,
    typer.Option(min=0, max=10, help="Further attempts after a failure.", show_default=False),
]
RetryWait = Annotated[
    str | None, typer.Option(help="Pause before an attempt, such as '5 min'.", show_default=False)
]
OnFailure = Annotated[
    Literal["skip", "pause", "stop"] | None,
    typer.Option(help="What a failure means for the rest.", show_default=False),
]
OnRecovery = Annotated[
    Literal["resume", "ask", "skip"] | None,
    typer.Option(help="What happens with it after a crash.", show_default=False),
]
