"""Refuse edits that make no sense, with a sentence that says what to do instead."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ValidationError

from labctl.core.errors import UsageError
from labctl.core.items import Conditions, ItemId, ItemState, QueueItem, new_item_id
from labctl.core.parameters import nearest_hint, parse_parameters
from labctl.service.queue.content import canonical_json
from labctl.service.queue.examination import Examined, Examiner

MOST_WALKS = 200
"""Different items of one `add` that are walked through at once; the others when claimed."""
MOST_SHOWN = 10
_EDITABLE = ("procedure", "parameters", "label", "conditions")
_MOVABLE = (ItemState.WAITING, ItemState.INTERRUPTED)


def check_new(items: Sequence[QueueItem]) -> None:
    """Raise `UsageError` if an item has already begun, or two have the same identity."""
    for item in items:
        if item.state not in (ItemState.WAITING, ItemState.QUARANTINED) or item.attempts:
            raise UsageError(
                f"item {item.id} ({item.summary}) is {item.state}: only new items can be added",
                remedy="duplicate it, or requeue the one in the queue",
            )
    if len({item.id for item in items}) < len(items):
        raise UsageError("two of the items have the same identity")


def examine_all(items: Sequence[QueueItem], examine: Examiner | None) -> list[Examined]:
    """Return what an examination finds; raises `UsageError` naming every wrong item.

    Items in quarantine are not examined: they do not run.
    """
    if examine is None:
        return [Examined()] * len(items)
    contents: set[str] = set()
    found, wrong = [], []
    for number, item in enumerate(items, 1):
        if item.state is ItemState.QUARANTINED:
            found.append(Examined())
            continue
        contents.add(canonical_json([item.procedure, item.parameters]))
        one = examine(item, thorough=len(contents) <= MOST_WALKS)
        found.append(one)
        if one.problems:
            problems = "; ".join(one.problems[:MOST_SHOWN])
            wrong.append(f"item {number} ({item.summary[:120]}): {problems}")
    if wrong:
        more = f"\nand {len(wrong) - MOST_SHOWN} more" if len(wrong) > MOST_SHOWN else ""
        raise UsageError(
            "\n".join(wrong[:MOST_SHOWN]) + more,
            remedy="correct the items; nothing was added or changed",
        )
    return found


def checked(model: type[BaseModel], values: Mapping[str, Any]) -> Any:
    """Return a validated item or its conditions; raises `UsageError` naming the wrong keys."""
    try:
        return model.model_validate(dict(values))
    except ValidationError:
        parse_parameters(model, values, "queue item")
        raise


def changed(item: QueueItem, changes: Mapping[str, Any]) -> QueueItem:
    """Return an item with other content.

    Raises
    ------
    UsageError
        If it does not wait, a change is unknown or wrong, or its parameters are fixed because
        it goes on with a run.
    """
    for name in changes:
        if name not in _EDITABLE:
            raise UsageError(f"an item has no {name!r} to edit{nearest_hint(name, _EDITABLE)}")
    if item.state is not ItemState.QUARANTINED:
        check_editable([item], "edited", (ItemState.WAITING,))
    if item.resumes and {"procedure", "parameters"} & set(changes):
        raise UsageError(
            f"item {item.id} goes on with run {item.resumes}: its parameters are fixed",
            remedy="duplicate it and edit the copy, or requeue it with a new run",
        )
    values = {name: getattr(item, name) for name in QueueItem.model_fields} | dict(changes)
    if isinstance(values["conditions"], Mapping):
        values["conditions"] = checked(Conditions, values["conditions"])
    after: QueueItem = checked(QueueItem, values)
    return after


def check_editable(
    items: Sequence[QueueItem], done: str, states: Sequence[ItemState] = _MOVABLE
) -> None:
    """Raise `UsageError` if one of the items runs or has ended."""
    for item in items:
        if item.state in states:
            continue
        active = item.state in (ItemState.RUNNING, ItemState.PAUSED)
        raise UsageError(
            f"item {item.id} ({item.summary}) is {item.state}: it cannot be {done}",
            remedy="stop its run, or edit a duplicate of it"
            if active
            else "requeue it, or edit a duplicate of it",
        )


def check_unchanged(present: QueueItem, examined: QueueItem) -> None:
    """Raise `UsageError` if an item changed while its edit was examined.

    An estimate that the service has stored meanwhile is no change.
    """
    same = {"estimate_s": examined.estimate_s, "points": examined.points}
    if present.model_copy(update=same) != examined:
        raise UsageError(
            f"item {present.id} ({present.summary}) changed in the meantime: it is {present.state}",
            remedy="look at it and edit it again",
        )


def check_after(db: sqlite3.Connection, items: Sequence[QueueItem]) -> None:
    """Raise `UsageError` if an item waits for one that does not exist, or for itself."""
    new = {item.id: item.conditions.after for item in items}
    good: set[str] = set()
    for item in items:
        link: str | None = item.id
        chain: dict[str, None] = {}
        while link is not None and link not in good:
            if link in chain:
                raise UsageError(f"item {item.id} ({item.summary}) waits for itself")
            chain[link] = None
            link = new[link] if link in new else _after_of(db, link, item)
        good.update(chain)


def _after_of(db: sqlite3.Connection, item_id: ItemId, asker: QueueItem) -> ItemId | None:
    row = db.execute("SELECT after_id FROM items WHERE id=?", (item_id,)).fetchone()
    if row is None:
        raise UsageError(
            f"item {asker.id} ({asker.summary}) waits for {item_id}, which is not in the queue",
            remedy="'labctl queue list' shows the items",
        )
    return None if row[0] is None else str(row[0])


def check_removable(db: sqlite3.Connection, items: Sequence[QueueItem]) -> None:
    """Raise `UsageError` if an item runs, or one that stays waits for it."""
    removed = {item.id for item in items}
    for item in items:
        if item.state in (ItemState.RUNNING, ItemState.PAUSED):
            raise UsageError(
                f"item {item.id} ({item.summary}) is {item.state}: it cannot be removed",
                remedy="stop its run first",
            )
        waiting = db.execute(
            "SELECT id FROM items WHERE after_id=? AND claimable=1", (item.id,)
        ).fetchall()
        left = [row[0] for row in waiting if row[0] not in removed]
        if left:
            raise UsageError(
                f"item {left[0]} waits for {item.id} ({item.summary}): it cannot be removed",
                remedy="remove both, or edit the condition 'after' of the one that waits",
            )


def fresh_copy(item: QueueItem, now_utc: datetime) -> QueueItem:
    """Return a new item that asks for the same."""
    return QueueItem(
        id=new_item_id(),
        kind=item.kind,
        procedure=item.procedure,
        parameters=item.parameters,
        label=item.label,
        conditions=item.conditions,
        estimate_s=item.estimate_s,
        points=item.points,
        added_utc=now_utc.isoformat(),
    )


def requeued(item: QueueItem, resume: bool | None, wait_s: float, now_utc: datetime) -> QueueItem:
    """Return an item that waits again.

    Raises
    ------
    UsageError
        If it waits, runs or has finished, or there is no run to go on with.
    """
    if not item.state.is_end or item.state is ItemState.FINISHED:
        raise UsageError(
            f"item {item.id} ({item.summary}) is {item.state}: it cannot be requeued",
            remedy="duplicate it" if item.state.is_end else "",
        )
    last = item.runs[-1] if item.runs else ""
    if resume and not last:
        raise UsageError(f"item {item.id} ({item.summary}) has no run to go on with")
    resumes = item.resumes if resume is None else last if resume else ""
    ready = (now_utc + timedelta(seconds=wait_s)).isoformat() if wait_s > 0 else ""
    return item.model_copy(
        update={
            "state": ItemState.WAITING,
            "resumes": resumes,
            "ready_utc": ready,
            "crashes": 0,
            "reason": "",
        }
    )
