"""Compose station, engine, store and simulation into a table that can be used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labctl.engine import Control, DryRun
    from labctl.service.archive import open_run
    from labctl.service.finished import FinishedRun
    from labctl.service.session import Session

__all__ = ["Control", "DryRun", "FinishedRun", "Session", "open_run"]

_HOMES = {
    "Control": "labctl.engine",
    "DryRun": "labctl.engine",
    "FinishedRun": "labctl.service.finished",
    "Session": "labctl.service.session",
    "open_run": "labctl.service.archive",
}


def __getattr__(name: str) -> Any:
    # the session imports drivers' libraries: whoever lists runs need not wait for them
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
