"""Look at and edit the queue of a served table."""

from pathlib import Path
from typing import Annotated

import typer

from labctl.cli.options import Json
from labctl.cli.output import emit, print_json, print_table, say
from labctl.cli.queue_options import (
    After,
    At,
    Deadline,
    Item,
    Label,
    NotBefore,
    OnFailure,
    OnlyIf,
    OnRecovery,
    Retries,
    RetryWait,
    Settings,
    Several,
)
from labctl.cli.queue_words import find_item, in_words, known_states, report, row_of
from labctl.cli.served import Data, open_table

app = typer.Typer(
    help="Look at and edit the queue of a served table.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def add(
    procedure: Annotated[str, typer.Argument(help="Name; 'labctl procedures' lists them.")],
    set_: Settings = None,
    label: Label = None,
    at: At = None,
    not_before: NotBefore = None,
    deadline: Deadline = None,
    after: After = None,
    only_if: OnlyIf = None,
    retry: Retries = None,
    retry_wait: RetryWait = None,
    on_failure: OnFailure = None,
    on_recovery: OnRecovery = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add a run; it is checked now, and again before it starts."""
    from labctl.cli.queue_conditions import changed_conditions
    from labctl.cli.run import parse_settings

    values = parse_settings(set_ or [])
    with open_table(data) as table:
        status = table.status()
        conditions = changed_conditions(
            {}, status.utc, after=find_item(table, after) if after else None, not_before=not_before,
            deadline=deadline, only_if=only_if, retry=retry, retry_wait=retry_wait,
            on_failure=on_failure, on_recovery=on_recovery,
        )  # fmt: skip
        job = table.queue.add(procedure, values, label=label or "", conditions=conditions, at=at)
        item = job.item
    report("added", [item], json)
    if status.queue.paused:
        say(f"the queue does not go on: {status.queue.reason}; 'labctl continue' starts it")


@app.command("pause")
def insert_pause(
    label: Annotated[str, typer.Argument(help="What the operator has to do.")] = "",
    at: At = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Insert a pause for the operator."""
    with open_table(data) as table:
        report("added", [table.queue.insert_pause(label, at).item], json)


@app.command("list")
def list_items(
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only items in this state, repeatable.", show_default=False),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List the items in the order in which they run."""
    with open_table(data) as table:
        items = table.queue.list(known_states(state or []))
    if json:
        print_json({"items": [item.model_dump(mode="json") for item in items]})
        return
    waiting = 0
    rows = []
    for item in items:
        number = ""
        if item.state == "waiting":
            number, waiting = str(waiting), waiting + 1
        rows.append((number, *row_of(item)))
    print_table("Queue", ("", "item", "state", "what", "takes", "remark"), rows)


@app.command()
def show(item: Item, data: Data = None, json: Json = False) -> None:
    """Show one item with parameters, conditions and runs."""
    with open_table(data) as table:
        found = table.queue.get(find_item(table, item))
    plain = found.model_dump(mode="json")
    if json:
        print_json(plain)
        return
    for name, value in plain.items():
        if name in ("parameters", "conditions"):
            for key, part in value.items():
                emit(f"{name}.{key}: {in_words(part)}")
        elif value not in ("", None, []):
            emit(f"{name}: {in_words(value)}")


@app.command()
def edit(
    item: Item,
    set_: Settings = None,
    label: Label = None,
    not_before: NotBefore = None,
    deadline: Deadline = None,
    after: After = None,
    only_if: OnlyIf = None,
    retry: Retries = None,
    retry_wait: RetryWait = None,
    on_failure: OnFailure = None,
    on_recovery: OnRecovery = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Change what is given of a waiting item, and leave the rest."""
    from labctl.cli.queue_conditions import changed_conditions
    from labctl.cli.run import parse_settings

    values = parse_settings(set_ or [])
    with open_table(data) as table:
        before = table.queue.get(find_item(table, item))
        known = before.model_dump(mode="json")
        conditions = changed_conditions(
            known["conditions"], table.status().utc,
            after=find_item(table, after) if after else after,
            not_before=not_before, deadline=deadline, only_if=only_if, retry=retry,
            retry_wait=retry_wait, on_failure=on_failure, on_recovery=on_recovery,
        )  # fmt: skip
        changed = table.queue.edit(
            before.id,
            parameters={**before.parameters, **values} if values else None,
            label=label,
            conditions=conditions if conditions != known["conditions"] else None,
        )
    report("changed", [changed], json)


@app.command()
def move(
    items: Several,
    to: Annotated[
        int, typer.Option(min=0, help="In front of the waiting item of this number, from 0.")
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Move waiting items, in the given order."""
    with open_table(data) as table:
        report("moved", table.queue.move([find_item(table, one) for one in items], to), json)


@app.command()
def duplicate(item: Item, data: Data = None, json: Json = False) -> None:
    """Add a copy behind an item."""
    with open_table(data) as table:
        report("added", [table.queue.duplicate(find_item(table, item)).item], json)


@app.command()
def remove(items: Several, data: Data = None, json: Json = False) -> None:
    """Remove items that do not run."""
    with open_table(data) as table:
        report("removed", table.queue.remove([find_item(table, one) for one in items]), json)


@app.command()
def clear(
    ended: Annotated[bool, typer.Option("--ended", help="Also what has ended.")] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Remove all that waits; 'labctl queue undo' brings it back."""
    with open_table(data) as table:
        report("removed", table.queue.clear(ended=ended), json)


@app.command()
def undo(data: Data = None) -> None:
    """Take the last edit back; repeat it for more."""
    with open_table(data) as table:
        emit(table.queue.undo())


@app.command()
def requeue(
    item: Item,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start a new run, even if one can be resumed.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let an item that has ended wait again; an interrupted run is resumed."""
    with open_table(data) as table:
        found = table.queue.requeue(find_item(table, item), resume=False if fresh else None)
        report("waits again", [found], json)


@app.command()
def approve(item: Item, data: Data = None, json: Json = False) -> None:
    """Let an interrupted or quarantined item go on."""
    with open_table(data) as table:
        report("approved", [table.queue.approve(find_item(table, item))], json)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="Queue file, .toml or .json.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Add the items of a queue file; altered ones are put into quarantine."""
    from datetime import datetime

    from labctl.core.clock import VirtualClock
    from labctl.service.queue.files import read_queue_file

    with open_table(data) as table:
        # '+2 h' in the file counts from the time of the table
        clock = VirtualClock(datetime.fromisoformat(table.status().utc))
        jobs = table.queue.add_all(read_queue_file(file, clock))
        items = table.queue.list()
    added = {job.id for job in jobs}
    report("added", [item for item in items if item.id in added], json)


@app.command("export")
def export_file(
    file: Annotated[Path, typer.Argument(help="Queue file to write, .toml or .json.")],
    all_: Annotated[bool, typer.Option("--all", help="Also what runs or has ended.")] = False,
    data: Data = None,
) -> None:
    """Write what waits to a queue file."""
    from labctl.service.queue.files import write_queue_file

    with open_table(data) as table:
        items = table.queue.list(() if all_ else ("waiting", "quarantined"))
    emit(f"{write_queue_file(file, items)}")
