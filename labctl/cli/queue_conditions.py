"""Turn the options of the command line into the conditions of an item."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from labctl.core.errors import UsageError


def changed_conditions(
    before: Mapping[str, Any], now: str, *, retry: int | None, retry_wait: str | None, **given: Any
) -> dict[str, Any]:
    """Return conditions as plain JSON: `before`, with what is given.

    `now` is the station's UTC time, from which `+2 h` counts; an empty text takes a condition
    away.

    Raises
    ------
    UsageError
        If a time is none.
    """
    changed = dict(before)
    for name, value in given.items():
        if value is None:
            continue
        if name in ("not_before", "deadline"):
            changed[name] = _time(name, value, now) if value else None
        else:
            changed[name] = value or None
    if retry is not None or retry_wait is not None:
        changed["retry"] = _retry(before.get("retry", {}), retry, retry_wait)
    return changed


def _time(name: str, text: str, now: str) -> str:
    from labctl.service.queue.times import read_time

    option = "--" + name.replace("_", "-")
    try:
        found = read_time(text, datetime.fromisoformat(now))
        return found if isinstance(found, str) else found.isoformat()
    except ValueError as error:
        raise UsageError(
            f"{option}: {error}", remedy=f"such as {option} '22:00+01:00' or {option} '+2 h'"
        ) from error


def _retry(before: Mapping[str, Any], most: int | None, wait: str | None) -> dict[str, Any]:
    from labctl.core.units import parse_quantity

    changed = dict(before)
    if most is not None:
        changed["most"] = most
    if wait is not None:
        changed["wait_s"] = parse_quantity(wait, "s")
    return changed
