"""Say what went wrong in the window itself: no box stands in the way of a run."""

from typing import Literal

from qtpy import QtCore, QtWidgets

from labctl.gui import theme

Level = Literal["info", "warning", "error"]
MOST = 3
"""Banners at a time; the oldest makes room."""

_COLOURS = {"info": "accent", "warning": "warning", "error": "bad"}


class Banner(QtWidgets.QFrame):
    """Show one message until somebody closes it."""

    closed = QtCore.Signal(object)

    def __init__(self, level: str, text: str, key: str) -> None:
        super().__init__()
        self.level, self.key = level, key
        self._icon = QtWidgets.QLabel()
        self._icon.setFixedWidth(22)
        self._text = QtWidgets.QLabel(text)
        self._text.setWordWrap(True)
        self._text.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(
            QtCore.Qt.TextInteractionFlag.TextSelectableByMouse
            | QtCore.Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._close = QtWidgets.QToolButton()
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.clicked.connect(lambda: self.closed.emit(self))
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(8, 3, 4, 3)
        layout.addWidget(self._icon)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._close)
        self.setObjectName("banner")
        self.setAccessibleName(f"{level}: {text}")
        theme.changed().connect(self._paint)
        self._paint()

    @property
    def text(self) -> str:
        """Return the message."""
        return self._text.text()

    def _paint(self) -> None:
        now = theme.current()
        colour = str(getattr(now, _COLOURS.get(self.level, "accent")))
        self.setStyleSheet(
            f"#banner {{ background: {now.panel}; border: 2px solid {colour};"
            f" border-radius: 3px; }} #banner QLabel {{ color: {now.text}; }}"
        )
        self._icon.setPixmap(theme.icon(self.level, colour).pixmap(20, 20))
        self._close.setIcon(theme.icon("close"))


class Banners(QtWidgets.QWidget):
    """Stack the messages; the same one is shown once."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QtWidgets.QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._shown: list[Banner] = []
        self.hide()

    @property
    def texts(self) -> list[str]:
        """Return the messages, the oldest first."""
        return [banner.text for banner in self._shown]

    def tell(self, level: str, text: str, key: str = "") -> None:
        """Show a message; one with the same `key` (or text) is replaced."""
        self.clear(key or text)
        if len(self._shown) >= MOST:
            self._drop(next((b for b in self._shown if b.level != "error"), self._shown[0]))
        banner = Banner(level, text, key or text)
        banner.closed.connect(self._drop)
        self._shown.append(banner)
        self._layout.addWidget(banner)
        self.show()

    def clear(self, key: str) -> None:
        """Remove the message of that key."""
        for banner in [one for one in self._shown if one.key == key]:
            self._drop(banner)

    def _drop(self, banner: Banner) -> None:
        if banner in self._shown:
            self._shown.remove(banner)
            self._layout.removeWidget(banner)
            banner.hide()
            banner.deleteLater()
        self.setVisible(bool(self._shown))
