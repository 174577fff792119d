"""Find any action by typing a part of its name."""

from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui.actions import Actions, Entry

ROLE = QtCore.Qt.ItemDataRole.UserRole


class Palette(QtWidgets.QDialog):
    """List all actions that fit what is typed; Enter does the chosen one."""

    def __init__(self, window: QtWidgets.QWidget, actions: Actions) -> None:
        super().__init__(window, QtCore.Qt.WindowType.Popup)
        self._window = window
        self._actions = actions
        self.field = QtWidgets.QLineEdit()
        self.field.setPlaceholderText("Type a part of an action, Enter does it")
        self.field.setAccessibleName("Action")
        self.list = QtWidgets.QListWidget()
        self.list.setAccessibleName("Actions that fit")
        self.list.setUniformItemSizes(True)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.field.textChanged.connect(self.search)
        self.field.installEventFilter(self)
        self.list.itemActivated.connect(lambda _: self.do())
        self.list.itemClicked.connect(lambda _: self.do())

    def open(self) -> None:
        """Show all actions."""
        self.field.clear()
        self.search("")
        width = min(620, self._window.width() - 40)
        left = (self._window.width() - width) // 2
        corner = self._window.mapToGlobal(QtCore.QPoint(left, 70))
        self.setGeometry(corner.x(), corner.y(), width, min(420, self._window.height() - 90))
        self.show()
        self.field.setFocus()

    def search(self, text: str) -> None:
        """List the actions whose menu or name holds every word typed."""
        self.list.clear()
        words = text.lower().split()
        for entry in self._actions:
            name = _name(entry)
            if all(word in name.lower() for word in words):
                item = QtWidgets.QListWidgetItem(
                    entry.action.icon(), f"{name}   {entry.keys}".rstrip()
                )
                item.setData(ROLE, entry.id)
                item.setToolTip(entry.action.toolTip())
                if not entry.action.isEnabled():
                    item.setFlags(QtCore.Qt.ItemFlag.NoItemFlags)
                self.list.addItem(item)
        self.list.setCurrentRow(0)

    def do(self) -> None:
        """Close, and do the chosen action."""
        item = self.list.currentItem()
        self.close()
        if item is not None:
            # a disabled action does nothing
            self._actions.trigger(str(item.data(ROLE)))

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802
        """Move in the list while the field has the focus."""
        if isinstance(event, QtGui.QKeyEvent) and event.type() == QtCore.QEvent.Type.KeyPress:
            key, keys = event.key(), QtCore.Qt.Key
            if key in (keys.Key_Down, keys.Key_Up):
                step = 1 if key == keys.Key_Down else -1
                row = min(max(self.list.currentRow() + step, 0), self.list.count() - 1)
                self.list.setCurrentRow(row)
                return True
            if key in (keys.Key_Return, keys.Key_Enter):
                self.do()
                return True
        return super().eventFilter(watched, event)


def _name(entry: Entry) -> str:
    text = entry.action.text().replace("&", "")
    return f"{entry.menu}: {text}" if entry.menu else text
