"""Open the window: attach to the service of a table, or start one first."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

# the binding that labctl is tested with, unless somebody chose another one
os.environ.setdefault("QT_API", "pyside6")

from qtpy import QtWidgets

from labctl.client import Table, connect
from labctl.core.clock import RealClock
from labctl.core.errors import ConnectionFailed, LabctlError
from labctl.gui import theme
from labctl.gui.caret import Carets
from labctl.gui.service import start_service, why_ended
from labctl.gui.state import State

if TYPE_CHECKING:
    import subprocess

    from labctl.gui.link import Link
    from labctl.gui.window import MainWindow

SIM_DATA = Path("labctl-sim")
"""Folder for the data of the simulated table, below where the window is started."""
START_S = 90.0
POLL_S = 0.05
SWITCH_S = 0.001
FIRST_POWER_W = 50e-6
FIRST_EXPOSURE_S = 1.0


def run(target: str | None = None, *, sim: bool = False, station: Path | None = None) -> int:
    """Open the window and return the exit code when it is closed.

    Parameters
    ----------
    target
        Data folder of the service or its address; None: as `labctl.connect` finds it.
    sim
        Use the simulated table; its service is started if none runs in the folder.
    station
        Station file of a service that has to be started.

    Raises
    ------
    LabctlError
        If there is no service and none can be started.
    """
    target = target or (str(SIM_DATA) if sim else None)
    table, is_new = reach(target, station)
    app = make_app()
    window = open_window(table, data=_folder(target))
    if sim and is_new:
        begin_live(window.link)
    window.show()
    window.menus.first_run.show_if_new()
    code = int(app.exec())
    table.close()
    return code


def reach(target: str | None, station: Path | None = None) -> tuple[Table, bool]:
    """Return the table, and whether its service had to be started."""
    try:
        return connect(target), False
    except ConnectionFailed:
        if target is not None and "://" in target:
            raise
    folder = None if target is None else Path(target)
    print("labctl: starting the service of the table …", file=sys.stderr, flush=True)
    return _await(lambda: connect(target), start_service(folder, station), folder), True


def make_app() -> QtWidgets.QApplication:
    """Return the application, with what is set once for all windows."""
    found = QtWidgets.QApplication.instance()
    app = found if isinstance(found, QtWidgets.QApplication) else QtWidgets.QApplication(["labctl"])
    app.setApplicationName("labctl")
    app.setDesktopFileName("labctl")
    if app.findChild(Carets) is None:
        Carets(app)
    # a fit in another thread may keep the window waiting for the interpreter so long
    sys.setswitchinterval(SWITCH_S)
    return app


def open_window(
    table: Table, *, state: State | None = None, data: Path | None = None
) -> "MainWindow":
    """Return the window of a table; it is not shown yet."""
    from labctl.gui.link import Link
    from labctl.gui.window import MainWindow

    app = make_app()
    state = state or State()
    theme.apply(app, state.get("theme", theme.DEFAULT, str), state.get("font", "normal", str))
    link = Link(table)
    link.start()
    window = MainWindow(link, state)
    window.closing.data = data
    return window


def begin_live(link: "Link") -> None:
    """Let a newcomer see a spectrum at once: only at a simulated table that has just started."""

    def work(table: Table) -> None:
        if table.status().simulated:
            table.attach()
            table.set("stage.position", "mono")
            table.set("spectrometer.window", "raman")
            table.set("probe.power", FIRST_POWER_W)
            table.start_live(FIRST_EXPOSURE_S, beams=["probe"])

    link.ask(work, lane="exposing")


def _folder(target: str | None) -> Path | None:
    text = target or os.environ.get("LABCTL_URL") or os.environ.get("LABCTL_DATA") or "data"
    return None if "://" in text else Path(text)


def _await(
    find: Callable[[], Table], process: "subprocess.Popen[bytes]", data: Path | None
) -> Table:
    clock = RealClock()
    end_s = clock.monotonic_s() + START_S
    while clock.monotonic_s() < end_s:
        if process.poll() is not None:
            break
        try:
            return find()
        except LabctlError:
            clock.sleep(POLL_S)
    raise ConnectionFailed(
        f"the service did not come up: {why_ended(data)}",
        remedy="'labctl serve' shows why; 'labctl doctor' asks every instrument",
    )
