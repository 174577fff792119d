"""Give the views common keys: each acts on the view that is in front."""

from collections.abc import Callable
from typing import Any

from qtpy import QtCore, QtWidgets
from qtpy.compat import isalive

from labctl.gui.actions import Actions

_COMMANDS = (
    ("view.freeze", "&Freeze the view", "toggle_freeze", "Space", "freeze",
     "Keep what is shown; the measurement goes on"),
    ("view.units", "Cycle axis &units", "cycle_units", "U", "",
     "Show nm, eV or cm⁻¹ on the axis"),
    ("view.cursor", "&Cursor", "toggle_cursor", "C", "cursor",
     "Show a cursor that reads the spectrum in all units"),
    ("view.reset", "&Reset the view", "reset_view", "R", "reset",
     "Show everything that there is"),
    ("view.pin", "&Pin the trace", "pin_trace", "P", "pin",
     "Keep the present spectrum for comparison"),
    ("view.undo_region", "&Undo region", "undo_region", "Ctrl+Shift+Z", "undo",
     "Put the regions back to where they were"),
)  # fmt: skip
"""Id, text, method of the view, key, icon, help."""


class ViewCommands(QtCore.QObject):
    """Hold the views of a window, and do what a key says in the one that can be seen."""

    def __init__(self, actions: Actions) -> None:
        super().__init__(actions)
        self._views: list[QtWidgets.QWidget] = []
        for name, text, method, key, icon, tip in _COMMANDS:
            if name not in actions:
                actions.add(
                    name, text, self._calling(method), key, tooltip=tip, icon=icon, menu="View"
                )

    def add(self, view: QtWidgets.QWidget) -> None:
        """Take a view into account."""
        self._views.append(view)

    def _calling(self, method: str) -> Callable[[], None]:
        def run() -> None:
            for view in self._views:
                found: Any = getattr(view, method, None) if _is_alive(view) else None
                if found is not None and view.isVisible():
                    found()
                    return

        return run


def _is_alive(view: QtWidgets.QWidget) -> bool:
    return bool(isalive(view))  # type: ignore[no-untyped-call]


def join_commands(view: QtWidgets.QWidget, actions: Actions) -> None:
    """Let the common keys reach a view."""
    known = actions.findChild(ViewCommands)
    commands = known if isinstance(known, ViewCommands) else ViewCommands(actions)
    commands.add(view)
