"""Run the demo's chain with few photons, and look at all that it leaves behind."""

import json

import pytest

from labctl.core.errors import PartialData, RunAborted
from labctl.engine import Control, RunEnded
from labctl.service import Session
from labctl.service.demo import COOLING_CHAIN, run_demo

pytestmark = pytest.mark.timeout(150)
CHANGES = {
    "thermometry_calibration": {"temperatures": "250 K, 300 K, 350 K", "order": "given"},
    "power_series": {"powers": "100 uW, 300 uW"},
    "dual_beam": {"pairs": 3, "exposure_s": "60 s"},
    "temperature_series": {"temperatures": "298 K", "windows": "pl"},
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    told: list[str] = []
    with Session(output=folder, simulation={"seed": 3}) as table:
        report = run_demo(table, changes=CHANGES, tell=told.append)
    return folder, report, told


def test_the_chain_runs_in_its_order_and_says_where_it_is(demo):
    _, report, told = demo
    assert [run.procedure for run in report.runs] == list(COOLING_CHAIN)
    assert told[0].startswith("1 of 5, wavelength_check: ")
    assert any(line.startswith("5 of 5, temperature_series: ") for line in told)


def test_every_file_of_the_report_exists_and_the_picture_is_one(demo):
    folder, report, _ = demo
    assert all(path.stat().st_size for path in report.files)
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "truth A, seed 3" in page
    assert "http://" not in page
    assert "https://" not in page


def test_the_json_object_says_for_every_temperature_where_it_comes_from(demo):
    _, report, _ = demo
    found = report.as_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    keys = {"run", "procedure", "region", "condition", "value_k", "sigma_k", "interval_k"}
    assert found["temperatures"]
    for one in found["temperatures"]:
        assert keys <= set(one)
        assert set(one["condition"]) == {"power_w", "pump_power_w", "cryostat_k"}
        low_k, high_k = one["interval_k"]
        assert low_k < one["value_k"] < high_k
        assert one["calibrations"]
    regions = {verdict["region"] for verdict in found["verdicts"]}
    assert regions >= {"intermediate", "mono"}
    assert all(verdict["run"].startswith("000") for verdict in found["verdicts"])


def test_rows_of_the_table_stand_in_order_of_region_and_power(demo):
    _, report, _ = demo
    series = [row for row in report.rows if row.procedure == "power_series"]
    assert [row.region for row in series] == sorted(row.region for row in series)
    assert next(row.power for row in series if row.region == "mono").startswith(("9", "10"))


@pytest.mark.parametrize(("ask", "error"), [("stop", PartialData), ("abort", RunAborted)])
def test_an_end_that_was_asked_for_between_two_runs_begins_no_further_run(tmp_path, ask, error):
    control = Control()

    def observe(event):
        if isinstance(event, RunEnded):
            getattr(control, ask)("Ctrl-C")

    with Session(output=tmp_path) as table, pytest.raises(error, match="ended after 1 of its runs"):
        run_demo(table, control=control, observer=observe, chain=("wavelength_check", "spectrum"))
    assert len(table.runs.runs()) == 1
