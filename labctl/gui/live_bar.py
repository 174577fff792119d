"""Offer Live, Snap, Record and Stop, and say in large letters whether anything is saved."""

from qtpy import QtCore, QtWidgets

from labctl.core.status import StationStatus
from labctl.gui.chips import Chip
from labctl.gui.context import Context
from labctl.gui.exposing import is_busy

LIVE = "LIVE – NOT SAVED"


class LiveBar(QtWidgets.QWidget):
    """Hold the four buttons and the word beside them."""

    def __init__(self, context: Context, parent: QtWidgets.QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self.word = Chip("recording")
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 1, 2, 1)
        layout.setSpacing(4)
        layout.addWidget(self.word)
        self._register()
        for name in ("live", "snap", "record", "stop"):
            layout.addWidget(self._button(name))
        context.link.status_changed.connect(self._show)
        context.link.lost.connect(self._show_lost)
        self.word.tell("not exposing", "stop", "plain")

    def _register(self) -> None:
        add, exposing = self._context.actions.add, self._context.exposing
        add(
            "acquire.live", "Live", exposing.live, "F5", icon="live",
            menu="Acquire", tooltip="Expose again and again; nothing is saved", checkable=True,
        )  # fmt: skip
        add(
            "acquire.snap", "Snap", exposing.snap, "F6", icon="snap",
            menu="Acquire", tooltip="Save one exposure, here and now",
        )  # fmt: skip
        add(
            "acquire.record", "Record", exposing.record, "F7", icon="record",
            menu="Acquire", tooltip="Save a dark and all accumulations, here and now",
        )  # fmt: skip
        add(
            "acquire.stop", "Stop", exposing.stop, "F8", icon="stop",
            menu="Acquire", tooltip="End the live view; a run stops after its point",
        )  # fmt: skip

    def _button(self, name: str) -> QtWidgets.QToolButton:
        action = self._context.actions.get(f"acquire.{name}")
        button = QtWidgets.QToolButton()
        button.setDefaultAction(action)
        button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        key = action.shortcut().toString()
        button.setText(f"{action.text()} {key}")
        # the button would take the action's text again whenever that changes
        action.changed.connect(lambda: button.setText(f"{action.text()} {key}"))
        button.setAccessibleName(action.text())
        return button

    @QtCore.Slot(object)
    def _show(self, status: StationStatus) -> None:
        busy = is_busy(status)
        live = self._context.actions.get("acquire.live")
        live.setChecked(status.live)
        # a run is stopped and the live view ended whatever else goes on
        for name in ("live", "snap", "record"):
            self._context.actions.get(f"acquire.{name}").setEnabled(not busy)
        if status.run is not None:
            self.word.tell(f"REC {number_of(status.run.name)}", "record", "ok", status.run.name)
        elif status.live:
            self.word.tell(LIVE, "live", "warning")
        else:
            self.word.tell("not exposing", "stop", "plain")

    @QtCore.Slot(str)
    def _show_lost(self, reason: str) -> None:
        self.word.tell("NO CONNECTION", "unknown", "stale", reason)
        for name in ("live", "snap", "record"):
            self._context.actions.get(f"acquire.{name}").setEnabled(False)


def number_of(run: str) -> str:
    """Return the number that a run's name begins with, or the whole name."""
    return run.partition("_")[0] or run
