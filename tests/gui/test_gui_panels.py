"""Panels: what was read and what is asked for, age, locks, boxes that do nothing by accident."""

import math

import pytest
from gui_bench import Bench
from hypothesis import given, settings
from hypothesis import strategies as st
from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.errors import LimitError
from labctl.core.readings import Quality
from labctl.core.status import RunStatus, ValueStatus
from labctl.gui.panels.channels import ChannelInfo, group_channels, read_channels
from labctl.gui.panels.commands import REMEMBERED
from labctl.gui.panels.fields import ReadBack, Setter
from labctl.gui.panels.generic import GenericPanel
from labctl.gui.panels.instruments import make_panels
from labctl.gui.panels.settling import Rule, steadiness, time_to_settle_s
from labctl.gui.panels.wording import age_text, judge, value_text

SLOW_MS = 30_000


@pytest.fixture
def bench(served, link, state, qtbot):
    """The instruments on their own, with the served table quiet again afterwards."""
    bench = Bench(link, state)
    qtbot.addWidget(bench)
    yield bench
    served.settle()


@pytest.fixture
def panels(bench):
    """The panels of the served table."""
    return bench.instruments.panels


def await_value(qtbot, bench, channel, fits):
    def holds():
        value = bench.link.status.values.get(channel)
        assert value is not None
        assert fits(value), value

    qtbot.waitUntil(holds, timeout=SLOW_MS)


def press(qtbot, box, text):
    box.setFocus()
    box.lineEdit().selectAll()
    qtbot.keyClicks(box, text)


# -- what there is


def test_every_channel_of_the_table_has_a_place_in_a_panel(bench, panels):
    named = {channel for panel in panels.values() for channel in panel.channels}
    described = {one["name"] for one in bench.link.description["channels"]}
    assert described
    assert named == described
    shown = {channel for panel in panels.values() for channel in (*panel.reads, *panel.handled)}
    assert shown == described
    assert list(panels) == [
        "probe", "pump", "spectrometer", "camera", "cryostat", "gauge", "stage",
    ]  # fmt: skip


def test_a_part_that_nobody_made_a_panel_for_gets_a_plain_one(bench):
    channels = [
        {"name": "delay.position", "unit": "ps", "settable": True, "low": 0, "high": 100},
        {"name": "magnet.field", "unit": "T", "settable": True, "low": -1.0, "high": 1.0},
        {"name": "magnet.state", "unit": "", "choices": ["on", "off"], "settable": True},
        {"name": "magnet.coil", "unit": "K"},
    ]
    panels = {
        one.key: one for one in make_panels(bench.context, {"channels": channels, "beams": []})
    }
    assert set(panels) == {"delay", "magnet"}
    assert isinstance(panels["magnet"], GenericPanel)
    assert set(panels["magnet"].reads) == {"magnet.field", "magnet.state", "magnet.coil"}
    (setter,) = panels["magnet"].findChildren(Setter)
    assert (setter.box.low, setter.box.high, setter.box.unit) == (-1.0, 1.0, "T")
    assert "delay.position" in panels["delay"].reads


@given(st.lists(st.dictionaries(st.sampled_from(["name", "unit", "low", "high", "choices"]),
                                st.one_of(st.none(), st.text(max_size=8), st.floats(),
                                          st.lists(st.text(max_size=3), max_size=2)))))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_any_description_is_read_without_a_crash(fields):
    described = [
        {key: found for key, found in one.items() if key != "choices" or isinstance(found, list)}
        for one in fields
    ]
    channels = read_channels({"channels": described})
    assert sum(len(found) for found in group_channels(channels).values()) == len(channels)
    assert all(channel.name for channel in channels)


def test_every_read_back_shows_its_unit(bench, panels, qtbot):
    for panel in panels.values():
        for name in panel.reads:
            await_value(qtbot, bench, name, lambda value: value.age_s is not None)
    for panel in panels.values():
        for name, read in panel.reads.items():
            unit = panel.channels[name].unit
            shown = {"deg": "°", "W": "W"}.get(unit, unit)
            assert shown in read.text(), (name, read.text())
            assert read.accessibleName(), name


# -- words


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.2e-4, "W", "120 µW"),
        (0.0, "W", "0 W"),
        (298.0, "K", "298.00 K"),
        (12.0, "deg", "12.00°"),
        (1e-3, "Pa", "1.00e-03 Pa (1.00e-05 mbar)"),
        (539.2, "nm", "539.200 nm"),
        (True, "", "yes"),
        (2, "", "2"),
        ("raman", "", "raman"),
        (None, "K", "—"),
    ],
)
def test_a_value_is_said_with_its_unit(value, unit, text):
    assert value_text(value, unit) == text


@pytest.mark.parametrize(
    ("age_s", "text"),
    [(None, "never read"), (3.2, "3 s ago"), (300.0, "5 min ago"), (7200.0, "2.0 h ago")],
)
def test_an_age_is_said_in_words(age_s, text):
    assert age_text(age_s) == text


def value(**fields):
    return ValueStatus(**{"name": "x", "value": 1.0, "unit": "K", "quality": Quality.GOOD,
                          "reason": "", "age_s": 1.0, "stale": False, **fields})  # fmt: skip


@pytest.mark.parametrize(
    ("values", "connected", "word"),
    [
        ([value()], True, "ready"),
        ([value()], False, "no connection"),
        ([], True, "not read yet"),
        ([value(), value(stale=True, age_s=50.0)], True, "stale"),
        ([value(), value(value=None, quality=Quality.INVALID, reason="no reply")], True, "fault"),
        ([value(quality=Quality.UNCERTAIN, reason="drifts")], True, "uncertain"),
    ],
)
def test_the_worst_value_gives_the_state_word(values, connected, word):
    assert judge(values, connected).word == word


def test_a_stale_value_is_grey_and_says_so(themed, qtbot):
    read = ReadBack("temperature", "K")
    qtbot.addWidget(read)
    read.show_value(value())
    assert read.text() == "1.00 K"
    read.show_value(value(stale=True))
    assert "stale" in read.text()
    assert read.level == "stale"
    read.show_value(value(), is_connected=False)
    assert "stale" in read.text()
    read.show_value(value(value=None, quality=Quality.INVALID, reason="no reply"))
    assert read.text() == "no reading"
    assert read.toolTip() == "no reply"


# -- setting


def test_power_is_set_by_apply_only_and_shown_apart_from_what_is_read(bench, panels, qtbot):
    panel = panels["probe"]
    setter = panel.findChild(Setter)
    writes = []
    setter.asked.connect(writes.append)
    press(qtbot, setter.box, "120 uW")
    assert setter.is_pending
    assert setter.box.property("pending") is True
    panels["stage"].step.setFocus()
    qtbot.wait(50)
    assert writes == [], "leaving the box must not set a power"
    assert setter.is_pending
    setter.button.click()
    assert writes == [pytest.approx(120e-6)]
    await_value(qtbot, bench, "probe.power", lambda v: v.value and abs(v.value - 120e-6) < 4e-6)
    qtbot.waitUntil(lambda: not setter.is_pending, timeout=SLOW_MS)
    assert "120" in panel._asked.text()
    assert panel.reads["probe.power"].text() != panel._asked.text()
    assert bench.context.exposing.powers_w["probe"] == pytest.approx(120e-6)


def test_enter_applies_and_much_power_is_asked_twice(bench, panels, qtbot):
    setter = panels["pump"].findChild(Setter)
    writes = []
    setter.asked.disconnect()
    setter.asked.connect(writes.append)
    press(qtbot, setter.box, "50 uW")
    qtbot.keyClick(setter.box, QtCore.Qt.Key.Key_Return)
    assert writes == [pytest.approx(50e-6)]
    press(qtbot, setter.box, "1.8 mW")
    qtbot.keyClick(setter.box, QtCore.Qt.Key.Key_Return)
    assert len(writes) == 1
    assert "1.8 mW" in setter.button.text()
    setter.button.click()
    assert writes[1:] == [pytest.approx(1.8e-3)]


def test_5_a_wheel_over_a_box_or_list_that_nobody_chose_changes_nothing(bench, panels, qtbot):
    asked = []
    for panel in panels.values():
        for setter in panel.findChildren(Setter):
            setter.asked.connect(asked.append)
        boxes = panel.findChildren(QtWidgets.QAbstractSpinBox)
        for widget in (*boxes, *panel.findChildren(QtWidgets.QComboBox)):
            widget.clearFocus()
            before = widget.text() if isinstance(widget, QtWidgets.QAbstractSpinBox) else (
                widget.currentText()
            )  # fmt: skip
            _turn(widget)
            after = widget.text() if isinstance(widget, QtWidgets.QAbstractSpinBox) else (
                widget.currentText()
            )  # fmt: skip
            assert before == after, widget.accessibleName()
    assert asked == []


def _turn(widget):
    centre = QtCore.QPointF(widget.rect().center())
    event = QtGui.QWheelEvent(
        centre, widget.mapToGlobal(centre), QtCore.QPoint(0, 0), QtCore.QPoint(0, 120),
        QtCore.Qt.MouseButton.NoButton, QtCore.Qt.KeyboardModifier.NoModifier,
        QtCore.Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QtWidgets.QApplication.sendEvent(widget, event)


def test_a_refused_value_is_explained_in_the_panel(bench, panels, qtbot):
    panel = panels["stage"]
    panel.command("stage.position", "nowhere")
    qtbot.waitUntil(lambda: "nowhere" in panel._message.text(), timeout=SLOW_MS)
    assert panel._message.isVisibleTo(panel)


def test_the_stage_jogs_goes_to_places_and_returns(bench, panels, qtbot):
    panel = panels["stage"]
    await_value(qtbot, bench, "stage.x", lambda v: v.value is not None)
    panel.command("stage.position", "substrate")
    await_value(qtbot, bench, "stage.x", lambda v: abs(v.value) < 0.5)
    qtbot.waitUntil(lambda: panel._busy == 0, timeout=SLOW_MS)
    panel.step.set_value(2.5)
    panel.jog("stage.x", +1)
    panel.jog("stage.x", +1)
    await_value(qtbot, bench, "stage.x", lambda v: abs(v.value - 5.0) < 0.5)
    qtbot.waitUntil(lambda: panel._busy == 0, timeout=SLOW_MS)
    panel.command("stage.position", "mono")
    await_value(qtbot, bench, "stage.x", lambda v: abs(v.value - 30.0) < 0.5)
    qtbot.waitUntil(lambda: panel._busy == 0, timeout=SLOW_MS)
    assert "x 5.0" in panel.back.toolTip()
    panel.return_back()
    await_value(qtbot, bench, "stage.x", lambda v: abs(v.value - 5.0) < 0.5)


def test_a_step_beyond_the_limits_is_not_made(bench, panels, qtbot):
    panel = panels["stage"]
    await_value(qtbot, bench, "stage.x", lambda v: v.value is not None)
    asked = []
    panel.command = lambda *args: asked.append(args)
    panel.step.set_value(1000.0)
    panel.jog("stage.x", +2)
    assert asked == []
    assert "is not between" in panel._message.text()


def test_the_window_of_the_spectrograph_is_chosen_and_read_back(bench, panels, qtbot):
    panel = panels["spectrometer"]
    panel.command("spectrometer.window", "silicon")
    await_value(qtbot, bench, "spectrometer.centre", lambda v: abs(v.value - 540.0) < 0.1)
    panel.refresh()
    assert panel.reads["spectrometer.centre"].text() == "540.000 nm"
    assert "2.296" in panel._ev.text()
    assert panel._cm1.text().startswith("+278.5 cm⁻¹")
    assert "1800 grooves/mm" in panel.reads["spectrometer.grating"].text()
    panel.command("spectrometer.window", "raman")
    await_value(qtbot, bench, "spectrometer.centre", lambda v: abs(v.value - 532.0) < 0.1)


def test_the_camera_shows_its_lock_and_keeps_what_live_uses(bench, panels, qtbot):
    panel = panels["camera"]
    await_value(qtbot, bench, "camera.locked", lambda v: v.value is not None)
    panel.refresh()
    text = panel.reads["camera.temperature"].text()
    assert "K (" in text
    assert "locked" in text.lower()
    press(qtbot, panel.exposure, "250 ms")
    qtbot.keyClick(panel.exposure, QtCore.Qt.Key.Key_Return)
    assert bench.context.exposing.exposure_s == pytest.approx(0.25)
    assert "188–211" in panel._rows_read.text()


def test_the_cryostat_shows_set_point_and_temperature_apart(bench, panels, qtbot):
    panel = panels["cryostat"]
    setter = panel._setter
    press(qtbot, setter.box, "300")
    panels["stage"].step.setFocus()
    assert setter.is_pending
    setter.button.click()
    await_value(qtbot, bench, "cryostat.setpoint", lambda v: abs(v.value - 300.0) < 0.01)
    panel.refresh()
    assert panel.reads["cryostat.setpoint"].text() == "300.00 K"
    assert panel.reads["cryostat.temperature"].text().endswith("K")
    qtbot.waitUntil(lambda: len(panel.chart.times_s) > 4, timeout=SLOW_MS)
    panel.refresh()
    assert panel._sigma.text().endswith("K/min")
    assert panel._settles.text() != "unknown"


# -- locks


def test_panels_are_read_only_during_a_run_and_say_whose(bench, panels, served, qtbot):
    served.table.run_now(
        "spectrum", {"exposure_s": 60.0, "accumulations": 3, "region": "mono"}, label="lock"
    )
    qtbot.waitUntil(lambda: bool(bench.link.status.run and bench.link.status.run.name),
                    timeout=SLOW_MS)  # fmt: skip
    number = bench.link.status.run.name.partition("_")[0]
    for panel in panels.values():
        panel.refresh()
        assert panel.owner == f"in use by run {number}"
        for setter in panel.findChildren(Setter):
            assert not setter.box.isEnabled()
            assert setter.button is None or not setter.button.isEnabled()
            if setter.button is not None:
                assert number in setter.button.toolTip()
        for combo in panel.findChildren(QtWidgets.QComboBox):
            assert not combo.isEnabled(), combo.accessibleName()
    words = {panel.verdict.word for panel in panels.values()}
    assert f"in use by run {number}" in words
    served.table.abort("test")
    qtbot.waitUntil(lambda: bench.link.status.run is None, timeout=SLOW_MS)
    assert all(panel.owner == "" for panel in panels.values())
    qtbot.waitUntil(panels["probe"].findChild(Setter).box.isEnabled, timeout=SLOW_MS)


def test_without_a_connection_everything_is_stale_and_locked(bench, panels):
    link = bench.link
    link._lose("test")
    for panel in panels.values():
        assert panel.verdict.word == "no connection"
        for read in panel.reads.values():
            assert read.text() == "—" or "stale" in read.text()
        assert all(not setter.box.isEnabled() for setter in panel.findChildren(Setter))


def test_set_points_of_the_last_session_are_offered_never_applied(link, state, qtbot):
    state.set(REMEMBERED, {"stage.x": 7.5, "probe.power": 1e-3, "cryostat.temperature": 350.0})
    bench = Bench(link, state)
    qtbot.addWidget(bench)
    found = bench.instruments.findChildren(QtWidgets.QFrame)
    (offer,) = [one for one in found if hasattr(one, "offered")]
    assert offer.offered == {"stage.x": 7.5}, "power and temperature are set by people only"
    assert offer.isVisibleTo(bench.instruments)
    await_value(qtbot, bench, "stage.x", lambda v: v.value is not None)
    assert abs(link.status.values["stage.x"].value - 7.5) > 0.5
    offer.restore()
    await_value(qtbot, bench, "stage.x", lambda v: v.value is not None and abs(v.value - 7.5) < 0.5)


# -- settling


RULE = Rule(tolerance_k=0.1, duration_s=300.0)


def test_a_temperature_on_its_way_settles_when_the_exponential_says():
    times = [10.0 * n for n in range(60)]
    values = [300.0 + 50.0 * math.exp(-t / 120.0) for t in times]
    left_s = time_to_settle_s(times, values, 300.0, RULE)
    true_s = 120.0 * math.log(50.0 / 0.1) - times[-1] + 300.0
    assert left_s == pytest.approx(true_s, rel=0.02)


def test_a_steady_temperature_has_settled_after_the_time_of_the_rule():
    times = [10.0 * n for n in range(60)]
    steady = [300.01] * 60
    assert time_to_settle_s(times, steady, 300.0, RULE) == 0.0
    entered = [302.0] * 45 + [300.0] * 15
    assert time_to_settle_s(times, entered, 300.0, RULE) == pytest.approx(300.0 - 140.0)


def test_a_temperature_that_moves_away_has_no_time_to_settle():
    times = [10.0 * n for n in range(40)]
    assert time_to_settle_s(times, [300.0 + 0.1 * n for n in range(2, 42)], 300.0, RULE) is None
    assert time_to_settle_s([0.0, 1.0], [300.0, 300.0], 300.0, RULE) is None


def test_steadiness_is_of_the_last_stretch_only():
    times = [float(n) for n in range(400)]
    values = [250.0] * 200 + [300.0 + 0.02 * (-1) ** n for n in range(200)]
    found = steadiness(times, values, 150.0)
    assert found.mean_k == pytest.approx(300.0, abs=1e-3)
    assert found.sigma_k == pytest.approx(0.02, rel=0.05)
    assert steadiness([], [], 10.0) is None


def test_in_use_is_said_by_number(bench, panels):
    status = bench.link.status.model_copy(update={"run": RunStatus(name="0127_power-series")})
    bench.link.status = status
    panel = panels["gauge"]
    panel.refresh()
    assert panel.owner == "in use by run 0127"


def test_a_limit_error_is_a_labctl_error_with_its_text(bench, panels, qtbot):
    panel = panels["probe"]
    panel._busy += 1
    panel._fail(LimitError("probe.power: too much", remedy="choose less"))
    assert panel._message.text() == "probe.power: too much – choose less"
    assert ChannelInfo("probe.power").group == "probe"
