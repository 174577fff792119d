import numpy as np
import pytest

from labctl.analysis.counts import to_electrons
from labctl.analysis.wavelength import (
    NEON_AIR_NM,
    average_offset,
    fit_line_offset,
    silicon_line_nm,
    wavelength_calibration,
)
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError

AXIS_NM = 540.0 + 0.0164 * (np.arange(1340) - 669.5)


def silicon(make_bench, seed, electrons, error_nm):
    """Return the line as seen on an axis that reads `error_nm` too high."""
    bench = make_bench(seed, axis_nm=AXIS_NM - error_nm)
    mu = electrons * bench.line(520.7, 3.5) + 3.0
    bench.axis_nm = AXIS_NM
    return bench, mu


@pytest.mark.parametrize("electrons", [500, 30000])
def test_offset_of_the_silicon_line_has_standard_pulls(make_bench, electrons):
    bench, mu = silicon(make_bench, 1, electrons, 0.035)
    fits = [
        fit_line_offset(to_electrons(bench.expose(mu)), silicon_line_nm(532.0)) for _ in range(80)
    ]
    pull = np.array([(fit.offset_nm + 0.035) / fit.sigma_nm for fit in fits])
    assert abs(pull.mean()) < 0.4
    assert 0.8 < pull.std() < 1.2
    assert np.mean([fit.chi2 / fit.freedom for fit in fits]) == pytest.approx(1, abs=0.1)


def test_corrected_axis_puts_the_line_where_it_belongs(make_bench):
    bench, mu = silicon(make_bench, 2, 30000, 0.12)
    offset = fit_line_offset(to_electrons(bench.expose(mu)), silicon_line_nm(532.0))
    again = make_bench(3, axis_nm=AXIS_NM + offset.offset_nm)
    fit = fit_line_offset(to_electrons(again.expose(mu)), silicon_line_nm(532.0))
    assert fit.offset_nm == pytest.approx(0, abs=4 * fit.sigma_nm)


def test_line_outside_the_frame_is_refused(make_bench):
    bench = make_bench(4)
    with pytest.raises(AnalysisError, match="not in the frame"):
        fit_line_offset(to_electrons(bench.expose(np.ones(1340))), NEON_AIR_NM[5])


def test_no_line_is_refused(make_bench):
    bench = make_bench(5, axis_nm=AXIS_NM)
    for _ in range(10):
        with pytest.raises(AnalysisError):
            fit_line_offset(to_electrons(bench.expose(np.full(1340, 5.0))), NEON_AIR_NM[0])


def test_calibration_adds_to_the_one_it_rests_on(make_bench):
    bench, mu = silicon(make_bench, 6, 30000, 0.05)
    offset = fit_line_offset(to_electrons(bench.expose(mu)), silicon_line_nm(532.0))
    previous = Calibration(
        "wavelength",
        {"gratings": {"1": {"offset_nm": 0.02}, "3": {"offset_nm": 0.5}}},
        "2026-01-01",
        "run 1",
        7.0,
    )
    found = wavelength_calibration(
        [offset], 1, measured_utc="2026-01-02", source="run 2", previous=previous
    )
    assert found.kind == "wavelength"
    assert found.values["gratings"]["1"]["offset_nm"] == pytest.approx(-0.03, abs=0.002)
    assert found.values["gratings"]["3"] == {"offset_nm": 0.5}
    assert found.values["rests_on"] == [previous.identity]
    assert found.identity.startswith("sha256:")
    assert average_offset([offset])[1] == pytest.approx(offset.sigma_nm)
