"""Say in words what an item of the queue asks for, with units."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from labctl.core.items import QueueItem
from labctl.core.units import format_quantity
from labctl.gui.queue.parameters import Parameter, Procedure, unit_in

Procedures = Mapping[str, Procedure]
MOST_SPELLED = 3
"""Values of a list that are spelled out."""


def what_of(item: QueueItem, procedures: Procedures) -> str:
    """Return what an item does on one line: its procedure and the parameters given."""
    if item.kind == "pause":
        return f"Pause: {item.label}" if item.label else "Pause for the operator"
    shown = ", ".join(f"{title} {value}" for title, value in parameters_of(item, procedures))
    return f"{item.procedure}  {shown}" if shown else item.procedure


def tip_of(item: QueueItem, procedures: Procedures) -> str:
    """Return all that is known of an item, a line each."""
    lines = [item.procedure or "pause"]
    lines += [f"{title}: {value}" for title, value in parameters_of(item, procedures)]
    lines += [text for text in (conditions_of(item), item.reason, *item.runs) if text]
    return "\n".join(lines)


def parameters_of(item: QueueItem, procedures: Procedures) -> list[tuple[str, str]]:
    """Return the given parameters in words; what is swept comes first."""
    procedure = procedures.get(item.procedure)
    known = {} if procedure is None else {one.name: one for one in procedure.parameters}
    order = list(known)
    names = sorted(item.parameters, key=lambda n: order.index(n) if n in known else len(order))
    found = []
    for name in names:
        parameter = known.get(name) or Parameter(name, unit=unit_in(name))
        found.append((parameter.title.lower(), shortened(item.parameters[name], parameter)))
    return found


def shortened(value: Any, parameter: Parameter) -> str:
    """Return a value with its unit; of a long list only its ends and its length."""
    if isinstance(value, list | tuple):
        parts = [shortened(one, parameter) for one in value]
        if len(parts) > MOST_SPELLED:
            return f"{parts[0]} … {parts[-1]} ({len(parts)})"
        return ", ".join(parts)
    if isinstance(value, float):
        return format_quantity(value, parameter.unit)
    return parameter.show(value)


def conditions_of(item: QueueItem) -> str:
    """Return when an item may run, in words; times are UTC."""
    found = item.conditions
    parts = [f"after {found.after}"] if found.after else []
    if found.not_before:
        parts.append(f"not before {found.not_before:%d %b %H:%M} UTC")
    if found.deadline:
        parts.append(f"not after {found.deadline:%d %b %H:%M} UTC")
    return ", ".join(parts)


def time_of(utc: str) -> str:
    """Return the time of day of a stamp, in UTC; empty if there is none."""
    try:
        return f"{datetime.fromisoformat(utc).astimezone(UTC):%H:%M}" if utc else ""
    except ValueError:
        return ""


def took_s(item: QueueItem) -> float | None:
    """Return how long the last attempt at an item took; None if it has not ended."""
    if not (item.state.is_end and item.started_utc and item.ended_utc):
        return None
    begun, ended = (datetime.fromisoformat(one) for one in (item.started_utc, item.ended_utc))
    return (ended - begun).total_seconds()
