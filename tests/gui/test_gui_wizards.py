"""Calibration wizards: measure, before and after with residuals, accept or discard, expiry."""

from datetime import UTC, datetime, timedelta

import pytest
from gui_bench import Bench
from qtpy import QtWidgets

from labctl.gui.panels.calibrations import Calibrations, summary
from labctl.gui.wizards.kinds import AT_SAMPLE, KINDS, kind_of
from labctl.gui.wizards.measurement import Found
from labctl.gui.wizards.residuals import comparison, finding
from labctl.gui.wizards.wizard import Wizard

SLOW_MS = 60_000
WAVELENGTH, LASER, POWER = KINDS


@pytest.fixture
def bench(served, link, state, qtbot):
    bench = Bench(link, state)
    qtbot.addWidget(bench)
    bench.page = bench.add(Calibrations)
    yield bench
    served.settle()


@pytest.fixture
def begin(bench, qtbot):
    """Open a wizard and wait until the service has described its procedure."""

    def begin(kind, method=0):
        wizard = bench.page.begin(kind)
        qtbot.waitUntil(lambda: bool(wizard.form.fields), timeout=SLOW_MS)
        wizard.methods.setCurrentIndex(method)
        return wizard

    return begin


def measure(qtbot, wizard):
    wizard.measure_button.click()
    assert wizard.measurement.is_running, wizard.state.text()
    assert not wizard.measure_button.isEnabled()
    qtbot.waitUntil(lambda: not wizard.measurement.is_running, timeout=2 * SLOW_MS)
    assert wizard.found is not None, wizard.state.text()
    return wizard.found


def test_the_axis_is_checked_with_silicon_and_residuals_are_drawn(bench, begin, qtbot):
    wizard = begin(WAVELENGTH)
    assert not wizard.isModal()
    assert wizard.form.fields["exposure_s"].text().endswith("s"), "a field without its unit"
    wizard.form.fields["exposure_s"].show_value(1.0)
    found = measure(qtbot, wizard)
    assert found.problem == ""
    assert found.run.endswith("calibration")
    assert abs(found.numbers["offset_nm"]) < 0.1
    assert len(wizard.plot._before.getData()[0]) == 1
    text = wizard.outcome.text()
    assert "RMS residual: before" in text
    assert " nm" in text
    assert not wizard.accept_button.isEnabled(), "there is nothing to accept"


def test_the_zero_of_the_laser_is_measured_several_times(bench, begin, qtbot):
    wizard = begin(LASER)
    wizard.form.fields["repeats"].show_value(3)
    wizard.form.fields["exposure_s"].show_value(1.0)
    found = measure(qtbot, wizard)
    assert found.problem == ""
    assert len(found.numbers["frame"]) == 3
    assert "cm⁻¹" in wizard.outcome.text()
    assert len(wizard.plot._after.getData()[0]) == 3


def test_a_meter_at_the_sample_leads_to_a_calibration_that_is_accepted(bench, begin, qtbot, served):
    wizard = begin(POWER, POWER.methods.index(AT_SAMPLE))
    powers = (2e-5, 5e-5, 1e-4, 2e-4, 5e-4)
    wizard.form.fields["beam"].show_value("pump")
    wizard.form.fields["powers"].show_value(list(powers))
    assert [box.unit for box in wizard.readings.boxes] == ["W"] * 5
    wizard.measure_button.click()
    assert "type what the meter shows at 20 µW" in wizard.state.text()
    assert not wizard.measurement.is_running
    # a meter that shows 4 % less than what is asked: the objective has lost light
    for box, power_w in zip(wizard.readings.boxes, powers, strict=True):
        box.set_value(0.96 * power_w)
    found = measure(qtbot, wizard)
    assert found.problem == ""
    (proposed,) = found.proposed
    assert proposed["kind"] == "power.pump"
    assert "valid until" in wizard.outcome.text()
    assert wizard.accept_button.isEnabled()
    before = in_force(served, "power.pump")
    with qtbot.waitSignal(wizard.decided, timeout=SLOW_MS):
        wizard.accept_button.click()
    after = in_force(served, "power.pump")
    assert after["identity"] == proposed["identity"] != before["identity"]
    assert after["values"]["sample_per_meter"] == pytest.approx(
        0.96 * before["values"]["sample_per_meter"], rel=0.02
    )
    assert not wizard.accept_button.isEnabled()
    qtbot.waitUntil(lambda: proposed["identity"] in table_text(bench.page), timeout=SLOW_MS)


def test_what_is_discarded_does_not_come_into_force(bench, begin, qtbot, served):
    wizard = begin(POWER, POWER.methods.index(AT_SAMPLE))
    powers = (5e-5, 1e-4, 2e-4, 5e-4)
    wizard.form.fields["powers"].show_value(list(powers))
    for box, power_w in zip(wizard.readings.boxes, powers, strict=True):
        box.set_value(0.9 * power_w)
    (proposed,) = measure(qtbot, wizard).proposed
    before = in_force(served, "power.probe")
    with qtbot.waitSignal(wizard.decided, timeout=SLOW_MS):
        wizard.discard_button.click()
    assert in_force(served, "power.probe") == before
    (found,) = [one for one in served.table.calibrations()
                if one["identity"] == proposed["identity"]]  # fmt: skip
    assert found["status"] == "discarded"


def in_force(served, kind):
    return next(one for one in served.table.calibrations() if one["kind"] == kind and one["active"])


def table_text(page):
    items = [page.table.topLevelItem(row) for row in range(page.table.topLevelItemCount())]
    return "\n".join(item.text(column) for item in items for column in range(item.columnCount()))


def test_a_lamp_that_is_off_is_said_to_be_and_nothing_can_be_accepted(bench, begin, qtbot):
    wizard = begin(WAVELENGTH, 1)
    wizard.form.fields["exposure_s"].show_value(0.5)
    found = measure(qtbot, wizard)
    assert "stands out of the noise" in found.problem
    assert "stands out of the noise" in wizard.outcome.text()
    assert not wizard.accept_button.isEnabled()


def test_a_wrong_number_is_refused_before_anything_is_measured(bench, begin):
    wizard = begin(LASER)
    wizard.form.fields["repeats"].show_value("many")
    wizard.measure()
    assert wizard.state.text().startswith("Repeats:")
    assert not wizard.measurement.is_running


def test_wizards_have_actions_in_the_menu_and_no_dialog_blocks(bench):
    for kind in KINDS:
        action = bench.context.actions.get(f"calibrate.{kind.id}")
        assert action.toolTip()
        action.trigger()
    opened = [one for one in bench.findChildren(Wizard) if one.isVisible()]
    assert len(opened) == len(KINDS)
    assert QtWidgets.QApplication.activeModalWidget() is None
    for wizard in opened:
        for button in wizard.findChildren(QtWidgets.QPushButton):
            assert button.accessibleName()
            assert button.toolTip()


def test_found_numbers_are_said_with_their_errors_and_units():
    method = LASER.methods[0]
    numbers = {"laser_nm": 532.15, "laser_sigma_nm": 0.013, "zero_cm1": 5.3,
               "zero_sigma_cm1": 0.47, "rms_before_cm1": 5.31, "rms_after_cm1": 0.42}  # fmt: skip
    assert finding(numbers) == (
        "Laser at 532.1500 ± 0.0130 nm: shifts are off by +5.30 ± 0.47 cm⁻¹"
    )
    assert comparison(method, numbers) == "RMS residual: before 5.31 cm⁻¹, after 0.42 cm⁻¹"
    assert comparison(method, {}) == ""


def calibration(**fields):
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return {"kind": "wavelength", "identity": "sha256:0", "active": True, "status": "accepted",
            "made_utc": now.isoformat(), "expires_utc": (now + timedelta(days=7)).isoformat(),
            "source": "0001_x", **fields}  # fmt: skip


def test_expiry_and_open_decisions_are_said():
    now = datetime(2026, 11, 24, tzinfo=UTC)
    assert summary([calibration()], now)[1] is None
    text, level = summary([calibration(expires_utc="2026-11-23T12:00:00+00:00")], now)
    assert (text, level) == ("expired: wavelength", "bad")
    text, level = summary([calibration(active=False, status="found")], now)
    assert text == "wait to be accepted: wavelength"
    assert level == "warning"


def test_an_expired_calibration_is_marked_in_the_list(bench):
    expired = calibration(expires_utc="2025-01-01T00:00:00+00:00")
    discarded = calibration(status="discarded", active=False, identity="sha256:1")
    bench.page.take([expired, discarded])
    assert "EXPIRED" in table_text(bench.page)
    assert "sha256:1" not in table_text(bench.page)
    bench.page.old.setChecked(True)
    assert "sha256:1" in table_text(bench.page)


def test_kinds_of_calibrations_lead_to_their_wizard():
    assert kind_of("power.probe") is POWER
    assert kind_of("laser.probe") is LASER
    assert kind_of("thermometry.probe") is None
    assert Found("r", {}, (), "", ()).proposed == ()
