"""Show what was measured: each view is one file here that says which runs it can show."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, runtime_checkable

RunSummary = Mapping[str, Any]
"""What the service lists of a run: run, procedure, state, points, parameters, …"""


@runtime_checkable
class View(Protocol):
    """Describe a view: a widget class with these attributes, made with the context.

    A view that can also show runs of the past has `show_run(run)`, given an opened run.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    shortcut: ClassVar[str]

    @classmethod
    def accepts(cls, run: RunSummary) -> bool:
        """Tell whether the view can show a run."""
        ...


def load_views() -> Sequence[type[Any]]:
    """Return the view classes of every module in this folder, in the order of their shortcuts."""
    found: dict[str, type[Any]] = {}
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        module = importlib.import_module(info.name)
        for member in vars(module).values():
            if _is_view_of(member, module.__name__):
                found[member.id] = member
    return sorted(found.values(), key=lambda view: (view.shortcut or "~", view.title))


def _is_view_of(member: object, module_name: str) -> bool:
    return (
        isinstance(member, type)
        and member.__module__ == module_name
        and all(hasattr(member, name) for name in ("id", "title", "shortcut", "accepts"))
    )
