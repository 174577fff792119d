"""Run the demo as a newcomer does, and compare what it found with what is true."""

import json

import pytest
from cli_process import labctl

from labctl.service.simulator import true_state

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    done = labctl("demo --seed 1 --json", folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def refuse_nan(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


def test_the_demo_prints_one_object_and_tells_its_progress_on_the_side(shown):
    folder, done = shown
    found = json.loads(done.stdout, parse_constant=refuse_nan)
    assert found["simulated"] == "truth A, seed 1"
    assert "SIMULATED TABLE" in done.stderr
    assert "left (table time)" in done.stderr
    assert all((folder / name).is_file() for name in found["files"])


def test_truth_a_cools_the_intermediate_region_and_heats_the_monolayer(shown):
    found = json.loads(shown[1].stdout)
    series = [one for one in found["temperatures"] if one["procedure"] == "power_series"]
    for region in ("intermediate", "mono"):
        brightest = max(
            (one for one in series if one["region"] == region),
            key=lambda one: one["condition"]["power_w"],
        )
        condition = brightest["condition"]
        truth = true_state(None, "A", region, condition["power_w"], 0.0, condition["cryostat_k"])
        low_k, high_k = brightest["interval_k"]
        assert low_k <= truth.t_wse2_k <= high_k
        if region == "intermediate":
            assert high_k < found["ambient_k"]
        else:
            assert low_k > found["ambient_k"]
    verdicts = {(one["procedure"], one["region"]): one["statement"] for one in found["verdicts"]}
    assert verdicts["power_series", "intermediate"] == "below ambient"
    assert verdicts["power_series", "mono"] == "above ambient"
    assert verdicts["dual_beam", "intermediate"] == "below ambient"
