"""Head a dock in the colours of the theme: the buttons of the style are grey in all of them."""

from qtpy import QtCore, QtWidgets

from labctl.gui import theme


class DockTitle(QtWidgets.QWidget):
    """Show the title of a dock, with buttons to float and to close it; it is moved by it."""

    def __init__(self, dock: QtWidgets.QDockWidget) -> None:
        super().__init__(dock)
        self._dock = dock
        label = QtWidgets.QLabel(dock.windowTitle())
        dock.windowTitleChanged.connect(label.setText)
        self._float = self._button("Float", lambda: dock.setFloating(not dock.isFloating()))
        self._close = self._button("Close", dock.close)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 2, 0)
        layout.setSpacing(1)
        layout.addWidget(label, 1)
        layout.addWidget(self._float)
        layout.addWidget(self._close)
        self.setAutoFillBackground(True)
        theme.changed().connect(self._paint)
        self._paint()

    def _button(self, what: str, slot: object) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setAutoRaise(True)
        button.setIconSize(QtCore.QSize(12, 12))
        name = f"{what} {self._dock.windowTitle()}"
        button.setToolTip(f"{name} (the menu View shows it again)" if what == "Close" else name)
        button.setAccessibleName(name)
        button.clicked.connect(slot)
        return button

    def _paint(self) -> None:
        now = theme.current()
        self.setStyleSheet(
            f"QLabel {{ color: {now.dim}; }} QToolButton {{ border: none; padding: 1px;"
            " background: transparent; }"
        )
        self._float.setIcon(theme.icon("float", now.dim))
        self._close.setIcon(theme.icon("close", now.dim))
