"""Edit the queue of a service."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from labctl.client.connection import Connection
from labctl.client.runs import Job
from labctl.core.items import Conditions, ItemState, QueueItem, plain

MOST_ITEMS = 500
"""Items in one request."""

Items = list[QueueItem]
Jobs = list[Job]


class QueueClient:
    """Edit a queue; every edit is durable when its method returns, and can be undone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(
        self,
        procedure: str,
        parameters: Mapping[str, Any] | None = None,
        /,
        *,
        label: str = "",
        conditions: Conditions | Mapping[str, Any] | None = None,
        at: int | None = None,
        **more: Any,
    ) -> Job:
        """Add a run: `queue.add("power_series", powers="1 uW, 10 uW", label="flake-7")`.

        Parameters
        ----------
        procedure
            Name of a procedure.
        parameters, more
            Its parameters, units as people type them; keywords are parameters too.
        label
            A word for the run's name.
        conditions
            When it may run, and what happens if it fails; see `labctl.core.items.Conditions`.
        at
            Put it in front of the waiting item of this number, from 0; None: at the end.

        Raises
        ------
        UsageError
            If the procedure or a parameter is unknown, missing or out of range.
        """
        item = {
            "procedure": procedure,
            "parameters": {**(parameters or {}), **more},
            "label": label,
            "conditions": _plain(conditions),
        }
        return self._jobs("/queue/add", {"items": [item], "at": at})[0]

    def add_all(self, items: Sequence[QueueItem]) -> Jobs:
        """Add items with their identities; those in quarantine stay there.

        More than `MOST_ITEMS` are added in several steps, in order.
        """
        jobs: Jobs = []
        for first in range(0, len(items), MOST_ITEMS):
            part = [_as_new(item) for item in items[first : first + MOST_ITEMS]]
            jobs += self._jobs("/queue/add", {"items": part})
        return jobs

    def insert_pause(self, label: str = "", at: int | None = None) -> Job:
        """Insert a pause for the operator."""
        item = {"kind": "pause", "label": label}
        return self._jobs("/queue/add", {"items": [item], "at": at})[0]

    def list(self, states: Iterable[ItemState | str] = ()) -> Items:
        """Return the items in the order in which they run."""
        return list(self._pages([str(ItemState(state)) for state in states]))

    def get(self, item: str) -> QueueItem:
        """Return an item; raises `UsageError` if there is none."""
        return QueueItem.model_validate(self._connection.get(_path(item)))

    def job(self, item: str) -> Job:
        """Return an item as something to wait for."""
        return Job(self._connection, self.get(item))

    def edit(
        self,
        item: str,
        *,
        procedure: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        label: str | None = None,
        conditions: Conditions | Mapping[str, Any] | None = None,
    ) -> QueueItem:
        """Change a waiting item; parameters and conditions are replaced as a whole."""
        changes: dict[str, Any] = {"procedure": procedure, "label": label}
        changes["parameters"] = None if parameters is None else dict(parameters)
        changes["conditions"] = None if conditions is None else _plain(conditions)
        return self._one(
            "/edit", item, {name: value for name, value in changes.items() if value is not None}
        )

    def move(self, items: Sequence[str], to: int) -> Items:
        """Put items in front of the waiting item number `to`, counted without them."""
        return self._items("/queue/move", {"ids": list(items), "to": to})

    def duplicate(self, item: str) -> Job:
        """Add a copy behind an item."""
        return Job(self._connection, self._one("/duplicate", item))

    def remove(self, items: Sequence[str]) -> Items:
        """Remove items that do not run, all or none."""
        return self._items("/queue/remove", {"ids": list(items)})

    def clear(self, *, ended: bool = False) -> Items:
        """Remove what waits, and with `ended` also what has ended."""
        return self._items("/queue/clear", {"ended": ended})

    def requeue(self, item: str, *, resume: bool | None = None, wait_s: float = 0.0) -> QueueItem:
        """Let an item that has ended wait again; `resume` goes on with its last run."""
        return self._one("/requeue", item, {"resume": resume, "wait_s": wait_s})

    def approve(self, item: str) -> QueueItem:
        """Let an interrupted or quarantined item go on."""
        return self._one("/approve", item)

    def undo(self) -> str:
        """Take the last edit back; returns a line that says which."""
        return str(self._connection.post("/queue/undo")["summary"])

    def _pages(self, states: Sequence[str]) -> Iterator[QueueItem]:
        first, total = 0, 1
        while first < total:
            page = self._connection.get("/queue", state=states, first=first, most=1000)
            yield from (QueueItem.model_validate(one) for one in page["items"])
            first, total = first + 1000, page["total"]

    def _one(self, command: str, item: str, body: Mapping[str, Any] | None = None) -> QueueItem:
        return QueueItem.model_validate(self._connection.post(_path(item) + command, body))

    def _items(self, path: str, body: Mapping[str, Any]) -> Items:
        found = self._connection.post(path, body)["items"]
        return [QueueItem.model_validate(one) for one in found]

    def _jobs(self, path: str, body: Mapping[str, Any]) -> Jobs:
        return [Job(self._connection, item) for item in self._items(path, body)]


def _path(item: str) -> str:
    return f"/queue/items/{quote(item, safe='')}"


def _plain(conditions: Conditions | Mapping[str, Any] | None) -> dict[str, Any]:
    if isinstance(conditions, Conditions):
        return plain(conditions)
    return dict(conditions or {})


def _as_new(item: QueueItem) -> dict[str, Any]:
    kept = plain(item)
    fields = {name: kept[name] for name in ("kind", "procedure", "parameters", "label")}
    quarantined = item.state is ItemState.QUARANTINED
    reason = (item.reason or "in quarantine")[:300] if quarantined else ""
    return fields | {"id": item.id, "conditions": kept["conditions"], "quarantine": reason}
