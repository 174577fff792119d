"""Tell in a line what a run would take, and when it would end if it were added now."""

from qtpy import QtCore, QtWidgets

from labctl.gui.queue.desk import QueueDesk
from labctl.gui.queue.estimate import Estimate
from labctl.gui.queue.timeline import begin_of

AGAIN_MS = 2000
"""The end moves with the clock of the station; so often it is told anew."""


class EstimateLine(QtWidgets.QLabel):
    """Show an estimate; its end follows the queue and the clock."""

    def __init__(self, desk: QueueDesk) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setAccessibleName("Estimate")
        self._desk = desk
        self._estimate: Estimate | None = None
        self._timer = QtCore.QTimer(self, singleShot=True, interval=AGAIN_MS)
        self._timer.timeout.connect(self._tell)
        desk.shown.connect(self._tell)
        desk.link.status_changed.connect(self._follow)

    def show_estimate(self, estimate: Estimate) -> None:
        """Show an estimate."""
        self._estimate = estimate
        self._tell()

    def forget(self, text: str) -> None:
        """Show a text until there is another estimate."""
        self._estimate = None
        self.setText(text)

    def _follow(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _tell(self) -> None:
        if self._estimate is not None:
            status = self._desk.link.status
            begin = self._desk.snapshot.timeline.last(status) or begin_of(status)
            self.setText(self._estimate.words(begin, status))
