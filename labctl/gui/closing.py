"""Close safely: a run goes on in the background unless somebody wants it otherwise."""

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy import QtCore, QtWidgets

from labctl.gui import theme
from labctl.gui.actions import Actions
from labctl.gui.exposing import is_busy
from labctl.gui.link import Link
from labctl.gui.service import end_service

if TYPE_CHECKING:
    from labctl.core.errors import LabctlError

STILL_MS = 1500
"""So long the window waits for the end of the live view before it closes anyway."""


class Closing(QtCore.QObject):
    """Decide whether the window may close, and ask without standing in the way."""

    def __init__(self, window: QtWidgets.QMainWindow, link: Link, actions: Actions) -> None:
        super().__init__(window)
        self._window = window
        self._link = link
        self._may = False
        self.dialog: QtWidgets.QDialog | None = None
        self.data: Path | None = None
        """Data folder of the service, if it is on this machine."""
        actions.add(
            "file.quit", "Quit", window.close, "Ctrl+Q", tooltip="Close the window; a run goes on",
            icon="close", menu="Station",
        )  # fmt: skip
        actions.add(
            "service.end", "End the service …", self.ask_end,
            tooltip="End the service of this table: after the point, with shutters closed",
            icon="stop", menu="Station",
        )  # fmt: skip

    def may_close(self) -> bool:
        """Tell whether the window may close now; if not, it asks or tidies up first."""
        status = self._link.status
        if self._may or status is None or not self._link.is_connected:
            return True
        if is_busy(status):
            self._ask_about_run()
            return False
        if status.live:
            # the live view is this person's: it ends with the window, and with it the beams
            self._link.urgent(lambda table: table.stop_live(), self._close, self._close)
            QtCore.QTimer.singleShot(STILL_MS, self._close)
            return False
        return True

    def keep(self) -> None:
        """Close; the run goes on."""
        self._close()

    def stop_and_quit(self) -> None:
        """Let the run end after its point, then close."""
        self._link.urgent(lambda table: table.stop(after="point"), self._close, self._fail)

    def ask_end(self) -> None:
        """Ask whether the service is to end, and say what that means."""
        box = _Question(
            self._window,
            "End the service?",
            "The run ends after its point, shutters are closed, the queue waits until the service "
            "is started again. A cold camera warms up and the cryostat stays at its set-point.",
        )
        box.add("End the service", self.end_service, "stop")
        box.add("Keep it", box.reject, "continue", is_default=True)
        self._open(box)

    def end_service(self) -> None:
        """End the service and close."""
        data = self.data
        if data is None:
            self._link.notice.emit("error", "the service is on another machine: end it there")
            return
        self._link.urgent(lambda _: end_service(data), self._close, self._fail)

    def _ask_about_run(self) -> None:
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.raise_()
            return
        run = self._link.status.run if self._link.status is not None else None
        box = _Question(
            self._window,
            "A run is on",
            f"{run.name if run else 'A run'} goes on by itself in the service.",
        )
        box.add("Keep running in background", self.keep, "continue", is_default=True)
        box.add("Stop after point and quit", self.stop_and_quit, "stop")
        box.add("Cancel", box.reject, "close")
        self._open(box)

    def _open(self, box: "_Question") -> None:
        self.dialog = box
        box.open()

    def _close(self, *_: object) -> None:
        if not self._may:
            self._may = True
            if self.dialog is not None:
                self.dialog.done(0)
            self._window.close()

    def _fail(self, error: "LabctlError") -> None:
        self._link.notice.emit("error", f"not closed: {error.message}")


class _Question(QtWidgets.QDialog):
    """Ask for one decision; the default has the focus."""

    def __init__(self, parent: QtWidgets.QWidget, title: str, text: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose, False)
        label = QtWidgets.QLabel(text)
        label.setWordWrap(True)
        label.setMinimumWidth(420)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addWidget(label)
        self.buttons: dict[str, QtWidgets.QPushButton] = {}
        self._line = QtWidgets.QHBoxLayout()
        layout.addLayout(self._line)

    def add(self, text: str, slot: object, icon: str, is_default: bool = False) -> None:
        """Add a button."""
        button = QtWidgets.QPushButton(theme.icon(icon), text)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setAutoDefault(is_default)
        button.setDefault(is_default)
        button.clicked.connect(slot)
        self._line.addWidget(button)
        self.buttons[text] = button
        if is_default:
            button.setFocus()
