"""Check 4 of the interface: LASER OFF in every state, and what is said of the beams."""

import threading

import pytest
from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.errors import ConnectionFailed, SafetyError
from labctl.core.status import BeamStatus, SafetyStatus, StationState, StationStatus
from labctl.gui.actions import Actions
from labctl.gui.escape import DoubleEscape
from labctl.gui.link import Link
from labctl.gui.safety_bar import NOT_CONFIRMED, SafetyBar

ESCAPE = QtCore.Qt.Key.Key_Escape
LONG = {"exposure_s": 20.0, "accumulations": 20, "beams": ["probe"], "powers": [5e-5]}


@pytest.fixture(autouse=True)
def allowed(request):
    """Allow beams again after each LASER OFF."""
    yield
    if "served" in request.fixturenames:
        request.getfixturevalue("served").settle()


def press_twice(qtbot, window):
    """Press Escape twice where the window gets its keys."""
    for _ in range(2):
        qtbot.keyClick(window.windowHandle(), ESCAPE)


def await_verified(qtbot, window):
    qtbot.waitUntil(lambda: "verified" in window.safety_bar.outcome.text, timeout=20_000)
    assert window.safety_bar.outcome.level == "ok"


def shutters(served):
    return {beam.shutter for beam in served.table.status().beams}


def test_4_escape_twice_is_verified_while_nothing_runs(shared_window, served, qtbot):
    served.wait(lambda: "unknown" not in shutters(served), "every shutter was read once")
    press_twice(qtbot, shared_window)
    await_verified(qtbot, shared_window)
    assert shutters(served) == {"closed"}


def is_set(table):
    try:
        table.set("probe.power", 50e-6)
    except SafetyError:
        return False
    return True


def test_4_escape_twice_ends_a_live_view(shared_window, served, qtbot):
    """How soon is measured in tests/benchmarks/bench_gui.py."""
    table = served.table
    served.wait(lambda: table.status().interactive, "the table is open")
    served.wait(lambda: is_set(table), "the LASER OFF of the test before is over")
    table.start_live(1.0, beams=["probe"])
    qtbot.waitUntil(
        lambda: shared_window.safety_bar.beam("probe").icon_name == "beam_on", timeout=20_000
    )
    press_twice(qtbot, shared_window)
    await_verified(qtbot, shared_window)
    qtbot.waitUntil(lambda: shutters(served) == {"closed"}, timeout=5000)
    assert not table.status().live


def test_4_escape_twice_ends_a_run_in_the_safe_state(shared_window, served, qtbot):
    served.table.run_now("snap", LONG)
    qtbot.waitUntil(lambda: shared_window.link.status.run is not None, timeout=30_000)
    qtbot.waitUntil(lambda: shared_window.live_bar.word.text.startswith("REC"), timeout=5000)
    press_twice(qtbot, shared_window)
    await_verified(qtbot, shared_window)
    qtbot.waitUntil(lambda: served.table.status().run is None, timeout=30_000)
    assert shutters(served) == {"closed"}


def test_4_the_button_works_while_every_other_request_hangs(shared_window, qtbot):
    hung = threading.Event()
    for _ in range(40):
        shared_window.link.ask(lambda _: hung.wait(30))
    try:
        shared_window.safety_bar.laser_off.click()
        await_verified(qtbot, shared_window)
    finally:
        hung.set()


def test_4_escape_twice_counts_in_fields_and_dialogs_too(shared_window, qtbot):
    asked = []
    shared_window.safety_bar.escape.pressed_twice.connect(lambda: asked.append(1))
    dialog = QtWidgets.QDialog(shared_window)
    QtWidgets.QVBoxLayout(dialog).addWidget(field := QtWidgets.QLineEdit())
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.waitExposed(dialog)
    field.setFocus()
    shared_window.safety_bar.escape.watch(dialog.windowHandle())
    qtbot.keyClick(dialog.windowHandle(), ESCAPE)
    qtbot.keyClick(shared_window.windowHandle(), ESCAPE)
    assert asked == [1]
    await_verified(qtbot, shared_window)


def test_4_escape_that_is_held_down_counts_once(shared_window, qtbot):
    asked = []
    shared_window.safety_bar.escape.pressed_twice.connect(lambda: asked.append(1))
    qtbot.keyPress(shared_window.windowHandle(), ESCAPE)
    qtbot.keyPress(shared_window.windowHandle(), ESCAPE)
    qtbot.keyRelease(shared_window.windowHandle(), ESCAPE)
    assert asked == []


@pytest.mark.parametrize(("pressed_ms", "times"), [((1000, 1500), 1), ((1000, 2500), 0)])
def test_4_what_counts_is_when_escape_was_pressed(shared_window, qtbot, pressed_ms, times):
    """A window that is busy gets to both presses late, and perhaps far apart."""
    escape = DoubleEscape(shared_window)
    asked = []
    escape.pressed_twice.connect(lambda: asked.append(1))
    for press_ms in pressed_ms:
        for kind in (QtCore.QEvent.Type.KeyPress, QtCore.QEvent.Type.KeyRelease):
            event = QtGui.QKeyEvent(kind, ESCAPE, QtCore.Qt.KeyboardModifier.NoModifier)
            event.setTimestamp(press_ms)
            escape.eventFilter(shared_window, event)
    assert len(asked) == times


def test_4_the_bar_cannot_be_closed_moved_or_hidden(shared_window):
    bar = shared_window.safety_bar
    assert not bar.isMovable()
    assert not bar.isFloatable()
    assert not bar.toggleViewAction().isEnabled()
    assert shared_window.createPopupMenu() is None


# ---- what is said, without a table


class Silent:
    """A table whose commands fail as they do when the service is gone."""

    def safe(self):
        raise ConnectionFailed("no service answers")

    def close(self):
        return


@pytest.fixture
def bar(themed, qtbot):
    """A safety bar without a service."""
    holder = QtWidgets.QMainWindow()
    qtbot.addWidget(holder)
    link = Link(Silent())
    bar = SafetyBar(link, Actions(holder), holder)
    holder.addToolBar(bar)
    holder.show()
    yield bar
    link.close()


def status(**changes):
    beam = {"name": "probe", "wavelength_nm": 532.0, "shutter": "closed", "interlock": True}
    beam |= changes.pop("beam", {})
    return StationStatus(
        station="table", simulated=changes.pop("simulated", False),
        beams=(BeamStatus(**beam),), **changes,
    )  # fmt: skip


def test_4_without_an_answer_the_hardware_switch_is_named(bar, qtbot):
    notices = []
    bar._link.notice.connect(lambda level, text: notices.append((level, text)))
    bar.laser_off.click()
    qtbot.waitUntil(lambda: NOT_CONFIRMED in bar.outcome.text, timeout=5000)
    assert bar.outcome.level == "bad"
    assert notices
    assert notices[0][0] == "error"
    assert "no service answers" in notices[0][1]


@pytest.mark.parametrize(
    ("beam", "word", "icon", "level"),
    [
        ({"shutter": "open", "power_w": 1.2e-3}, "ON SAMPLE 1.2 mW", "beam_on", "bad"),
        ({"shutter": "closed"}, "closed", "beam_off", "ok"),
        ({"shutter": "unknown"}, "UNKNOWN", "unknown", "warning"),
        ({"shutter": "closed", "exposing": True}, "exposing", "beam_on", "warning"),
    ],
)
def test_a_beam_is_told_in_word_icon_and_colour(bar, beam, word, icon, level):
    bar.show_status(status(beam=beam))
    chip = bar.beam("probe")
    assert word in chip.text
    assert (chip.icon_name, chip.level) == (icon, level)
    assert word in chip.accessibleName()


def test_words_icons_and_colours_differ_between_open_closed_and_unknown(bar):
    told = set()
    for shutter in ("open", "closed", "unknown"):
        bar.show_status(status(beam={"shutter": shutter}))
        chip = bar.beam("probe")
        told |= {chip.text, chip.icon_name, chip.level}
    assert len(told) == 9


def test_nothing_is_known_of_the_beams_without_a_connection(bar):
    bar.show_status(status())
    bar.show_lost("gone")
    assert "UNKNOWN" in bar.beam("probe").text
    assert bar.state.text == "NO CONNECTION"
    assert "unknown" in bar.interlock.text


def test_the_interlock_is_told(bar):
    bar.show_status(status(beam={"interlock": False}))
    assert bar.interlock.text == "interlock OPEN: probe"
    bar.show_status(status(beam={"interlock": None}))
    assert bar.interlock.text == "interlock unknown"
    bar.show_status(status())
    assert bar.interlock.text == "interlock OK"
    bar.show_status(status(safety=SafetyStatus(latched=True, reason="door")))
    assert bar.interlock.text == "BEAMS LATCHED OFF"


def test_a_simulated_table_says_so_and_a_real_one_does_not(bar):
    bar.show_status(status(simulated=True))
    assert bar.simulated.text == "SIMULATED"
    assert not bar.simulated.isHidden()
    bar.show_status(status())
    assert bar.simulated.isHidden()


@pytest.mark.parametrize("state", list(StationState))
def test_every_state_of_the_station_is_a_word(bar, state):
    bar.show_status(status(state=state))
    assert bar.state.text == state.value


def test_a_verified_laser_off_is_not_shown_when_a_beam_is_open_again(bar):
    bar._take(bar._asked, [])
    assert "verified" in bar.outcome.text
    bar.show_status(status(beam={"shutter": "open"}))
    assert bar.outcome.isHidden()
