"""Keep how the window is arranged: themes, sizes of text, and layouts by name."""

import base64
import binascii
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.actions import Actions
from labctl.gui.state import State

VERSION = 1
LAST = "layout.last"
NAMED = "layouts."
_KEYS = {"light": "Ctrl+Shift+1", "dark": "Ctrl+Shift+2", "red": "Ctrl+Shift+3"}
_SIZE_KEYS = {"small": "Ctrl+-", "normal": "Ctrl+0", "large": "Ctrl++"}


class Layouts(QtCore.QObject):
    """Save and bring back layouts; one that no longer fits gives that of delivery."""

    changed = QtCore.Signal()

    def __init__(self, window: QtWidgets.QMainWindow, state: State, actions: Actions) -> None:
        super().__init__(window)
        self._window = window
        self._state = state
        self._delivered = b""
        for name in theme.themes():
            actions.add(
                f"theme.{name}", f"{name.capitalize()} theme", lambda name=name: self.paint(name),
                _KEYS[name], tooltip=_about(name), icon="theme", menu="Layout",
            )  # fmt: skip
        for size in theme.FONT_SIZES:
            actions.add(
                f"font.{size}", f"{size.capitalize()} text", lambda size=size: self.scale(size),
                _SIZE_KEYS[size], tooltip=f"{theme.FONT_SIZES[size]} point text", menu="Layout",
            )  # fmt: skip
        actions.add(
            "layout.save", "Save layout as …", self.ask_name,
            tooltip="Keep the arrangement of the docks under a name", icon="save", menu="Layout",
        )  # fmt: skip
        actions.add(
            "layout.reset", "Reset layout", self.reset,
            tooltip="Arrange the docks as delivered", icon="reset", menu="Layout",
        )  # fmt: skip

    # ---- look

    def paint(self, name: str) -> None:
        """Show a theme."""
        self._state.set("theme", name)
        self._apply()

    def scale(self, size: str) -> None:
        """Show text in a size."""
        self._state.set("font", size)
        self._apply()

    def _apply(self) -> None:
        app = QtWidgets.QApplication.instance()
        if isinstance(app, QtWidgets.QApplication):
            theme.apply(
                app,
                self._state.get("theme", theme.DEFAULT, str),
                self._state.get("font", "normal", str),
            )

    # ---- arrangement

    @property
    def names(self) -> list[str]:
        """Return the names of the layouts that are kept."""
        return [key.removeprefix(NAMED) for key in self._state.keys(NAMED)]

    def save(self, name: str) -> None:
        """Keep the arrangement under a name."""
        self._state.set(NAMED + name, self._packed())
        self.changed.emit()

    def load(self, name: str) -> bool:
        """Arrange as kept under a name; False if that no longer fits."""
        return self._unpack(self._state.get(NAMED + name, "", str))

    def remove(self, name: str) -> None:
        """Forget a layout."""
        self._state.remove(NAMED + name)
        self.changed.emit()

    def reset(self) -> None:
        """Arrange as delivered."""
        self._window.restoreState(QtCore.QByteArray(self._delivered), VERSION)

    def keep(self) -> None:
        """Keep the arrangement for the next time."""
        self._state.set(LAST, self._packed())
        geometry = self._window.normalGeometry()
        self._state.set(
            "window.rect", [geometry.x(), geometry.y(), geometry.width(), geometry.height()]
        )
        self._state.set("window.maximized", self._window.isMaximized())

    def restore(self) -> None:
        """Arrange as last time, on a screen that is there."""
        self._delivered = bytes(self._window.saveState(VERSION).data())
        self._place()
        self._unpack(self._state.get(LAST, "", str))

    def ask_name(self) -> None:
        """Ask for a name, without standing in the way."""
        dialog = QtWidgets.QInputDialog(self._window)
        dialog.setWindowTitle("Save layout")
        dialog.setLabelText("Name of the layout")
        dialog.textValueSelected.connect(lambda name: self.save(name.strip() or "layout"))
        dialog.open()

    def _place(self) -> None:
        screen = QtGui.QGuiApplication.primaryScreen().availableGeometry()
        rect: list[Any] = self._state.get("window.rect", [], list)
        wanted = QtCore.QRect(0, 0, min(1600, screen.width()), min(950, screen.height()))
        if len(rect) == 4 and all(isinstance(one, int) for one in rect):
            wanted = QtCore.QRect(*rect)
        seen = any(
            one.availableGeometry().intersects(wanted) for one in QtGui.QGuiApplication.screens()
        )
        if not seen or wanted.width() < 200 or wanted.height() < 200:
            wanted = screen
        self._window.setGeometry(wanted)
        if self._state.get("window.maximized", False, bool):
            self._window.setWindowState(QtCore.Qt.WindowState.WindowMaximized)

    def _packed(self) -> str:
        return base64.b64encode(self._window.saveState(VERSION).data()).decode("ascii")

    def _unpack(self, text: str) -> bool:
        if not text:
            return False
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return False
        if self._window.restoreState(QtCore.QByteArray(raw), VERSION):
            return True
        self.reset()
        return False


def _about(name: str) -> str:
    return {"red": "Colours for eyes that are adapted to the dark"}.get(name, f"{name} colours")
