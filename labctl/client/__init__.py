"""Reach the service of a table: `labctl.connect()`."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labctl.client.events import Event, EventStream
    from labctl.client.runs import Job, Run
    from labctl.client.table import Table, connect

__all__ = ["Event", "EventStream", "Job", "Run", "Table", "connect"]

_HOMES = {
    "Event": "labctl.client.events",
    "EventStream": "labctl.client.events",
    "Job": "labctl.client.runs",
    "Run": "labctl.client.runs",
    "Table": "labctl.client.table",
    "connect": "labctl.client.table",
}


def __getattr__(name: str) -> Any:
    # a command line that only shows its help need not wait for pydantic
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
