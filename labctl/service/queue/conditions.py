"""Decide which item is next: the one rule that the queue and the plan of the night share."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from labctl.core.items import ItemState, QueueItem


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold what the choice of the next item needs to know of one. Times are s since 1970."""

    id: str
    position: int
    is_pause: bool
    ready_s: float
    deadline_s: float
    after: str | None
    only_if: Literal["finished", "any"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold where the item named in `after` is."""

    state: ItemState
    position: int


LookUp = Callable[[str], Standing | None]


@dataclass(slots=True)
class Choice:
    """Hold the next item, or None; `skips` can never run and say why.

    `next_s` is when, without any other change, a waiting item becomes ready; else None.
    """

    entry: Entry | None = None
    skips: dict[str, str] = field(default_factory=dict)
    next_s: float | None = None


def entry_of(item: QueueItem, position: int) -> Entry:
    """Return what the choice needs to know of an item."""
    conditions = item.conditions
    starts = [when.timestamp() for when in (conditions.not_before,) if when]
    if item.ready_utc:
        starts.append(datetime.fromisoformat(item.ready_utc).timestamp())
    return Entry(
        id=item.id,
        position=position,
        is_pause=item.kind == "pause",
        ready_s=max(starts, default=-math.inf),
        deadline_s=conditions.deadline.timestamp() if conditions.deadline else math.inf,
        after=conditions.after,
        only_if=conditions.only_if,
    )


def is_claimable(item: QueueItem) -> bool:
    """Tell whether an item may start without a person having to say so."""
    if item.state is ItemState.INTERRUPTED:
        return item.conditions.on_recovery == "resume"
    return item.state is ItemState.WAITING


def has_ended(state: ItemState) -> bool:
    """Tell whether what waits for an item in this state may stop waiting."""
    return state.is_end and state is not ItemState.INTERRUPTED


def choose(entries: Iterable[Entry], now_s: float, look_up: LookUp) -> Choice:
    """Return the first item that may start now.

    An item whose conditions do not hold yet is passed over, but a pause is not: nothing behind
    it starts, and it waits for every item before it that can still run.

    Parameters
    ----------
    entries
        The claimable items in order.
    now_s
        The time, in s since 1970.
    look_up
        Gives state and position of any item by identity, or None if it is gone.
    """
    choice = Choice()
    passed: dict[str, Entry] = {}
    for entry in entries:
        skip = _why_never(entry, now_s, look_up)
        if skip:
            choice.skips[entry.id] = skip
        elif entry.is_pause:
            if not _any_can_run_before(entry, passed, look_up):
                choice.entry = entry
            break
        elif _may_start(entry, now_s, look_up):
            choice.entry = entry
            break
        else:
            passed[entry.id] = entry
            if entry.ready_s > now_s:
                choice.next_s = min(entry.ready_s, choice.next_s or math.inf)
    return choice


def _why_never(entry: Entry, now_s: float, look_up: LookUp) -> str:
    if now_s > entry.deadline_s:
        return "its deadline passed before it could start"
    if entry.after is None:
        return ""
    target = look_up(entry.after)
    if target is None:
        return f"the item {entry.after} that it waits for is gone"
    wrong_end = has_ended(target.state) and target.state is not ItemState.FINISHED
    if entry.only_if == "finished" and wrong_end:
        return f"the item {entry.after} that it waits for ended as {target.state}"
    return ""


def _may_start(entry: Entry, now_s: float, look_up: LookUp) -> bool:
    if entry.ready_s > now_s:
        return False
    target = look_up(entry.after) if entry.after else None
    return target is None or has_ended(target.state)


def _any_can_run_before(pause: Entry, passed: Mapping[str, Entry], look_up: LookUp) -> bool:
    """Tell whether a passed item does not depend on one behind the pause."""
    for entry in passed.values():
        seen: set[str] = set()
        link: str | None = entry.id
        while link is not None and link in passed and link not in seen:
            seen.add(link)
            link = passed[link].after
        if link in seen:
            continue
        target = look_up(link) if link else None
        ended = target is None or has_ended(target.state)
        if ended or (target is not None and target.position < pause.position):
            return True
    return False
