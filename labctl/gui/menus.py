"""Make the menus from the registered actions, so that nothing is left out."""

from typing import TYPE_CHECKING

from qtpy import QtCore, QtWidgets

from labctl.gui.help import CheatSheet, FirstRun
from labctl.gui.palette import Palette

if TYPE_CHECKING:
    from labctl.gui.window import MainWindow

ORDER = (
    "Station", "Safety", "Acquire", "Queue", "Runs", "Instruments", "Calibrate", "View",
    "Spectrum", "Layout", "Help",
)  # fmt: skip


class Menus(QtCore.QObject):
    """Hold menu bar, command palette, cheat sheet and first-run card."""

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self._layouts_menu: QtWidgets.QMenu | None = None
        actions = window.registry
        self.palette = Palette(window, actions)
        self.sheet = CheatSheet(window, actions)
        self.first_run = FirstRun(window, window.state)
        actions.add(
            "help.palette", "Command palette", self.palette.open, "Ctrl+Shift+P", icon="search",
            tooltip="Find and do any action by its name", menu="Help",
        )  # fmt: skip
        actions.add(
            "help.keys", "Keys", self.sheet.open, ("?", "F1"), icon="help",
            tooltip="Show every action with its keys", menu="Help",
        )  # fmt: skip
        actions.add(
            "help.first", "First steps", self.first_run.show_card,
            tooltip="Show the card with the first steps", icon="info", menu="Help",
        )  # fmt: skip
        window.layouts.changed.connect(self._later)
        actions.changed.connect(self._later)
        self._timer = QtCore.QTimer(self, interval=0, singleShot=True)
        self._timer.timeout.connect(self.build)
        self.build()

    def build(self) -> None:
        """Make the menus anew."""
        bar = self._window.menuBar()
        bar.clear()
        menus: dict[str, QtWidgets.QMenu] = {}
        entries = list(self._window.registry)
        names = [*ORDER, *(e.menu for e in entries if e.menu and e.menu not in ORDER)]
        for name in dict.fromkeys(names):
            found = [entry for entry in entries if (entry.menu or "Station") == name]
            if found:
                menus[name] = bar.addMenu(name)
                menus[name].setToolTipsVisible(True)
                menus[name].addActions([entry.action for entry in found])
        self._add_layouts(menus["Layout"])

    def _later(self) -> None:
        self._timer.start()

    def _add_layouts(self, menu: QtWidgets.QMenu) -> None:
        layouts = self._window.layouts
        if layouts.names:
            menu.addSeparator()
        for name in layouts.names:
            action = menu.addAction(f"Layout: {name}")
            action.setToolTip(f"Arrange the docks as kept under {name}")
            action.triggered.connect(lambda _=False, name=name: layouts.load(name))
