"""Live, Snap, Record, Stop and the palette: everything by keys, through the real service."""

import threading

import pytest
from qtpy import QtCore, QtWidgets

from labctl.core.errors import UsageError
from labctl.gui import theme

KEYS = QtCore.Qt.Key
TOGETHER = QtCore.Qt.KeyboardModifier.ControlModifier | QtCore.Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def quiet(served):
    yield
    served.settle()


@pytest.fixture
def lit(shared_window, served, qtbot):
    """The window with 50 µW ready at the sample, and short exposures."""
    served.settle()
    qtbot.waitUntil(lambda: served.table.status().interactive, timeout=30_000)
    served.table.set("probe.power", 50e-6)
    exposing = shared_window.exposing
    exposing.powers_w["probe"] = 50e-6
    exposing.choose(exposure_s=1.0, accumulations=2, beams=("probe",), sample="flake")
    return shared_window


def await_run(window, served):
    app = QtWidgets.QApplication.instance()
    served.wait(lambda: app.processEvents() or window.link.status.run is not None, "a run")


def press(qtbot, window, key, modifier=QtCore.Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(window.windowHandle(), key, modifier)


def runs_of(served):
    return {run["run"]: run for run in served.table.runs()}


def test_f5_shows_spectra_that_are_not_saved_and_f8_ends_them(lit, served, qtbot):
    before = set(runs_of(served))
    frames = []
    lit.link.frame.connect(frames.append)
    press(qtbot, lit, KEYS.Key_F5)
    qtbot.waitUntil(lambda: len(frames) >= 3, timeout=20_000)
    qtbot.waitUntil(lambda: lit.live_bar.word.text == "LIVE – NOT SAVED", timeout=5000)
    assert lit.registry.get("acquire.live").isChecked()
    press(qtbot, lit, KEYS.Key_F8)
    qtbot.waitUntil(lambda: lit.live_bar.word.text == "not exposing", timeout=10_000)
    lit.link.frame.disconnect(frames.append)
    assert frames[-1].counts.shape == frames[-1].wavelength_nm.shape
    assert not frames[-1].saved
    assert set(runs_of(served)) == before


def test_f6_saves_one_spectrum_where_the_stage_stands(lit, served, qtbot):
    before = set(runs_of(served)) | {""}
    press(qtbot, lit, KEYS.Key_F6)
    qtbot.waitUntil(lambda: _is_over(served, before), timeout=40_000)
    (name,) = set(runs_of(served)) - before
    assert "flake" in name
    with served.table.run(name).open() as reader:
        (point,) = reader.points()
    assert point.kind == "measurement"
    assert point.data["spectrum"].accumulations == 1
    assert point.data["power_w"].value == pytest.approx(50e-6, rel=0.05)
    assert {"x_um", "y_um", "z_um", "cryostat_k"} <= set(point.data)


def test_f7_saves_a_dark_and_all_accumulations(lit, served, qtbot):
    before = set(runs_of(served)) | {""}
    press(qtbot, lit, KEYS.Key_F7)
    qtbot.waitUntil(lambda: lit.live_bar.word.text.startswith("REC"), timeout=30_000)
    assert not lit.registry.get("acquire.live").isEnabled()
    assert lit.registry.get("acquire.stop").isEnabled()
    qtbot.waitUntil(lambda: _is_over(served, before), timeout=40_000)
    (name,) = set(runs_of(served)) - before
    with served.table.run(name).open() as reader:
        points = list(reader.points())
    assert [point.kind for point in points] == ["dark", "measurement"]
    assert {point.data["spectrum"].accumulations for point in points} == {2}


def test_f8_stops_a_run_after_its_point(lit, served, qtbot):
    item = served.table.run_now(
        "snap", {"exposure_s": 30.0, "beams": ["probe"], "powers": [5e-5], "dark": True}
    )
    await_run(lit, served)
    press(qtbot, lit, KEYS.Key_F8)
    qtbot.waitUntil(lambda: _is_over(served), timeout=40_000)
    assert item.item.state in ("interrupted", "aborted", "finished", "paused", "waiting")


def test_the_status_line_tells_run_point_and_folder(lit, served, qtbot):
    served.table.run_now("snap", {"exposure_s": 20.0, "beams": ["probe"], "powers": [5e-5]})
    qtbot.waitUntil(lambda: "point 1" in lit.status_line.run.text(), timeout=30_000)
    qtbot.waitUntil(lambda: str(served.data) in lit.status_line.run.text(), timeout=10_000)
    assert "UTC" in lit.status_line.time.text()
    assert lit.status_line.operator.text()


def test_an_action_is_found_and_done_in_the_palette(shared_window, qtbot):
    press(qtbot, shared_window, KEYS.Key_P, TOGETHER)
    palette = shared_window.menus.palette
    qtbot.waitUntil(palette.isVisible, timeout=2000)
    every = palette.list.count()
    assert every == len(list(shared_window.registry))
    qtbot.keyClicks(palette.field, "red theme")
    assert palette.list.count() == 1
    qtbot.keyClick(palette.field, KEYS.Key_Return)
    assert not palette.isVisible()
    assert theme.current().name == "red"
    shared_window.registry.trigger("theme.dark")


def test_the_cheat_sheet_names_every_action_and_key(shared_window, qtbot):
    shared_window.registry.trigger("help.keys")
    sheet = shared_window.menus.sheet
    text = sheet.text.toPlainText()
    assert sheet.isVisible()
    for entry in shared_window.registry:
        assert entry.action.text().replace("&", "") in text
        assert entry.keys in text
    assert "Esc Esc" in text
    sheet.close()


def test_the_first_steps_are_shown_until_they_are_closed(shared_window):
    card = shared_window.menus.first_run
    card.show_if_new()
    assert card.isVisible()
    card.findChild(QtWidgets.QPushButton).click()
    assert not card.isVisible()
    card.show_if_new()
    assert not card.isVisible()


def test_what_the_service_refuses_becomes_a_banner_and_no_box(shared_window, qtbot):
    shared_window.link.ask(lambda table: table.read("no.such"))
    qtbot.waitUntil(
        lambda: any("no.such" in text for text in shared_window.banners.texts), timeout=10_000
    )


def test_a_defect_of_a_request_is_told_and_the_window_goes_on(link, qtbot):
    notices = []
    link.notice.connect(lambda level, text: notices.append(text))
    link.ask(lambda _: 1 / 0)
    qtbot.waitUntil(lambda: notices != [], timeout=5000)
    assert "ZeroDivisionError" in notices[0]


def test_requests_of_one_lane_keep_their_order(link, qtbot):
    done = []
    for number in range(30):
        link.ask(lambda _, n=number: n, done.append, lane="a")
    qtbot.waitUntil(lambda: len(done) == 30, timeout=10_000)
    assert done == list(range(30))


def test_nobody_is_called_back_whose_widget_has_gone(link, qtbot):
    class Panel(QtWidgets.QWidget):
        called = False

        def take(self, _: object) -> None:
            Panel.called = True

    panel = Panel()
    gone = threading.Event()
    link.ask(lambda _: gone.wait(10), panel.take, lane="a")
    panel.deleteLater()
    qtbot.waitUntil(lambda: not theme.is_alive(panel), timeout=5000)
    gone.set()
    failed = []
    link.ask(lambda table: table.run("nonsense"), None, failed.append, lane="a")
    qtbot.waitUntil(lambda: failed != [], timeout=5000)
    assert isinstance(failed[0], UsageError)
    assert not Panel.called


def _is_over(served, before=frozenset()):
    """Tell whether a run that was not there before has ended."""
    status = served.table.status()
    is_quiet = status.run is None and status.queue.counts.get("running", 0) == 0
    return is_quiet and (not before or set(runs_of(served)) - before != set())
