"""Find items by what people type, and show them."""

from typing import Any

from labctl.cli.output import emit, print_json, say
from labctl.core.errors import UsageError

MOST_SHOWN = 20


def find_item(table: Any, text: str) -> str:
    """Return the identity that a text is, or is the start of."""
    if len(text) == 12:
        return text
    found = [item.id for item in table.queue.list() if item.id.startswith(text)]
    if len(found) != 1 or not text:
        raise UsageError(
            f"{'no' if not found else 'more than one'} item begins with {text!r}",
            remedy="'labctl queue list' shows the items",
        )
    return str(found[0])


def known_states(names: list[str]) -> list[str]:
    """Return names of states; raises `UsageError` with the nearest one."""
    from labctl.core.items import ItemState
    from labctl.core.parameters import nearest_hint

    known = [state.value for state in ItemState]
    for name in names:
        if name not in known:
            raise UsageError(f"unknown state {name!r}{nearest_hint(name, known)}")
    return names


def row_of(item: Any) -> tuple[str, ...]:
    """Return what a table shows of an item."""
    from labctl.cli.progress import format_time_left

    takes = "" if item.estimate_s is None else format_time_left(item.estimate_s)
    remark = item.reason or (item.runs[-1] if item.runs else "") or _conditions(item)
    return (item.id, item.state.value, _short(item.summary, 70), takes, _short(remark, 60))


def _conditions(item: Any) -> str:
    from labctl.cli.words import clock_time

    found = item.conditions
    parts = [f"after {found.after}"] if found.after else []
    if found.not_before:
        parts.append(f"not before {clock_time(found.not_before.isoformat())}")
    return ", ".join(parts)


def report(done: str, items: list[Any], json: bool) -> None:
    """Print what was done with items."""
    if json:
        print_json({"items": [item.model_dump(mode="json") for item in items]})
        return
    for item in items[:MOST_SHOWN]:
        _, _, what, takes, _ = row_of(item)
        quarantine = f"  IN QUARANTINE: {item.reason}" if item.state == "quarantined" else ""
        emit(f"{done} {item.id}  {what}{f', {takes}' if takes else ''}{quarantine}")
    if len(items) > MOST_SHOWN:
        emit(f"and {len(items) - MOST_SHOWN} more")
    if not items:
        say("nothing to do")


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def in_words(value: Any) -> str:
    """Return a JSON value as people read it."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return f"{value}"
