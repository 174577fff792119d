"""Truths B and C: what only looks like cooling, and nothing at all, are not taken for cooling."""

import pytest
from measured import REDUCED, measure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def artefact(tmp_path_factory):
    chain = ("thermometry_calibration", "power_series")
    return measure(tmp_path_factory.mktemp("truth-b"), "B", chain, REDUCED)


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    chain = ("thermometry_calibration", "power_series", "dual_beam")
    return measure(tmp_path_factory.mktemp("truth-c"), "C", chain, REDUCED)


def test_an_artefact_that_looks_like_cooling_is_called_contradictory(artefact):
    verdict = artefact.verdict("power_series", "intermediate")
    # the ratio alone would say "cold", and nothing else agrees
    assert verdict.significance < -3
    assert verdict.statement == "contradictory"
    assert verdict.explanation


def test_without_cooling_nothing_is_below_ambient(nothing):
    found = [*nothing.temperatures("power_series"), *nothing.temperatures("dual_beam")]
    assert len(found) == 10
    for one in found:
        assert one.interval_k[1] >= 298.0, one
        low_k, high_k = one.interval_k
        assert low_k <= nothing.true_k(one) <= high_k, one


def test_without_cooling_no_verdict_says_below_ambient(nothing):
    verdicts = [v for run in nothing.report.runs for v in run.result.verdicts]
    assert {v.region for v in verdicts} == {"intermediate", "mono"}
    assert "below ambient" not in {v.statement for v in verdicts}
