import numpy as np
import pytest
from scipy.stats import exponnorm

from labctl.analysis.counts import to_electrons
from labctl.analysis.pl import MOSE2_GAP, WSE2_GAP, fit_peak, peak_shifts
from labctl.core.errors import AnalysisError

AXIS_NM = 753.0 + 0.127 * (np.arange(1340) - 669.5)
WIDTH_EV = 0.045 / 2.354820045


def gaussian_pl(bench, centre_ev, electrons, tail=0.0):
    energy = 1239.841984 / bench.axis_nm
    per_ev = np.exp(-0.5 * ((energy - centre_ev) / WIDTH_EV) ** 2)
    if tail:
        joint = centre_ev + WIDTH_EV**2 / tail
        edge = np.exp(-0.5 * (WIDTH_EV / tail) ** 2)
        per_ev = np.where(energy > joint, edge * np.exp(-(energy - joint) / tail), per_ev)
    light = per_ev * np.abs(np.gradient(energy))
    return electrons * light / light.sum() + 3.0


def positions(bench, mu, method, repeats):
    fits = [fit_peak(to_electrons(bench.expose(mu)), method=method) for _ in range(repeats)]
    return np.array([fit.position_ev for fit in fits]), np.array([fit.sigma_ev for fit in fits])


def tailed_pl(bench, electrons):
    """Return a Gaussian convolved with a hot tail, and the energy of its maximum."""
    energy = 1239.841984 / bench.axis_nm
    per_ev = exponnorm.pdf(energy, 0.026 / WIDTH_EV, loc=1.65, scale=WIDTH_EV)
    fine = np.linspace(1.6, 1.75, 300001)
    top = fine[np.argmax(exponnorm.pdf(fine, 0.026 / WIDTH_EV, loc=1.65, scale=WIDTH_EV))]
    light = per_ev * np.abs(np.gradient(energy))
    return electrons * light / light.sum() + 3.0, top


@pytest.mark.parametrize("electrons", [3e4, 1e6])
def test_position_of_a_gaussian_has_standard_pulls(make_bench, electrons):
    bench = make_bench(1, axis_nm=AXIS_NM)
    position, sigma = positions(bench, gaussian_pl(bench, 1.664, electrons), "top", 60)
    pull = (position - 1.664) / sigma
    assert abs(pull.mean()) < 0.5
    assert 0.7 < pull.std() < 1.3


@pytest.mark.parametrize(("method", "electrons"), [("tail", 3e4), ("tail", 1e6), ("top", 3e4)])
def test_position_of_a_tailed_peak_has_standard_pulls(make_bench, method, electrons):
    bench = make_bench(11, axis_nm=AXIS_NM)
    mu, top_ev = tailed_pl(bench, electrons)
    position, sigma = positions(bench, mu, method, 40)
    pull = (position - top_ev) / sigma
    assert abs(pull.mean()) < 0.6
    assert 0.7 < pull.std() < 1.3


@pytest.mark.parametrize("method", ["top", "tail"])
def test_shift_of_a_peak_with_a_hot_tail_is_unbiased(make_bench, method):
    bench = make_bench(2, axis_nm=AXIS_NM)
    first, first_sigma = positions(bench, gaussian_pl(bench, 1.660, 1e6, 0.026), method, 12)
    second, _ = positions(bench, gaussian_pl(bench, 1.672, 1e6, 0.026), method, 12)
    error = 3 * first_sigma.mean() * np.sqrt(2 / 12)
    assert second.mean() - first.mean() == pytest.approx(0.012, abs=error + 2e-5)


def test_jacobian_moves_the_peak_from_where_counts_per_pixel_are_highest(make_bench):
    bench = make_bench(3, axis_nm=AXIS_NM)
    mu = gaussian_pl(bench, 1.664, 1e6)
    per_pixel_ev = 1239.841984 / bench.axis_nm[np.argmax(mu)]
    position, _ = positions(bench, mu, "top", 3)
    assert position.mean() == pytest.approx(1.664, abs=2e-4)
    assert abs(per_pixel_ev - 1.664) > 3e-4


def test_repeatability_of_the_axis_is_part_of_sigma(make_bench):
    bench = make_bench(4, axis_nm=AXIS_NM)
    electrons = to_electrons(bench.expose(gaussian_pl(bench, 1.664, 1e6)))
    assert fit_peak(electrons, axis_sigma_nm=0.02).sigma_ev > 4e-5


@pytest.mark.parametrize("method", ["top", "tail"])
def test_empty_spectrum_has_no_peak(make_bench, method):
    bench = make_bench(5, axis_nm=AXIS_NM)
    with pytest.raises(AnalysisError):
        fit_peak(to_electrons(bench.expose(np.full(1340, 3.0))), method=method)


def test_peak_outside_the_frame_is_refused(make_bench):
    bench = make_bench(6)
    with pytest.raises(AnalysisError, match="frame"):
        fit_peak(to_electrons(bench.expose(np.full(1340, 3.0))))


def test_shift_is_relative_to_the_lowest_power(make_bench, condition):
    bench = make_bench(7, axis_nm=AXIS_NM)
    fits = [
        (condition(power), fit_peak(to_electrons(bench.expose(gaussian_pl(bench, centre, 1e6)))))
        for power, centre in ((100.0, 1.670), (10.0, 1.664), (300.0, 1.675))
    ]
    high, low, higher = peak_shifts(fits, "mono")
    assert low.shift_ev is None
    assert high.shift_ev == pytest.approx(0.006, abs=3e-4)
    assert higher.shift_ev == pytest.approx(0.011, abs=3e-4)


def test_band_gaps_follow_the_published_values():
    assert WSE2_GAP.energy_ev(298) == pytest.approx(1.664, abs=1e-3)
    assert MOSE2_GAP.energy_ev(298) == pytest.approx(1.583, abs=1e-3)
    assert WSE2_GAP.slope_ev_per_k(298) == pytest.approx(-0.345e-3, abs=5e-6)
    assert WSE2_GAP.energy_ev(4) == pytest.approx(1.742, abs=1e-6)
