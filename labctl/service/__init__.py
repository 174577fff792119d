"""Compose station, engine, store and simulation into a table that can be used."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labctl.engine import Control, DryRun
    from labctl.service.finished import FinishedRun
    from labctl.service.session import Session

__all__ = ["Control", "DryRun", "FinishedRun", "Session"]

_HOMES = {
    "Control": "labctl.engine",
    "DryRun": "labctl.engine",
    "FinishedRun": "labctl.service.finished",
    "Session": "labctl.service.session",
}


def __getattr__(name: str) -> Any:
    # the session imports drivers' libraries: whoever lists runs need not wait for them
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
