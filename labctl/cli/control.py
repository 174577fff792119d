"""Control a served table: status, pause, continue, stop, abort, the safe state, tokens."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from labctl.cli.options import Json
from labctl.cli.output import emit, print_json, print_table, say
from labctl.cli.served import Data, data_folder, open_table
from labctl.core.errors import ConnectionFailed, LabctlError, SafetyError, UsageError

tokens = typer.Typer(
    help="Make and revoke tokens for other machines.", no_args_is_help=True, rich_markup_mode=None
)

_UNSAFE = "NOT CONFIRMED: switch the lasers off by hand and close the shutters, now"


def status(data: Data = None, json: Json = False) -> None:
    """Show what the served table does: beams, run, queue, values, alarms."""
    with open_table(data) as table:
        found = table.status()
    if json:
        print_json(found.model_dump(mode="json"))
        return
    from rich.text import Text

    from labctl.cli.words import describe

    lines = list(describe(found))
    width = max(len(line.name) for line in lines)
    print_lines([Text(f"{line.name:<{width}}  {line.text}", style=line.style) for line in lines])


def pause(
    now: Annotated[
        bool, typer.Option("--now", help="Do not finish the point; it is repeated later.")
    ] = False,
    data: Data = None,
) -> None:
    """Pause after the point being measured; without a run, no item starts."""
    with open_table(data) as table:
        table.pause("now" if now else "after_point")
    say("pausing now" if now else "pausing after this point; 'labctl continue' goes on")


def continue_(data: Data = None) -> None:
    """Go on after a pause, and work through the queue."""
    with open_table(data) as table:
        table.proceed()
    say("going on")


def stop(
    after: Annotated[Literal["run", "point"], typer.Option(help="What is still finished.")] = "run",
    data: Data = None,
) -> None:
    """Stop the queue after the present run; 'labctl continue' starts it again."""
    with open_table(data) as table:
        table.stop(after)
    say(f"stopping after this {after}")


def abort(
    reason: Annotated[str, typer.Option(help="Why, for the records.")] = "",
    data: Data = None,
) -> None:
    """End the run at once with shutters closed; the queue stops."""
    with open_table(data) as table:
        table.abort(reason)
    say("aborting; points that were committed are kept")


def safe(
    reset: Annotated[
        bool, typer.Option("--reset", help="Allow beams again, once the cause is removed.")
    ] = False,
    data: Data = None,
    station: Annotated[
        Path | None,
        typer.Option(help="Station file, in case no service runs.", show_default=False),
    ] = None,
) -> None:
    """Close the shutters and switch the lasers off, now, whatever is going on.

    It is tried in three ways: through the service, through its safety process, and, if nobody
    holds the instruments, by opening them here. The queue stops.
    """
    if reset:
        with open_table(data) as table:
            table.reset_latch()
        say("reset: beams may be opened again")
        return
    by, unconfirmed = _make_safe(data, station)
    if unconfirmed:
        raise SafetyError(f"{'; '.join(unconfirmed)} (asked: {by})", remedy=_UNSAFE)
    emit(f"safe: shutters closed and lasers off, confirmed by {by}")


def acknowledge(
    alarm: Annotated[int, typer.Argument(help="Number of the alarm; 'labctl status' shows it.")],
    data: Data = None,
) -> None:
    """Acknowledge an alarm."""
    with open_table(data) as table:
        found = table.acknowledge(alarm)
    say(f"acknowledged by {found.acknowledged_by}: {found.text}")


def audit(
    most: Annotated[int, typer.Option(min=1, max=1000, help="How many entries.")] = 30,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check that no entry was altered.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show who gave which command to the service."""
    with open_table(data) as table:
        proof = table.prove_audit() if verify else {}
        found = table.audit(most)
    if json:
        print_json({**found, "proof": dict(proof) or None})
        return
    rows = [
        (str(one["number"]), one["utc"][:19].replace("T", " "), one["who"], one["command"],
         one["result"].splitlines()[0][:80])
        for one in found["entries"]
    ]  # fmt: skip
    print_table("Audit", ("number", "UTC", "who", "command", "result"), rows)
    if proof:
        emit(f"{proof['entries']} entries, unbroken; the last one is {proof['head']}")


def notify_test(
    data: Annotated[
        Path | None, typer.Option(help="Data folder of the service.", show_default=False)
    ] = None,
) -> None:
    """Send a test message to every channel of notify.toml in the folder of the station."""
    from labctl.service.notify import FILE, Notice, read_notify_file, send_with_apprise

    file = (data or Path("data")) / "station" / FILE
    channels = read_notify_file(file).channel
    if not channels:
        raise UsageError(f"{file} names no channel", remedy="docs/remote.md shows one")
    notice = Notice("done", "labctl: a test", "This channel works.")
    refused = [channel.name for channel in channels if not send_with_apprise(channel, notice)]
    for channel in channels:
        emit(f"{channel.name}: {'NOT taken' if channel.name in refused else 'taken'}")
    if refused:
        raise LabctlError(
            f"{len(refused)} of {len(channels)} channels took nothing: {', '.join(refused)}",
            remedy="check their url, and that this machine reaches them",
        )


@tokens.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Whose token it is, such as 'phone of Ada'.")],
    role: Annotated[
        Literal["view", "queue", "operate", "admin"],
        typer.Option(
            help="view: look; queue: also propose and remove items; operate: also pause, stop, "
            "laser off; admin: also audit and tokens."
        ),
    ] = "view",
    days: Annotated[
        float, typer.Option(min=0.01, max=400, help="How long it is valid, in days.")
    ] = 30.0,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a token and print it, this once."""
    with open_table(data) as table:
        made = table.add_token(name, role, days)
    if json:
        print_json(dict(made))
        return
    emit(str(made["secret"]))
    say(f"token {made['id']}: {role}, until {made['expires_utc'][:16].replace('T', ' ')} UTC")
    say("it is not shown again; on the phone, open the page's address with '#token=…' behind it")


@tokens.command("list")
def list_tokens(data: Data = None, json: Json = False) -> None:
    """List tokens."""
    with open_table(data) as table:
        found = table.tokens()
    if json:
        print_json({"tokens": [dict(one) for one in found]})
        return
    print_table("Tokens", ("id", "name", "role", "expires (UTC)", ""), [_row(one) for one in found])


@tokens.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(help="Id of the token; 'tokens list' shows it.")],
    data: Data = None,
) -> None:
    """End a token at once."""
    with open_table(data) as table:
        revoked = table.revoke_token(token)
    say(f"token {revoked['id']} ({revoked['name']}) is revoked")


def print_lines(lines: list[Any]) -> None:
    """Print styled lines to standard output: in colour on a terminal, plain elsewhere."""
    import sys

    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=500, no_color=True)
    with console.capture() as captured:
        for line in lines:
            console.print(line, highlight=False, soft_wrap=True)
    emit(captured.get().rstrip("\n"))


def _make_safe(data: str | None, station: Path | None) -> tuple[str, list[str]]:
    try:
        with open_table(data) as table:
            return "the service", table.safe()
    except (ConnectionFailed, UsageError) as error:
        folder = data_folder(data)
        # a service somewhere else can only be asked; a role that may not is told so
        if folder is None or isinstance(error, UsageError):
            raise
        say(f"labctl: {error.message}")
    from labctl.service.last_resort import make_safe

    return make_safe(folder, station, "labctl safe")


def _row(token: Any) -> tuple[str, ...]:
    expires = token["expires_utc"][:16].replace("T", " ")
    state = "valid" if token["valid"] else "revoked" if token["revoked_utc"] else "expired"
    return (token["id"], token["name"], token["role"], expires, state)
