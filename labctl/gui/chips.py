"""Show a state in a word, an icon and a colour: never by its colour alone."""

from typing import Literal

from qtpy import QtCore, QtWidgets

from labctl.gui import theme

Level = Literal["ok", "warning", "bad", "stale", "plain"]


class Chip(QtWidgets.QFrame):
    """Show one state. `bad` is filled, so that it stands out in every theme."""

    def __init__(self, name: str, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.level: Level = "stale"
        self._icon_name = "unknown"
        self._icon = QtWidgets.QLabel()
        self._icon.setFixedSize(20, 20)
        self._text = QtWidgets.QLabel()
        self._text.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(6, 2, 8, 2)
        layout.setSpacing(5)
        layout.addWidget(self._icon)
        layout.addWidget(self._text)
        self.setObjectName("chip")
        theme.changed().connect(self._paint)
        self.tell("unknown", "unknown", "stale")

    @property
    def text(self) -> str:
        """Return what is shown."""
        return self._text.text()

    @property
    def icon_name(self) -> str:
        """Return the icon that is shown."""
        return self._icon_name

    def tell(self, text: str, icon: str, level: Level, tooltip: str = "") -> None:
        """Show a state."""
        is_new = (text, icon, level) != (self.text, self._icon_name, self.level)
        self._icon_name, self.level = icon, level
        self._text.setText(text)
        self.setToolTip(tooltip or f"{self.name}: {text}")
        self.setAccessibleName(f"{self.name}: {text}")
        if is_new or self._icon.pixmap().isNull():
            self._paint()

    def _paint(self) -> None:
        now = theme.current()
        colour = {"plain": now.text}.get(self.level) or str(getattr(now, self.level, now.text))
        fill, text = (colour, now.on_bad) if self.level == "bad" else (now.panel, colour)
        theme.dress(
            self,
            f"#chip {{ background: {fill}; border: 1px solid {colour}; border-radius: 4px; }}"
            f"QLabel {{ color: {text}; background: transparent;"
            f" font-weight: {'bold' if self.level == 'bad' else 'normal'}; }}",
        )
        self._icon.setPixmap(theme.icon(self._icon_name, text).pixmap(18, 18))
