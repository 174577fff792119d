"""Make parts of the window when they are first seen, or when nothing else is to be done."""

from collections.abc import Callable

from qtpy import QtCore, QtGui, QtWidgets

LEAST_ACROSS, LEAST_DOWN = 600, 80
PAUSE_MS = 15
"""Between two parts the window answers to keys and clicks."""


class Late(QtWidgets.QWidget):
    """Hold the place of a widget that is made when it is first shown.

    `made` carries the widget. Before `may` says so it waits: a window is painted first.
    """

    made = QtCore.Signal(object)

    def __init__(
        self, make: Callable[[], QtWidgets.QWidget], may: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__()
        self._may = may
        self._make: Callable[[], QtWidgets.QWidget] | None = make
        self.widget: QtWidgets.QWidget | None = None
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)

    def fill(self) -> QtWidgets.QWidget:
        """Return the widget, made now if it was not made before."""
        if self._make is not None:
            make, self._make = self._make, None
            self.widget = make()
            layout = self.layout()
            if layout is not None:
                layout.addWidget(self.widget)
            self.setFocusProxy(self.widget)
            self.made.emit(self.widget)
        if self.widget is None:
            raise RuntimeError("a part of the window asked for itself while it was made")
        return self.widget

    def showEvent(self, event: QtGui.QShowEvent) -> None:  # noqa: N802
        """Make the widget."""
        if self._may():
            self.fill()
        super().showEvent(event)


class Scrolled(QtWidgets.QScrollArea):
    """Hold what may be taller (or, across, wider) than its place: it scrolls and is never cut."""

    def __init__(self, late: Late, across: bool) -> None:
        super().__init__()
        self._late = late
        self._across = across
        self.setWidgetResizable(True)
        self.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        never = QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        if across:
            self.setVerticalScrollBarPolicy(never)
        else:
            self.setHorizontalScrollBarPolicy(never)
        self.setWidget(late)
        late.installEventFilter(self)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802
        """Notice that what is inside needs another size."""
        if event.type() == QtCore.QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802
        """Return what is needed across the direction in which it scrolls."""
        inside = self._late.minimumSizeHint()
        if self._across:
            return QtCore.QSize(LEAST_ACROSS, inside.height() + 2)
        bar = self.verticalScrollBar().sizeHint().width()
        return QtCore.QSize(inside.width() + bar + 2, LEAST_DOWN)


class Idle(QtCore.QObject):
    """Fill one part after the other whenever the window has nothing else to do."""

    done = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._left: list[Late] = []
        self.has_begun = False
        self._timer = QtCore.QTimer(self, interval=PAUSE_MS)
        self._timer.timeout.connect(self._next)

    @property
    def is_done(self) -> bool:
        """Tell whether every part is made."""
        return not self._left

    def fill(self, parts: list[Late]) -> None:
        """Begin with these."""
        self.has_begun = True
        self._left = [part for part in parts if part.widget is None]
        self._timer.start()

    def finish(self, parts: list[Late]) -> None:
        """Make all that is left of these, now."""
        self.fill(parts)
        while self._left:
            self._next()

    def _next(self) -> None:
        while self._left and self._left[0].widget is not None:
            self._left.pop(0)
        if self._left:
            self._left.pop(0).fill()
        if not self._left:
            self._timer.stop()
            self.done.emit()
