"""Offer the queue: look, add, edit, move, undo."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from labctl.core.errors import UsageError
from labctl.core.items import ItemId, ItemState, QueueItem
from labctl.service.api import schemas as s
from labctl.service.api.access import Editor, Present, Viewer
from labctl.service.api.identity import Identity
from labctl.service.api.problems import Missing
from labctl.service.api.table import Table

Count = Annotated[int, Query(ge=1, le=s.MOST_ITEMS)]
First = Annotated[int, Query(ge=0, le=1_000_000)]
States = Annotated[list[ItemState] | None, Query(max_length=20)]


def queue_router(table: Table) -> APIRouter:
    """Return the addresses below `/queue`."""
    router = APIRouter(prefix="/queue", tags=["queue"])
    _add_reading(router, table)
    _add_editing(router, table)
    _add_single(router, table)
    return router


def _add_reading(router: APIRouter, table: Table) -> None:
    @router.get("")
    def list_items(
        _: Viewer, state: States = None, first: First = 0, most: Count = 200
    ) -> s.ItemPage:
        """List the items in the order in which they run."""
        items = table.queue.list(tuple(state or ()))
        return s.ItemPage(
            items=items[first : first + most],
            total=len(items),
            revision=table.database.revision,
        )

    @router.get("/items/{item}")
    def get_item(item: ItemId, _: Viewer) -> QueueItem:
        """Return one item."""
        return existing(table, item)


def _add_editing(router: APIRouter, table: Table) -> None:
    @router.post("/add")
    def add_items(body: s.NewItems, identity: Editor) -> s.Items:
        """Add items, all or none, after their parameters and limits were checked.

        What a token adds runs when somebody at the table has approved it.
        """
        added = table.add([one.item(from_afar(identity)) for one in body.items])
        if body.at is not None:
            # what has begun in the meantime is where it should be
            with suppress(UsageError):
                table.queue.move([one.id for one in added], body.at)
        return s.Items(items=added)

    @router.post("/move")
    def move_items(body: s.Move, _: Editor) -> s.Items:
        """Move waiting items."""
        with known(table, body.ids):
            return s.Items(items=list(table.queue.move(body.ids, body.to)))

    @router.post("/remove")
    def remove_items(body: s.ItemIds, _: Editor) -> s.Items:
        """Remove items that do not run, all or none."""
        with known(table, body.ids):
            return s.Items(items=list(table.queue.remove(body.ids)))

    @router.post("/clear")
    def clear_queue(body: s.Clear, _: Editor) -> s.Items:
        """Remove all that waits."""
        return s.Items(items=list(table.queue.clear(ended=body.ended)))

    @router.post("/undo")
    def undo_edit(_: Present) -> s.Undone:
        """Take the last edit back; only at the table: what was removed would run."""
        undone = table.queue.undo()
        return s.Undone(**asdict(undone), summary=undone.summary)


def _add_single(router: APIRouter, table: Table) -> None:
    @router.post("/items/{item}/edit")
    def edit_item(item: ItemId, body: s.Changes, _: Present) -> QueueItem:
        """Change a waiting item; only at the table: it may ask for more power."""
        changes = {name: getattr(body, name) for name in body.model_fields_set}
        given = {name: value for name, value in changes.items() if value is not None}
        if not given:
            raise UsageError("no change is given", remedy="give parameters, label or conditions")
        with known(table, [item]):
            return table.queue.edit(item, **given)

    @router.post("/items/{item}/duplicate")
    def duplicate_item(item: ItemId, _: Present) -> QueueItem:
        """Add a copy behind an item; only at the table."""
        with known(table, [item]):
            return table.queue.duplicate(item)

    @router.post("/items/{item}/requeue")
    def requeue_item(item: ItemId, body: s.Requeue, _: Present) -> QueueItem:
        """Let an item that has ended wait again; only at the table."""
        with known(table, [item]):
            return table.queue.requeue(item, resume=body.resume, wait_s=body.wait_s)

    @router.post("/items/{item}/approve")
    def approve_item(item: ItemId, _: Present) -> QueueItem:
        """Let an interrupted or quarantined item go on; only at the table."""
        with known(table, [item]):
            return table.approve(item)


def from_afar(identity: Identity) -> str:
    """Return why what somebody adds must be approved; empty for people at the table.

    A queue opens shutters and sets powers: from afar nobody makes it do so.
    """
    return "" if identity.is_present else f"added from afar by {identity.who}"


def existing(table: Table, item: ItemId) -> QueueItem:
    """Return an item; raises `Missing`."""
    try:
        return table.queue.get(item)
    except UsageError as error:
        raise Missing(error.message, remedy=error.remedy) from error


@contextmanager
def known(table: Table, ids: list[ItemId]) -> Iterator[None]:
    """Tell an unknown item (404) from a refused edit (422)."""
    try:
        yield
    except UsageError:
        for one in ids:
            existing(table, one)
        raise
