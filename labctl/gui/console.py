"""Offer a console beside the window, with `table` and `runs`.

It is a process of its own and a client like any other: what is typed there can neither hold the
window up nor reach instruments while a run owns them. It is made when it is first shown.
"""

import os
from pathlib import Path
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from labctl.client.connection import Address
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.docks import Dock

_FIRST = """
import labctl
from labctl.client.connection import Address as _Address, Connection as _Connection
from labctl.client.table import Table as _Table
from pathlib import Path as _Path
table = _Table(_Connection(_Address({place})))
runs = table.runs
"""
_BANNER = (
    "table: the served table (table.status(), table.queue, table.run(name).to_xarray())\n"
    "runs(): summaries of runs. While a run is on, the service refuses to move anything.\n"
)


class Console(QtWidgets.QWidget):
    """Hold the console, and the process behind it."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._manager: Any = None
        self.widget: Any = None
        self._text = QtWidgets.QLabel("The console starts when it is first shown.")
        self._text.setWordWrap(True)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        theme.changed().connect(self._paint)

    def showEvent(self, event: QtGui.QShowEvent) -> None:  # noqa: N802
        """Start it when it is first seen."""
        super().showEvent(event)
        QtCore.QTimer.singleShot(0, self.start)

    def start(self) -> None:
        """Start it; says so if the package for it is not installed."""
        if self.widget is not None:
            return
        try:
            from qtconsole.manager import QtKernelManager
            from qtconsole.rich_jupyter_widget import RichJupyterWidget
        except ImportError as error:
            self._text.setText(f"No console: {error}. Install labctl with its extra 'gui'.")
            return
        # over local sockets where there are some: nobody else on this machine can listen
        kind = "ipc" if os.name == "posix" else "tcp"
        self._manager = QtKernelManager(kernel_name="python3", transport=kind)
        self._manager.start_kernel()
        client = self._manager.client()
        client.start_channels()
        self.widget = RichJupyterWidget()
        self.widget.setAccessibleName("Console")
        self.widget.banner = _BANNER
        self.widget.kernel_manager, self.widget.kernel_client = self._manager, client
        client.execute(_FIRST.format(place=_place(self._context.link.table.address)), silent=True)
        self._text.hide()
        layout = self.layout()
        if layout is not None:
            layout.addWidget(self.widget)
        self._paint()
        app = QtCore.QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.stop)

    def stop(self) -> None:
        """End the process behind it; allowed repeatedly."""
        if self._manager is not None:
            manager, self._manager = self._manager, None
            self.widget.kernel_client.stop_channels()
            manager.shutdown_kernel(now=True)

    def _paint(self) -> None:
        if self.widget is not None:
            now = theme.current()
            self.widget.set_default_style("lightbg" if now.name == "light" else "linux")
            self.widget.setStyleSheet(
                f"QPlainTextEdit, QTextEdit {{ background: {now.panel}; color: {now.text}; }}"
            )


def _place(address: Address) -> str:
    """Return an address as the arguments that make it again; the token stays in this machine."""
    if address.socket is not None:
        return f"socket=_Path({str(Path(address.socket))!r}), token={address.token!r}"
    return (
        f"host={address.host!r}, port={address.port}, is_tls={address.is_tls}, "
        f"token={address.token!r}, certificate={str(address.certificate or '')!r} or None"
    )


DOCKS = [Dock("console", "Console", "bottom", Console, tab_group="queue", hidden=True)]
