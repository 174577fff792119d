"""Keep the caret of text fields within the colours of the theme.

Qt draws it by inverting what lies below it: nearly white on the dark fields of the red theme,
which is what eyes adapted to the dark must not see. So a caret of the theme's text is laid over it.
"""

from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme

_BESIDE_PX = 5, 9
"""How far the rectangle that Qt tells of a caret reaches beyond it: to the left, and in all."""


Field = QtWidgets.QLineEdit | QtWidgets.QPlainTextEdit


class Carets(QtCore.QObject):
    """Lay a caret over that of whichever field has the focus."""

    def __init__(self, app: QtWidgets.QApplication) -> None:
        super().__init__(app)
        self._caret: _Caret | None = None
        app.focusChanged.connect(self._follow)

    @QtCore.Slot(object, object)
    def _follow(self, _: QtWidgets.QWidget | None, now: QtWidgets.QWidget | None) -> None:
        if self._caret is not None and theme.is_alive(self._caret):
            self._caret.hide()
            self._caret.deleteLater()
        if isinstance(now, QtWidgets.QAbstractSpinBox | QtWidgets.QComboBox):
            now = now.lineEdit()
        self._caret = _Caret(now) if isinstance(now, Field) else None


class _Caret(QtWidgets.QWidget):
    """Cover the caret of one field, and follow it."""

    def __init__(self, field: Field) -> None:
        self._watched = field.viewport() if isinstance(field, QtWidgets.QPlainTextEdit) else field
        super().__init__(self._watched)
        self._field = field
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._watched.installEventFilter(self)
        self._place()

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802
        """Follow whatever made the field paint itself again: typing, scrolling, another size."""
        if event.type() == QtCore.QEvent.Type.Paint and watched is self._watched:
            self._place()
        return False

    def _place(self) -> None:
        self.setGeometry(_place_of(self._field))
        self.setVisible(not _is_selected(self._field))

    def paintEvent(self, _: QtGui.QPaintEvent) -> None:  # noqa: N802
        """Fill it."""
        QtGui.QPainter(self).fillRect(self.rect(), QtGui.QColor(theme.current().text))


def _place_of(field: Field) -> QtCore.QRect:
    if isinstance(field, QtWidgets.QPlainTextEdit):
        return field.cursorRect()
    left_px, more_px = _BESIDE_PX
    query = QtCore.Qt.InputMethodQuery.ImCursorRectangle
    told: QtCore.QRect = QtCore.QRectF(field.inputMethodQuery(query)).toRect()
    width = max(told.width() - more_px, 1)
    return QtCore.QRect(told.x() + left_px, told.y(), width, told.height())


def _is_selected(field: Field) -> bool:
    if isinstance(field, QtWidgets.QPlainTextEdit):
        return field.textCursor().hasSelection()
    return field.hasSelectedText()
