"""Ask for runs, and follow them until they are done."""

from qtpy import QtWidgets

from labctl.gui.context import Context
from labctl.gui.docks import Dock


def _panel(context: Context) -> QtWidgets.QWidget:
    # what is not looked at need not be loaded
    from labctl.gui.queue.panel import QueuePanel

    return QueuePanel(context)


def _form(context: Context) -> QtWidgets.QWidget:
    from labctl.gui.queue.form import ProcedureForm

    return ProcedureForm(context)


DOCKS = [
    Dock("queue", "Queue", "bottom", _panel, tab_group="queue"),
    Dock("form", "New run", "left", _form, tab_group="instruments"),
]
