"""Draw at a steady pace: however fast data come, a widget paints at most 30 times per second."""

from collections.abc import Callable

from qtpy import QtCore, QtWidgets

PAINT_MS = 33
"""30 Hz: faster than the eye follows a spectrum."""


class Painter(QtCore.QObject):
    """Call `draw` once per tick while something is new and its widget can be seen.

    Without news the timer rests, so that an idle window costs nothing; what came while the
    widget was hidden is drawn when it is shown again.
    """

    def __init__(
        self, widget: QtWidgets.QWidget, draw: Callable[[], None], period_ms: int = PAINT_MS
    ) -> None:
        super().__init__(widget)
        self._widget = widget
        self._draw = draw
        self._is_new = False
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(period_ms)
        self._timer.timeout.connect(self._tick)
        widget.installEventFilter(self)

    def request(self) -> None:
        """Say that there is something new to draw."""
        self._is_new = True
        if not self._timer.isActive() and self._widget.isVisible():
            # the first news after a rest is drawn at once
            self._timer.start()
            QtCore.QTimer.singleShot(0, self, self._tick)

    def flush(self) -> None:
        """Draw now what is new, seen or not."""
        if self._is_new:
            self._is_new = False
            self._draw()

    def eventFilter(  # noqa: N802
        self, watched: QtCore.QObject, event: QtCore.QEvent
    ) -> bool:
        """Draw what is new when the widget is shown."""
        if watched is self._widget and event.type() == QtCore.QEvent.Type.Show and self._is_new:
            self.request()
        return False

    def _tick(self) -> None:
        if not self._is_new or not self._widget.isVisible():
            self._timer.stop()
            return
        self.flush()
