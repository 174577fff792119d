"""A dry run touches nothing and tells what would happen."""

import pytest
from tiny_table import Seeker, Series

from labctl.core.messages import Acquire, Read, Record, Set, Wait
from labctl.engine import dry_run


def test_moves_points_and_durations_are_predicted(table):
    found = dry_run(Series(), Series.Parameters(points=3, exposure_s=0.5), table)
    assert table.log.lines == []
    assert (found.points, found.complete, found.violations) == (3, True, ())
    assert [move.value for move in found.moves] == [300.0, 1e-6, 8e-6, 1.5e-5]
    assert [move.start for move in found.moves] == [None, None, 1e-6, 8e-6]
    assert found.durations_s["Set"] == 8.0
    assert found.durations_s["Wait"] == 10.0
    assert found.durations_s["Acquire"] == 1.5
    assert found.total_s == pytest.approx(19.5 + 3 * 0.002)
    assert found.point_s[-1] == pytest.approx(found.total_s)
    assert found.dose_j["probe"] == pytest.approx(0.5 * (1e-6 + 8e-6 + 1.5e-5))


def test_all_violations_are_collected(table):
    class Wrong(Series):
        def plan(self, p):
            yield Set("probe.power", 5.0)
            yield Set("probe.powr", 1.0)
            yield Record({})
            yield Acquire("spectrometer", 1000.0)
            yield Wait("probe.power")
            yield Read("dor")
            yield Set("cryostat.temperature", 1000.0)

    found = dry_run(Wrong(), Series.Parameters(), table)
    assert len(found.violations) == 6
    assert "point 0: probe.power: 5 W is outside" in found.violations[0]
    assert "did you mean 'probe.power'" in found.violations[1]
    assert "point 1: spectrometer.exposure" in found.violations[2]
    assert table.log.lines == []


def test_an_adaptive_plan_is_walked_with_spectra_without_signal(table):
    found = dry_run(Seeker(), Seeker.Parameters(points=4), table)
    assert found.points == 4
    assert [move.value for move in found.moves] == [1e-3, 0.0, 0.0, 0.0]


def test_a_plan_that_breaks_on_dummy_answers_is_reported(table):
    class Fragile(Series):
        def plan(self, p):
            spectrum = yield Acquire("spectrometer", 0.1)
            yield Record({"ratio": 1 / int(spectrum.counts.sum())})

    found = dry_run(Fragile(), Series.Parameters(), table)
    assert not found.complete
    assert "ZeroDivisionError" in found.ended_by
