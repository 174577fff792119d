"""Describe docks, and find them: every part of the window says which docks it brings."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from qtpy import QtWidgets

import labctl.gui.panels
from labctl.gui.context import Context

Area = Literal["left", "right", "bottom"]
HOMES = ("labctl.gui.queue", "labctl.gui.alarms", "labctl.gui.runs", "labctl.gui.console")


@dataclass(frozen=True, slots=True)
class Dock:
    """Describe one dock; docks of the same `tab_group` share a place as tabs.

    `make` is called once, when the dock is first shown. `hidden` docks are opened from the menu.
    """

    id: str
    title: str
    area: Area
    make: Callable[[Context], QtWidgets.QWidget]
    tab_group: str = ""
    hidden: bool = False


def load_docks() -> Sequence[Dock]:
    """Return the docks of every module that has a list `DOCKS`."""
    found: dict[str, Dock] = {}
    for name in (*_panels(), *HOMES):
        if importlib.util.find_spec(name) is not None:
            module = importlib.import_module(name)
            for dock in getattr(module, "DOCKS", ()):
                found[dock.id] = dock
    return list(found.values())


def _panels() -> Iterator[str]:
    yield "labctl.gui.panels"
    for info in pkgutil.iter_modules(labctl.gui.panels.__path__, "labctl.gui.panels."):
        yield info.name
