"""Truth A: every procedure, predicted and measured; the region cools and the analysis says so."""

import pytest
from measured import REDUCED, measure, opened

from labctl.core.journal import RunState
from labctl.core.procedure import find_procedures
from labctl.service.demo import COOLING_CHAIN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SLACK_S = 45.0
"""What a short run may be off: a dry run does not know where turret and lasers stand."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    return measure(tmp_path_factory.mktemp("truth-a"), "A", COOLING_CHAIN, REDUCED)


@pytest.mark.parametrize("name", COOLING_CHAIN)
def test_a_dry_run_predicts_points_and_duration_and_finds_no_violation(measured, name):
    expected, run = measured.expected[name], measured.run(name)
    assert expected.violations == ()
    assert expected.complete
    assert expected.points == run.outcome.points
    assert run.outcome.state is RunState.FINISHED
    assert expected.total_s == pytest.approx(run.duration_s, rel=0.1, abs=SLACK_S)


def test_the_defaults_of_every_procedure_violate_no_limit(tmp_path):
    with opened(tmp_path, "A") as session:
        for name in find_procedures():
            expected = session.dry_run(name, {})
            assert expected.violations == ()
            assert expected.complete
            assert expected.total_s > 0


def test_a_single_spectrum_is_predicted_as_well(tmp_path):
    with opened(tmp_path, "A") as session:
        expected = session.dry_run("spectrum", {})
        run = session.run("spectrum")
    assert expected.violations == ()
    assert expected.points == run.outcome.points == 2
    assert expected.total_s == pytest.approx(run.duration_s, rel=0.1, abs=SLACK_S)


def test_no_analysis_fails(measured):
    assert [run.analysis_problem for run in measured.report.runs] == [""] * len(COOLING_CHAIN)


@pytest.mark.parametrize(
    ("procedure", "count"), [("power_series", 8), ("dual_beam", 2), ("temperature_series", 4)]
)
def test_every_temperature_covers_the_truth_with_three_sigma(measured, procedure, count):
    found = measured.temperatures(procedure)
    assert len(found) == count
    for one in found:
        low_k, high_k = one.interval_k
        assert low_k <= measured.true_k(one) <= high_k, one
        assert low_k < one.value_k < high_k
        assert 0 < one.sigma_k < 15
        assert len(one.calibrations) >= 1


def test_the_region_with_intermediate_coupling_is_below_ambient(measured):
    for procedure in ("power_series", "dual_beam"):
        verdict = measured.verdict(procedure, "intermediate")
        assert verdict.statement == "below ambient"
        assert verdict.significance < -3
    strongest = max(
        measured.temperatures("power_series", "intermediate"), key=lambda t: t.condition.power_w
    )
    assert strongest.interval_k[1] < 298.0


def test_the_control_region_is_above_ambient(measured):
    verdict = measured.verdict("power_series", "mono")
    assert verdict.statement == "above ambient"
    assert verdict.significance > 3


def test_the_pump_changes_the_temperature_as_it_truly_does(measured):
    off, on = sorted(measured.temperatures("dual_beam"), key=lambda t: t.condition.pump_power_w)
    numbers = measured.run("dual_beam").result.numbers
    truth_k = measured.true_k(on) - measured.true_k(off)
    assert abs(numbers["difference_k"] - truth_k) < 3 * numbers["difference_sigma_k"]


def test_photoluminescence_is_found_in_every_condition(measured):
    assert len(measured.run("power_series").result.peaks) == 8
    assert len(measured.run("temperature_series").result.peaks) == 4
    for procedure in ("power_series", "temperature_series"):
        for peak in measured.run(procedure).result.peaks:
            assert 1.5 < peak.position_ev < 1.75
            assert 0 < peak.sigma_ev < 0.01


def test_the_silicon_line_confirms_the_axis(measured):
    result = measured.run("wavelength_check").result
    assert abs(result.numbers["offset_nm"]) <= result.numbers["allowed_nm"]
    assert result.calibrations == ()


def test_the_thermometer_is_calibrated_without_complaint(measured):
    result = measured.run("thermometry_calibration").result
    (calibration,) = result.calibrations
    assert calibration.kind == "thermometry.probe"
    assert result.warnings == ()
