"""Drive the window against the real service on the simulated table."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path += [str(HERE), str(HERE.parent / "system")]

SPEED = 20.0
START_S = 50.0


class Served:
    """Hold a service in a process of its own, and a client of it.

    Attributes
    ----------
    data
        Its data folder.
    table
        A client.
    """

    def __init__(self, folder: Path, speed: float = SPEED) -> None:
        from table_process import station_file

        self.data = folder / "data"
        self.speed = speed
        self.station = station_file(folder, procedures=("procedures",))
        self.log = folder / "serve.log"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        import labctl
        from labctl.core.clock import RealClock
        from labctl.core.errors import LabctlError

        command = [sys.executable, "-m", "labctl.cli.main", "serve", "--station"]
        command += [str(self.station), "--data", str(self.data), "--speed", str(self.speed)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        clock = RealClock()
        end_s = clock.monotonic_s() + START_S
        while True:
            try:
                self.table = labctl.connect(self.data)
                return
            except LabctlError:
                assert self.process.poll() is None, self.log.read_text()
                assert clock.monotonic_s() < end_s, "the service does not come up"
                clock.sleep(0.1)

    def kill(self) -> None:
        """Kill it without a warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def close(self) -> None:
        """End it."""
        self.table.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)

    def wait(self, holds: Callable[[], object], what: str = "", timeout_s: float = 40.0) -> None:
        """Wait until something holds, without a window."""
        from labctl.core.clock import RealClock

        clock = RealClock()
        end_s = clock.monotonic_s() + timeout_s
        while not holds():
            assert clock.monotonic_s() < end_s, f"{what or 'it'}: {self.table.status()}"
            clock.sleep(0.05)

    def settle(self) -> None:
        """Let nothing run, wait or expose, and beams be allowed."""
        status = self.table.status()
        if status.safety.latched:
            self.table.reset_latch()
        if status.live:
            self.table.stop_live()
        if status.run is not None:
            self.table.abort("end of a test")
            self.wait(lambda: self.table.status().run is None, "the run ends")
        self.table.queue.clear(ended=True)
        for alarm in self.table.status().alarms:
            if not alarm.acknowledged_by:
                self.table.acknowledge(alarm.id)


def pytest_collection_modifyitems(items):
    """Give the tests of the window time for the service that the first of them starts."""
    for item in items:
        if item.path.parent == HERE and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A service on a simulated table with a bright sample, at 20 times real time."""
    served = Served(tmp_path_factory.mktemp("served"))
    yield served
    served.close()


@pytest.fixture(autouse=True)
def no_modal_boxes(monkeypatch, tmp_path):
    """Let every box that waits for an answer fail the test, and keep the state out of the way."""
    from qtpy import QtWidgets

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a modal box was opened")

    for name in ("exec", "exec_", "information", "warning", "question", "critical"):
        if hasattr(QtWidgets.QMessageBox, name):
            monkeypatch.setattr(QtWidgets.QMessageBox, name, refuse)
    monkeypatch.setenv("LABCTL_STATE", str(tmp_path / "state"))


@pytest.fixture
def themed(qapp):
    """The application in the theme of delivery."""
    from labctl.gui import theme

    theme.apply(qapp, "dark")
    return qapp


@pytest.fixture
def state(tmp_path, themed):
    """A state of its own."""
    from labctl.gui.state import State

    return State(tmp_path / "state" / "window.json")


@pytest.fixture
def link(served, themed, qtbot):
    """A link to the service, with a first snapshot."""
    import labctl
    from labctl.gui.link import Link

    table = labctl.connect(served.data)
    link = Link(table)
    with qtbot.waitSignal(link.status_changed, timeout=10_000):
        link.start()
    yield link
    link.close()
    table.close()


@pytest.fixture
def window(served, link, state, qtbot):
    """The window, with every part made; afterwards the table is quiet again."""
    from labctl.gui.window import MainWindow

    window = MainWindow(link, state)
    qtbot.addWidget(window, before_close_func=lambda w: w.closing.keep())
    window.resize(1366, 768)
    window.show()
    qtbot.waitExposed(window)
    window.fill()
    yield window
    served.settle()


@pytest.fixture(scope="module")
def shared_window(served, qapp, tmp_path_factory):
    """One window for all tests of a module that leave it as it was."""
    import labctl
    from labctl.gui import theme
    from labctl.gui.link import Link
    from labctl.gui.state import State
    from labctl.gui.window import MainWindow

    theme.apply(qapp, "dark")
    table = labctl.connect(served.data)
    link = Link(table)
    link.start()
    window = MainWindow(link, State(tmp_path_factory.mktemp("state") / "window.json"))
    window.resize(1366, 768)
    window.show()
    window.fill()
    served.wait(lambda: qapp.processEvents() or link.status, "a first snapshot")
    yield window
    window.closing.keep()
    table.close()
    window.deleteLater()
    served.settle()


@pytest.fixture
def context(window):
    """What docks and views are given."""
    return window.context
