"""Kill windows and the service: runs go on, and what is not known is shown as unknown."""

import pytest
from conftest import Served
from qtpy import QtCore, QtWidgets
from window_process import WindowProcess

from labctl.gui.safety_bar import NOT_CONFIRMED

SERIES = {
    "powers": [20e-6, 30e-6, 50e-6, 70e-6, 100e-6, 150e-6], "windows": ["raman"],
    "regions": ["mono"], "exposure_s": 6.0, "accumulations": 1, "refocus": False,
}  # fmt: skip
POINTS = 9
"""Points of that: a dark, six powers between two references."""


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """A service of its own, which tests may kill."""
    served = Served(tmp_path_factory.mktemp("mortal"))
    yield served
    served.close()


def kill_windows_during_a_run(served, folder, kills):
    """Kill a window again and again during one run; return the run and its points."""
    served.settle()
    job = served.table.run_now("power_series", SERIES)
    served.wait(lambda: served.table.status().run is not None, "a run")
    for number in range(kills):
        with WindowProcess(served.data, folder / str(number)) as window:
            window.await_event("connected")
            window.kill()
    served.wait(lambda: job.item.state.is_end, "the run ends", 55.0 + 5.0 * kills)
    return job.item


def test_7_a_run_keeps_every_point_when_windows_are_killed(served, tmp_path):
    item = kill_windows_during_a_run(served, tmp_path, kills=3)
    assert item.state == "finished"
    with served.table.run(item.runs[-1]).open() as reader:
        assert [point.number for point in reader.points()] == list(range(POINTS))
        assert reader.damaged() == []
    with WindowProcess(served.data, tmp_path / "after") as window:
        window.await_event("connected")
        window.do("close")
        assert window.wait() == 0


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_7_a_run_keeps_every_point_when_twenty_windows_are_killed(served, tmp_path, monkeypatch):
    monkeypatch.setitem(SERIES, "exposure_s", 60.0)
    item = kill_windows_during_a_run(served, tmp_path, kills=20)
    assert item.state == "finished"
    with served.table.run(item.runs[-1]).open() as reader:
        assert [point.number for point in reader.points()] == list(range(POINTS))


def test_7_a_new_window_shows_the_run_from_its_first_point_on(served, tmp_path):
    served.settle()
    job = served.table.run_now("power_series", SERIES)
    served.wait(lambda: (s := served.table.status()).run and s.run.point >= 2, "two points")
    with WindowProcess(served.data, tmp_path) as window:
        shown = window.await_event("shown")
        assert shown["run"] == served.table.run(job.item.runs[-1]).name
        # what was measured before it came, and then what is measured while it is there
        assert shown["total"] >= 2
        while shown["total"] < POINTS:
            shown = window.await_event("shown")
    served.wait(lambda: job.item.state.is_end, "the run ends")


def test_a_killed_service_is_told_within_a_second_and_found_again(mortal, state, qtbot):
    import labctl
    from labctl.gui.link import Link
    from labctl.gui.window import MainWindow

    table = labctl.connect(mortal.data)
    link = Link(table)
    window = MainWindow(link, state)
    qtbot.addWidget(window, before_close_func=lambda one: setattr(one.closing, "_may", True))
    with qtbot.waitSignal(link.connected, timeout=10_000):
        link.start()
    window.show()
    window.fill()
    qtbot.wait(1000)
    took = QtCore.QElapsedTimer()
    took.start()
    with qtbot.waitSignal(link.lost, timeout=5000):
        mortal.kill()
    assert took.elapsed() < 1000
    bar = window.safety_bar
    assert "UNKNOWN" in bar.beam("probe").text
    assert bar.state.text == "NO CONNECTION"
    assert any("No connection" in text for text in window.banners.texts)
    bar.laser_off.click()
    qtbot.waitUntil(lambda: NOT_CONFIRMED in bar.outcome.text, timeout=10_000)
    mortal.table.close()
    mortal.start()
    app = QtWidgets.QApplication.instance()
    mortal.wait(lambda: app.processEvents() or link.is_connected, "connected again")
    assert "UNKNOWN" not in bar.state.text
    assert not any("No connection" in text for text in window.banners.texts)
    link.close()
    table.close()
