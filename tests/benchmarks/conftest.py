"""Give benchmarks of the window the real service on the simulated table."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path += [
    str(ROOT / "tests" / "gui"),
    str(ROOT / "tests" / "system"),
    str(ROOT / "tests" / "benchmarks"),
]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def serve():
    """Return what starts a service in a folder, perhaps at a speed of its own."""
    spec = importlib.util.spec_from_file_location("gui_conf", ROOT / "tests/gui/conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Served


@pytest.fixture(scope="module")
def served(serve, tmp_path_factory):
    """A service of its own."""
    served = serve(tmp_path_factory.mktemp("bench"))
    yield served
    served.close()


@pytest.fixture
def window(served, tmp_path, qapp, qtbot):
    """A window at the service, with everything in it and a status to show."""
    import labctl
    from labctl.gui import theme
    from labctl.gui.app import open_window
    from labctl.gui.state import State

    served.settle()
    theme.apply(qapp, "dark")
    table = labctl.connect(served.data)
    window = open_window(table, state=State(tmp_path / "window.json"), data=served.data)
    window.resize(1366, 768)
    window.show()
    window.fill()
    qtbot.waitUntil(lambda: window.link.status is not None, timeout=20_000)
    yield window
    window.closing.keep()
    table.close()
    window.deleteLater()
