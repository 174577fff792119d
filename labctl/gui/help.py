"""Show every action with its keys, and the first steps."""

import html

from qtpy import QtCore, QtWidgets

from labctl.gui import theme
from labctl.gui.actions import Actions
from labctl.gui.state import State

SEEN = "first_run.seen"
FIRST_STEPS = (
    ("F5", "shows spectra live; nothing is saved"),
    ("F6", "saves one spectrum"),
    ("Ctrl+N", "chooses a procedure, Ctrl+Enter adds it to the queue"),
    ("Esc Esc", "closes all shutters and switches the lasers off"),
    ("?", "shows all keys; Ctrl+Shift+P finds any action by name"),
)


class CheatSheet(QtWidgets.QDialog):
    """List all actions by menu, with their keys."""

    def __init__(self, window: QtWidgets.QWidget, actions: Actions) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self.setWindowTitle("Keys")
        self.text = QtWidgets.QTextBrowser()
        self.text.setAccessibleName("All actions and their keys")
        close = QtWidgets.QPushButton("Close")
        close.setToolTip("Close the list of keys")
        close.setAccessibleName("Close")
        close.clicked.connect(self.reject)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(close, 0, QtCore.Qt.AlignmentFlag.AlignRight)

    def open(self) -> None:
        """Show the list as it is now."""
        self.text.setHtml(self.page())
        self.resize(min(820, self._window.width() - 80), min(640, self._window.height() - 80))
        super().open()

    def page(self) -> str:
        """Return the list as HTML."""
        dim = theme.current().dim
        parts = [_row("Esc Esc", "LASER OFF", "closes all shutters, from anywhere", dim)]
        by_menu: dict[str, list[str]] = {}
        for entry in self._actions:
            text = entry.action.text().replace("&", "")
            row = _row(entry.keys, text, entry.action.statusTip(), dim)
            by_menu.setdefault(entry.menu or "Station", []).append(row)
        for menu, rows in by_menu.items():
            parts.append(f"<tr><td colspan=3><h4>{html.escape(menu)}</h4></td></tr>{''.join(rows)}")
        return f"<table cellpadding=3>{''.join(parts)}</table>"


class FirstRun(QtWidgets.QFrame):
    """Show the first steps once, beside what is measured and in nobody's way."""

    def __init__(self, window: QtWidgets.QWidget, state: State) -> None:
        super().__init__(window)
        self._window = window
        self._state = state
        self.setObjectName("first_run")
        rows = "".join(_row(keys, what, "", "") for keys, what in FIRST_STEPS)
        self._text = QtWidgets.QLabel(f"<b>First steps</b><table cellpadding=3>{rows}</table>")
        self._text.setTextFormat(QtCore.Qt.TextFormat.RichText)
        close = QtWidgets.QPushButton("Got it")
        close.setToolTip("Close this card; Help brings it back")
        close.setAccessibleName("Close the first steps")
        close.clicked.connect(self.dismiss)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addWidget(self._text)
        layout.addWidget(close, 0, QtCore.Qt.AlignmentFlag.AlignRight)
        theme.changed().connect(self._paint)
        self._paint()
        self.hide()

    def show_if_new(self) -> None:
        """Show the card to whoever has not seen it."""
        if not self._state.get(SEEN, False, bool):
            self.show_card()

    def show_card(self) -> None:
        """Show the card."""
        self.adjustSize()
        # over the table at the bottom, which is empty at first
        size, room = self.size(), self._window.size()
        self.move(room.width() - size.width() - 12, room.height() - size.height() - 40)
        self.show()
        self.raise_()

    def dismiss(self) -> None:
        """Close the card for good."""
        self._state.set(SEEN, True)
        self.hide()

    def _paint(self) -> None:
        now = theme.current()
        self.setStyleSheet(
            f"#first_run {{ background: {now.raised}; border: 2px solid {now.accent};"
            f" border-radius: 6px; }} #first_run QLabel {{ color: {now.text}; }}"
        )


def _row(keys: str, text: str, about: str, dim: str) -> str:
    more = f"<span style='color:{dim}'>{html.escape(about)}</span>" if about else ""
    return (
        f"<tr><td><b>{html.escape(keys)}</b></td><td>{html.escape(text)}</td><td>{more}</td></tr>"
    )
