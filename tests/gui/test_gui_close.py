"""Check 8 of the interface: closing the window touches no run unless somebody wants it."""

import pytest
from qtpy import QtWidgets
from window_process import WindowProcess

KEEP, STOP, CANCEL = "Keep running in background", "Stop after point and quit", "Cancel"
RUN = {"exposure_s": 240.0, "beams": ["probe"], "powers": [5e-5], "dark": True}


@pytest.fixture
def opened(link, state, served, qtbot):
    """A window that is shown, with its parts made when they are seen."""
    from labctl.gui.window import MainWindow

    served.settle()
    window = MainWindow(link, state)
    qtbot.addWidget(window, before_close_func=lambda one: one.closing.keep())
    window.show()
    yield window
    served.settle()


@pytest.fixture
def running(opened, served):
    """The same with a run on."""
    served.table.run_now("snap", RUN)
    app = QtWidgets.QApplication.instance()
    served.wait(lambda: app.processEvents() or opened.link.status.run is not None, "a run")
    return opened


def test_8_an_idle_window_closes_without_a_question(opened, qtbot):
    opened.close()
    assert opened.isHidden()
    assert opened.closing.dialog is None


def test_8_a_live_view_ends_with_its_window(opened, served, qtbot):
    served.wait(lambda: served.table.status().interactive, "the table is open")
    served.table.start_live(1.0)
    qtbot.waitUntil(lambda: opened.link.status.live, timeout=20_000)
    opened.close()
    qtbot.waitUntil(opened.isHidden, timeout=5000)
    served.wait(lambda: not served.table.status().live, "the live view ends")


def test_8_in_a_run_it_asks_and_enter_keeps_the_run(running, served, qtbot):
    name = running.link.status.run.name
    running.close()
    assert running.isVisible()
    dialog = running.closing.dialog
    assert list(dialog.buttons) == [KEEP, STOP, CANCEL]
    assert dialog.buttons[KEEP].isDefault()
    running.close()
    assert running.closing.dialog is dialog
    dialog.buttons[KEEP].click()
    assert running.isHidden()
    assert served.table.status().run.name == name


def test_8_cancel_leaves_everything_as_it_was(running, served):
    running.close()
    running.closing.dialog.buttons[CANCEL].click()
    assert running.isVisible()
    assert not running.closing.dialog.isVisible()
    assert served.table.status().run is not None


def test_8_the_run_may_also_stop_after_its_point(running, served, qtbot):
    name = running.link.status.run.name
    running.close()
    running.closing.dialog.buttons[STOP].click()
    qtbot.waitUntil(running.isHidden, timeout=20_000)
    served.wait(lambda: served.table.status().run is None, "the run ends")
    assert served.table.run(name).detail["points"] >= 1


def test_8_the_process_ends_with_code_0_and_no_complaint(served, tmp_path):
    served.settle()
    with WindowProcess(served.data, tmp_path) as window:
        window.await_event("painted")
        served.table.run_now("snap", RUN)
        served.wait(lambda: served.table.status().run is not None, "a run")
        window.await_event("shown")
        window.do("close")
        assert window.await_event("did")["asked"]
        assert window.process.poll() is None
        window.do("keep")
        assert window.wait() == 0
        assert "QThread" not in window.errors()
        assert "Traceback" not in window.errors()
    assert served.table.status().run is not None
    served.settle()
