"""Notice Escape pressed twice, wherever the focus is: in fields, menus and dialogs too."""

from qtpy import QtCore, QtGui

WITHIN_MS = 1200
"""Both presses must come within this time."""

_TYPES = (
    QtCore.QEvent.Type.ShortcutOverride,
    QtCore.QEvent.Type.KeyPress,
    QtCore.QEvent.Type.KeyRelease,
)


class DoubleEscape(QtCore.QObject):
    """Watch the keys of every window that gets the focus; nothing is kept from its receiver.

    Keys are watched where they enter a window, before widgets and shortcuts see them: a filter
    for all events of the application would be called for every paint of a live view as well.
    Two presses are told apart by the release between them, and timed by when the keys were
    pressed: a window that is busy gets to them late.
    """

    pressed_twice = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._is_down = False
        self._first_ms: int | None = None
        app = QtCore.QCoreApplication.instance()
        if isinstance(app, QtGui.QGuiApplication):
            app.focusWindowChanged.connect(self.watch)
            self.watch(app.focusWindow())

    @QtCore.Slot(object)
    def watch(self, window: QtGui.QWindow | None) -> None:
        """Watch the keys of a window; allowed repeatedly."""
        self._is_down = False
        if window is not None:
            window.installEventFilter(self)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802, ARG002
        """Count presses of Escape."""
        if event.type() in _TYPES and isinstance(event, QtGui.QKeyEvent):
            self._take(event)
        return False

    def _take(self, event: QtGui.QKeyEvent) -> None:
        if event.key() != QtCore.Qt.Key.Key_Escape or event.isAutoRepeat():
            return
        if event.type() == QtCore.QEvent.Type.KeyRelease:
            self._is_down = False
        elif not self._is_down:
            self._is_down = True
            first_ms, self._first_ms = self._first_ms, event.timestamp()
            if first_ms is not None and 0 <= event.timestamp() - first_ms <= WITHIN_MS:
                self._first_ms = None
                self.pressed_twice.emit()
