"""Show alarms and log in one dock, and copy diagnostics."""

from qtpy import QtWidgets

from labctl.gui.alarm_list import AlarmPage, action_button
from labctl.gui.context import Context
from labctl.gui.diagnostics import diagnostics
from labctl.gui.docks import Dock
from labctl.gui.log_page import LogPage
from labctl.gui.panels.calibrations import Calibrations


class AlarmsAndLog(QtWidgets.QTabWidget):
    """Hold two pages: alarms, which stay until they are acknowledged, and the log."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.setDocumentMode(True)
        self.setAccessibleName("Alarms and log")
        self.log = LogPage(context)
        self.alarms = AlarmPage(context)
        self.addTab(self.alarms, "Alarms")
        self.addTab(self.log, "Log")
        copy = context.actions.add(
            "diagnostics.copy",
            "Copy diagnostics",
            self.copy_diagnostics,
            tooltip="Copy versions, state, values, alarms and log, to send them to somebody",
            icon="copy",
            menu="Help",
        )
        self.setCornerWidget(action_button(copy))
        self.alarms.counted.connect(self._count)
        self._count(len(self.alarms.waiting))

    def copy_diagnostics(self) -> None:
        """Copy what somebody needs who is to find out what went wrong."""
        text = diagnostics(self._context.link, self.log)
        QtWidgets.QApplication.clipboard().setText(text)
        self._context.link.notice.emit("info", "the diagnostics are in the clipboard")

    def _count(self, waiting: int) -> None:
        self.setTabText(0, f"Alarms ({waiting})" if waiting else "Alarms")


DOCKS = [
    Dock("alarms", "Alarms and log", "bottom", AlarmsAndLog, tab_group="queue"),
    Dock("calibrations", "Calibrations", "bottom", Calibrations, tab_group="queue"),
]
