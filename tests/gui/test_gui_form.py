"""The form for a new run: generated, with units, checked while it is typed, estimated before."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.errors import UsageError
from labctl.gui.queue.conditions import read_moment
from labctl.gui.queue.fields import Field
from labctl.gui.queue.parameters import (
    Parameter,
    Procedure,
    known_names,
    problems_by_name,
)

POWER = Parameter("power_w", "number", "W", "Power at the sample", default=5e-5, low=0.0, high=1.0)
POWERS = Parameter("powers", "list", "W", default=[1e-5, 1e-4], low=0.0, high=1.0)
COUNT = Parameter("accumulations", "integer", default=3, low=1, high=1000)
REGIONS = Parameter("regions", "list", default=["mono"], choices=("mono", "cvd"))
SERIES = {
    "powers": "50 uW, 100 uW, 200 uW", "windows": "raman", "regions": "mono",
    "exposure_s": "2 s", "accumulations": 3, "refocus": False,
}  # fmt: skip


# ---- what is typed


@settings(deadline=None)
@given(st.floats(1e-9, 1.0))
def test_what_is_shown_means_what_was_given(value):
    assert math.isclose(POWER.parse(POWER.show(value)), value, rel_tol=1e-8)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_a_text_gives_a_value_in_range_or_a_reason(text):
    for one in (POWER, POWERS, COUNT, REGIONS):
        try:
            value = one.parse(text)
        except UsageError:
            continue
        for number in value if isinstance(value, list) else [value]:
            assert number is None or isinstance(number, str) or 0 <= number <= 1000


def test_a_range_of_powers_can_be_typed():
    values = POWERS.parse("1 uW..1 mW:4 log")
    assert values == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3])
    assert POWERS.hint(values) == "4 values, 1 µW … 1 mW"


def test_the_reason_names_what_is_allowed():
    with pytest.raises(UsageError, match="at most 1 W"):
        POWER.parse("2 W")
    with pytest.raises(UsageError, match="did you mean 'mono'"):
        REGIONS.parse("mon")


def test_names_of_the_station_are_offered_where_a_procedure_leaves_them_open():
    given = [{"name": "region", "kind": "text"}, {"name": "powers", "kind": "list", "unit": "W"}]
    found = Procedure.of(
        {"name": "p", "parameters": given}, known_names({"positions": {"mono": {}, "cvd": {}}})
    )
    assert [one.name for one in found.parameters] == ["powers", "region"]
    assert found.parameters[1].choices == ("mono", "cvd")
    assert found.parameters[1].kind == "choice"


def test_a_refusal_of_the_service_is_told_beside_its_field():
    refusal = "power_series: powers: must be less than 1 W (given: 2.0); regions: is empty"
    assert problems_by_name(refusal, ["powers", "regions"]) == {
        "powers": "must be less than 1 W",
        "regions": "is empty",
    }


def test_a_time_of_day_is_the_next_one():
    from datetime import UTC, datetime

    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    for text in ("22:00", "00:30", "+2 h", "2026-02-01 07:00"):
        assert now < read_moment(text, now)
        assert read_moment(text, now).tzinfo is not None
    with pytest.raises(UsageError, match="no time"):
        read_moment("late", now)


# ---- the fields


def test_a_wrong_value_is_marked_at_once_with_its_reason(themed, qtbot):
    field = Field(POWER)
    qtbot.addWidget(field)
    field.show()
    field.editor.clear()
    qtbot.keyClicks(field.editor, "3 W")
    assert field.editor.property("refused")
    assert "at most 1 W" in field.note.text()
    field.show_value("50 uW")
    assert not field.editor.property("refused")
    assert field.value() == 5e-5


def test_a_bare_number_gets_its_unit(themed, qtbot):
    field = Field(Parameter("exposure_s", "number", "s"))
    qtbot.addWidget(field)
    field.editor.setText("2")
    field.editor.editingFinished.emit()
    assert field.text() == "2 s"


def test_5_a_wheel_over_a_choice_changes_nothing(themed, qtbot):
    field = Field(Parameter("window", "choice", default="raman", choices=("raman", "pl")))
    qtbot.addWidget(field)
    field.show()
    down = QtCore.QPoint(0, -120)
    event = QtGui.QWheelEvent(
        QtCore.QPointF(5, 5), QtCore.QPointF(5, 5), down, down, QtCore.Qt.MouseButton.NoButton,
        QtCore.Qt.KeyboardModifier.NoModifier, QtCore.Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QtWidgets.QApplication.sendEvent(field.editor, event)
    assert field.value() == "raman"


# ---- with the service


@pytest.fixture
def form(window, qtbot):
    window.show_dock("form")
    form = window.dock("form")
    qtbot.waitUntil(lambda: form.chooser.count() > 0 and bool(form.fields), timeout=20_000)
    window.link.table.pause()
    return form


def filled(form, qtbot, **changes):
    form.fill("power_series", {**SERIES, **changes}, "flake-7", "")
    qtbot.waitUntil(lambda: form.estimator.estimate is not None, timeout=40_000)
    return form.estimator.estimate


def test_the_form_has_a_field_with_unit_and_range_for_every_parameter(form, window):
    described = {one["name"]: one for one in window.link.table.procedures()}
    for name, procedure in described.items():
        form.chooser.setCurrentText(name)
        form._rebuild()
        assert set(form.fields) == {one["name"] for one in procedure["parameters"]}
        for field in form.fields.values():
            assert field.editor.accessibleName()
            assert not field.error or field.parameter.required, field.parameter
            if field.parameter.unit and field.parameter.default is not None:
                assert field.text().endswith(field.parameter.unit.strip()), field.text()


def test_duration_end_and_dose_are_told_before_anything_is_added(form, window, qtbot):
    estimate = filled(form, qtbot)
    assert estimate.points == 5
    assert 20 < estimate.total_s < 200
    text = form.estimate_line.text()
    assert "ends" in text
    assert "5 points" in text
    assert "dose probe" in text
    assert window.link.table.queue.list() == []


def test_a_limit_of_the_table_is_told_before_anything_is_added(form, window, qtbot):
    estimate = filled(form, qtbot, powers="50 uW, 200 mW")
    assert estimate.violations
    assert "0.2 W is outside" in form.problem_line.text()
    form.add()
    qtbot.waitUntil(lambda: "Nothing was added" in form.problem_line.text()
                    or "outside" in form.problem_line.text(), timeout=20_000)  # fmt: skip
    assert window.link.table.queue.list() == []


def test_what_only_the_procedure_knows_is_told_beside_the_field(form, qtbot):
    filled(form, qtbot, exposure_s="0 s")
    assert "greater than 0 s" in form.fields["exposure_s"].note.text()
    form.fields["exposure_s"].show_value("1 s")
    assert not form.fields["exposure_s"].error


def test_a_wrong_form_is_not_sent_and_the_field_is_shown(form, window, qtbot):
    filled(form, qtbot)
    form.fields["regions"].show_value("mon")
    form.add()
    assert "did you mean 'mono'" in form.problem_line.text()
    assert window.link.table.queue.list() == []


def test_what_is_added_is_what_stands_in_the_form(form, window, qtbot):
    filled(form, qtbot)
    form.conditions.not_before.setText("+2 h")
    with qtbot.waitSignal(form.added, timeout=20_000):
        window.registry.trigger("queue.add")
    (item,) = window.link.table.queue.list()
    assert item.label == "flake-7"
    assert item.parameters == {
        "powers": [5e-5, 1e-4, 2e-4], "windows": ["raman"], "regions": ["mono"],
        "exposure_s": 2.0, "accumulations": 3, "refocus": False,
    }  # fmt: skip
    assert item.conditions.not_before is not None
    assert item.estimate_s == pytest.approx(form.estimator.estimate.total_s)
