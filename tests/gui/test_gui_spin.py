"""Check 5 of the interface: boxes with quantities change on purpose only."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.errors import UsageError
from labctl.gui.actions import Actions
from labctl.gui.quantity import QuantitySpinBox, linear, parse_shown

KEYS = QtCore.Qt.Key


@pytest.fixture
def panel(themed, qtbot):
    """A window with a box for power, one for an exposure, and something else to focus."""
    panel = QtWidgets.QWidget()
    qtbot.addWidget(panel)
    layout = QtWidgets.QVBoxLayout(panel)
    panel.power = QuantitySpinBox("W", 1e-9, 2e-3, 2, ("µW", "mW"), name="power")
    panel.exposure = QuantitySpinBox("s", 0.01, 3600, 3, name="exposure")
    panel.other = QtWidgets.QLineEdit()
    for box in (panel.power, panel.exposure, panel.other):
        layout.addWidget(box)
    panel.power.set_value(50e-6)
    panel.exposure.set_value(1.0)
    panel.writes = []
    panel.power.value_changed.connect(panel.writes.append)
    panel.exposure.value_changed.connect(panel.writes.append)
    panel.show()
    qtbot.waitExposed(panel)
    panel.activateWindow()
    return panel


def retype(qtbot, box, text):
    """Type a text in place of what stands in a box."""
    box.setFocus()
    box.selectAll()
    qtbot.keyClicks(box, text)


def turn(widget):
    """Turn the wheel over a widget."""
    where = QtCore.QPointF(widget.rect().center())
    event = QtGui.QWheelEvent(
        where,
        QtCore.QPointF(widget.mapToGlobal(where.toPoint())),
        QtCore.QPoint(),
        QtCore.QPoint(0, 120),
        QtCore.Qt.MouseButton.NoButton,
        QtCore.Qt.KeyboardModifier.NoModifier,
        QtCore.Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QtWidgets.QApplication.sendEvent(widget, event)


def test_5_a_wheel_over_a_box_without_focus_changes_nothing(panel):
    panel.other.setFocus()
    turn(panel.exposure)
    assert panel.exposure.value == 1.0
    assert panel.writes == []


def test_5_a_wheel_never_changes_power_even_with_the_focus(panel):
    panel.power.setFocus()
    turn(panel.power)
    assert panel.power.value == 50e-6
    panel.exposure.setFocus()
    turn(panel.exposure)
    assert panel.exposure.value > 1.0


def test_5_typing_a_number_writes_once(panel, qtbot):
    retype(qtbot, panel.power, "125")
    assert panel.writes == []
    qtbot.keyClick(panel.power, KEYS.Key_Return)
    panel.other.setFocus()
    assert panel.writes == [pytest.approx(125e-6)]
    assert panel.power.text() == "125.00 µW"


def test_5_an_action_uses_what_is_being_typed(panel, qtbot):
    seen = []
    actions = Actions(panel)
    action = actions.add("snap", "Snap", lambda: seen.append(panel.exposure.value), "F6")
    retype(qtbot, panel.exposure, "2.5")
    action.trigger()
    assert seen == [2.5]
    assert panel.writes == [2.5]


def test_5_an_action_does_nothing_while_a_box_holds_what_cannot_be_taken(panel, qtbot):
    seen = []
    action = Actions(panel).add("snap", "Snap", lambda: seen.append(1))
    retype(qtbot, panel.exposure, "soon")
    action.trigger()
    assert seen == []
    assert "soon" in panel.exposure.toolTip()


def test_what_makes_safe_does_not_wait_for_what_is_being_typed(panel, qtbot):
    seen = []
    action = Actions(panel).add("off", "OFF", lambda: seen.append(1), commits=False)
    retype(qtbot, panel.exposure, "soon")
    action.trigger()
    assert seen == [1]


@pytest.mark.parametrize(
    ("typed", "power_w"),
    [
        ("150u", 150e-6), ("0.5m", 0.5e-3), ("150 uW", 150e-6), ("150 µW", 150e-6),
        ("0,2 mW", 0.2e-3), ("1e-4 W", 1e-4), ("1e2", 100e-6), ("7", 7e-6), ("200 nW", 200e-9),
    ],
)  # fmt: skip
def test_a_quantity_may_be_typed_as_people_write_it(panel, qtbot, typed, power_w):
    retype(qtbot, panel.power, typed)
    assert panel.power.commit()
    assert panel.power.value == pytest.approx(power_w)


@pytest.mark.parametrize("typed", ["5 mW", "-1", "abc", "", "nan", "inf", "3 K", "1e-12 W"])
def test_what_cannot_be_taken_is_neither_clipped_nor_put_back(panel, qtbot, typed):
    panel.power.setFocus()
    panel.power.selectAll()
    qtbot.keyClick(panel.power, KEYS.Key_Delete)
    qtbot.keyClicks(panel.power, typed)
    qtbot.keyClick(panel.power, KEYS.Key_Return)
    assert panel.power.value == 50e-6
    assert panel.writes == []
    assert panel.power.text() == typed
    assert panel.power.error
    assert panel.power.error in panel.power.toolTip()
    assert panel.power.property("refused")


def test_escape_takes_back_what_was_typed(panel, qtbot):
    retype(qtbot, panel.power, "99999")
    panel.power.commit()
    qtbot.keyClick(panel.power, KEYS.Key_Escape)
    assert panel.power.text() == "50.00 µW"
    assert not panel.power.error


def test_a_value_from_outside_leaves_what_is_being_typed(panel, qtbot):
    retype(qtbot, panel.power, "12")
    panel.power.set_value(80e-6)
    assert panel.power.text() == "12"
    with pytest.raises(ValueError, match="not between"):
        panel.power.set_value(1.0)


def test_the_same_value_typed_again_writes_nothing(panel, qtbot):
    retype(qtbot, panel.power, "50")
    assert panel.power.commit()
    assert panel.writes == []


def test_arrow_keys_step_by_a_tenth_and_stop_at_the_limit(panel, qtbot):
    panel.exposure.setFocus()
    qtbot.keyClick(panel.exposure, KEYS.Key_Up)
    assert panel.exposure.value == pytest.approx(1.1)
    panel.exposure.set_value(0.01)
    qtbot.keyClick(panel.exposure, KEYS.Key_Down)
    assert panel.exposure.value >= 0.01


def test_units_can_be_switched_without_changing_the_value(panel):
    panel.power.set_display_unit("mW")
    assert panel.power.text() == "0.05 mW"
    assert panel.power.value == 50e-6
    assert panel.writes == []


@given(st.floats(1e-9, 1e3, allow_nan=False), st.sampled_from(["nW", "µW", "mW", "W"]))
def test_what_is_shown_is_read_back(value_w, unit):
    shown = linear(unit, "W")
    text = f"{shown.to_shown(value_w):.12g} {unit}"
    assert math.isclose(parse_shown(text, "W", linear("µW", "W")), value_w, rel_tol=1e-9)


@given(st.text(max_size=12))
def test_any_text_is_a_number_or_refused(text):
    try:
        value = parse_shown(text, "s", linear("s", "s"))
    except UsageError:
        return
    assert isinstance(value, float)
