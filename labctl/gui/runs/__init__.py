"""Browse, compare and export runs."""

from qtpy import QtWidgets

from labctl.gui.context import Context
from labctl.gui.docks import Dock


def _browser(context: Context) -> QtWidgets.QWidget:
    from labctl.gui.runs.browser import RunsBrowser

    return RunsBrowser(context)


DOCKS = [Dock("runs", "Runs", "bottom", _browser, tab_group="queue")]
