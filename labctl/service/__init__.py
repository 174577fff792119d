"""Compose station, engine, store and simulation into a table that can be used."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labctl.service.session import FinishedRun, Session

__all__ = ["FinishedRun", "Session"]


def __getattr__(name: str) -> Any:
    # the session imports drivers' libraries: whoever lists runs need not wait for them
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from labctl.service import session

    return getattr(session, name)
