"""The quick form of the storm; `python tests/night/storm.py` is a whole day."""

import pytest
from night_storm import run_storm, short
from storm_check import Checked, check_light, check_runs

from labctl.core.items import ItemState


@pytest.fixture(scope="module")
def stormy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("storm")
    found = run_storm(folder, short(), seed=11, hours=1.5, wires=60, tables=18, kills=2)
    return found, folder / "data"


def test_a_storm_of_faults_loses_no_point_and_records_no_wrong_value(stormy):
    storm, _ = stormy
    assert storm.failures() == [], storm.summary()
    assert sum(storm.faults.values()) >= 60
    assert len(storm.faults) >= 12
    assert {item.state for item in storm.items} == {ItemState.FINISHED}
    assert storm.checked.points >= 18
    assert sum(storm.checked.good.values()) >= 45


def test_every_absence_of_the_night_is_explained_in_the_report(stormy):
    storm, _ = stormy
    digest = storm.report.digest
    assert all(gap.cause for gap in digest.gaps)
    assert all(fault.what for fault in digest.faults)
    for one in digest.items:
        is_whole = one.item.state is ItemState.FINISHED
        assert is_whole or one.item.reason


def test_the_checker_sees_a_wrong_value_and_stray_light(stormy):
    storm, root = stormy
    table = storm.storm.table
    frame = next(f for f in table.truth.exposures if f["open"]["probe"] == 1)
    acquires, table.truth.acquires = table.truth.acquires, []
    kept = {name: frame[name] for name in ("power_w", "counts", "cryostat_k")}
    lit = [f for f in table.truth.exposures if f["open"]["probe"] == 1]
    for one in lit:
        one["power_w"] = {beam: 2 * power_w for beam, power_w in one["power_w"].items()}
    checked = Checked()
    check_runs(root, table, checked)
    check_light(table, checked)
    assert checked.wrong
    assert checked.light_outside_s > 0
    table.truth.acquires = acquires
    for one in lit:
        one["power_w"] = {beam: power_w / 2 for beam, power_w in one["power_w"].items()}
    frame.update(kept)
