from dataclasses import replace

import numpy as np
import pytest

from labctl.analysis.counts import subtract_control, to_electrons
from labctl.analysis.dark import average_darks
from labctl.core.errors import AnalysisError
from labctl.core.readings import Quality


def test_dark_subtracted_signal_scatters_as_its_variance_says(bench):
    mu = np.full(1340, 30.0)
    darks = [bench.dark(4)]
    electrons = to_electrons(bench.expose(mu), darks)
    pull = (electrons.signal_e - 90) / np.sqrt(electrons.variance_e2(np.full(1340, 90.0)))
    assert abs(pull.mean()) < 0.15
    assert pull.std() == pytest.approx(1, abs=0.06)


def test_structured_dark_keeps_its_structure_and_adds_its_noise(bench):
    structure = np.where(np.arange(1340) % 100 == 0, 300.0, 0.0)
    dark = bench.expose(structure, 4, beams=())
    spectrum = bench.expose(structure + 30.0)
    electrons = to_electrons(spectrum, [dark])
    straight = to_electrons(spectrum, [bench.dark(4)])
    assert electrons.signal_e[::100].mean() == pytest.approx(90, abs=40)
    assert electrons.variance_floor_e2[3] > 1.5 * straight.variance_floor_e2[3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exposure_s": 30.0}, "exposure"),
        ({"beams": ("probe",)}, "open"),
        ({"settings": {"rows": "10-20"}}, "rows"),
        ({"quality": Quality.INVALID, "reason": "aborted"}, "aborted"),
    ],
)
def test_foreign_dark_is_refused(bench, change, words):
    spectrum = replace(bench.expose(np.ones(1340)), settings={"rows": "188-211"})
    with pytest.raises(AnalysisError, match=words):
        average_darks([replace(bench.dark(), **change)], spectrum)


def test_dark_of_another_axis_is_refused(bench, make_bench):
    other = make_bench(axis_nm=bench.axis_nm + 10).dark()
    with pytest.raises(AnalysisError, match="axis"):
        to_electrons(bench.expose(np.ones(1340)), [other])


def test_invalid_spectrum_is_refused(bench):
    spectrum = replace(bench.expose(np.ones(1340)), quality=Quality.INVALID, reason="late reply")
    with pytest.raises(AnalysisError, match="late reply"):
        to_electrons(spectrum)


def test_missing_dark_is_noted(bench):
    assert "no dark" in " ".join(to_electrons(bench.expose(np.ones(1340))).remarks)


def test_pump_only_light_is_subtracted_with_its_noise(bench):
    leak = np.full(1340, 200.0)
    darks = [bench.dark()]
    both = to_electrons(bench.expose(leak + 30.0), darks)
    control = to_electrons(bench.expose(leak, beams=("pump",)), darks)
    rest = subtract_control(both, control)
    pull = (rest.signal_e - 90) / np.sqrt(rest.variance_e2(np.full(1340, 90.0)))
    assert abs(pull.mean()) < 0.15
    assert pull.std() == pytest.approx(1, abs=0.08)
