import numpy as np
import pytest

from labctl.analysis.counts import Electrons, to_electrons
from labctl.analysis.lines import (
    HETEROBILAYER_LINES,
    MONOLAYER_LINES,
    MOSE2_A1G,
    WSE2_A1G,
    integrate_over_pixels,
    voigt,
)
from labctl.analysis.ratio_fit import fit_ratio
from labctl.core.errors import AnalysisError

TRUE_LINES = ((250.0, 1.0, 265.0, 3.0), (241.0, 0.66, 305.0, 3.0), (260.0, 0.1, 265.0, 6.0))


def ln_ratio(shift, temperature_k):
    nu0 = 1e7 / 532.0
    return 3 * np.log((nu0 + shift) / (nu0 - shift)) - 1.438776877 * shift / temperature_k


def heterobilayer(bench, stokes_e):
    return bench.raman([(w, part * stokes_e, t, g) for w, part, t, g in TRUE_LINES])


def test_pixel_parts_of_a_line_sum_to_one_and_have_true_derivatives():
    axis = np.arange(-200, 200, 0.6)
    pixel = np.full(axis.size, 0.6)
    fwhm = np.array([[3.0]])

    def part(centre, width):
        return integrate_over_pixels((axis - centre)[None], pixel, 2.0, np.array([[width]]))[0][0]

    value, to_centre, to_width = (v[0] for v in integrate_over_pixels(axis[None], pixel, 2.0, fwhm))
    assert value.sum() == pytest.approx(1, abs=0.006)
    assert value == pytest.approx(voigt(axis, 2.0, 3.0) * 0.6, rel=0.03)
    h = 1e-5
    assert to_centre == pytest.approx((part(h, 3.0) - part(-h, 3.0)) / (2 * h), abs=1e-7)
    assert to_width == pytest.approx((part(0, 3.0 + h) - part(0, 3.0 - h)) / (2 * h), abs=1e-7)


@pytest.mark.parametrize("stokes_e", [1000, 5000, 50000])
def test_pulls_of_heterobilayer_fits_are_standard(make_bench, stokes_e):
    bench = make_bench(71, zero_cm1=0.9)
    dark = [bench.dark(20)]
    mu = heterobilayer(bench, stokes_e)
    pulls = {"ratio": [], "shift": [], "MoSe2": []}
    for _ in range(80):
        fit = fit_ratio(to_electrons(bench.expose(mu), dark))
        assert not fit.reason
        pulls["shift"].append((fit.main.shift_cm1 - 250.0) / fit.main.shift_sigma_cm1)
        for name, line, temperature_k in (
            ("ratio", fit.main, 265.0),
            ("MoSe2", fit.line("MoSe2 A1g"), 305.0),
        ):
            if line.ln_ratio is not None:
                error = line.ln_ratio - ln_ratio(250.0 if name == "ratio" else 241.0, temperature_k)
                pulls[name].append(error / line.ln_ratio_sigma)
    for values in pulls.values():
        assert abs(np.mean(values)) < 0.4
        assert 0.74 < np.std(values) < 1.26


def test_axis_error_cancels_in_the_shift(make_bench):
    for zero_cm1 in (-4.5, -3.0, 0.0, 3.0, 5.4):
        bench = make_bench(8, zero_cm1=zero_cm1)
        fit = fit_ratio(to_electrons(bench.expose(heterobilayer(bench, 1e5)), [bench.dark()]))
        assert fit.main.shift_cm1 == pytest.approx(250.0, abs=0.06)
        assert fit.laser_zero_cm1 == pytest.approx(zero_cm1, abs=0.06)


def test_neighbour_left_out_of_the_model_would_bias(make_bench):
    bench = make_bench(9)
    electrons = to_electrons(bench.expose(heterobilayer(bench, 1e5)), [bench.dark()])
    alone, both = (fit_ratio(electrons, lines) for lines in ((WSE2_A1G,), HETEROBILAYER_LINES))
    truth = ln_ratio(250.0, 265.0)
    assert abs(both.main.ln_ratio - truth) < 3 * both.main.ln_ratio_sigma
    assert abs(alone.main.ln_ratio - truth) > 3 * alone.main.ln_ratio_sigma
    assert "unexplained" in alone.reason


def test_absent_companions_cost_no_convergence(make_bench):
    bench = make_bench(10)
    mu = bench.raman([(250.0, 5000.0, 298.0, 3.0)])
    for _ in range(20):
        assert not fit_ratio(to_electrons(bench.expose(mu)), MONOLAYER_LINES).reason


def test_empty_spectrum_has_a_reason(make_bench):
    bench = make_bench(11)
    for _ in range(5):
        fit = fit_ratio(to_electrons(bench.expose(np.full(1340, 3.0)), [bench.dark()]))
        assert fit.reason or fit.remarks


def test_saturated_window_has_a_reason(bench):
    mu = bench.raman([(250.0, 8e5, 298.0, 3.0)])
    fit = fit_ratio(to_electrons(bench.expose(mu)))
    assert "saturated" in fit.reason


def test_frame_without_the_anti_stokes_side_is_refused(make_bench):
    bench = make_bench(12, axis_nm=540.0 + 0.0164 * (np.arange(1340) - 669.5))
    with pytest.raises(AnalysisError, match="anti-Stokes"):
        fit_ratio(to_electrons(bench.expose(np.ones(1340))))


def test_unfitted_line_is_refused_by_name(bench):
    fit = fit_ratio(to_electrons(bench.expose(heterobilayer(bench, 5000))), (WSE2_A1G,))
    with pytest.raises(AnalysisError, match=MOSE2_A1G.name):
        fit.line(MOSE2_A1G.name)


def test_weights_come_from_the_model_where_read_noise_is_low(make_bench):
    bench = make_bench(14)
    mu = bench.raman([(250.0, 1000.0, 298.0, 3.0)], background_e=2.0)
    ones = np.ones(1340)
    errors = []
    for _ in range(120):
        electrons = Electrons(
            wavelength_nm=bench.axis_nm,
            signal_e=bench.rng.poisson(mu) + bench.rng.normal(0, 0.1, 1340),
            variance_scale=ones,
            variance_floor_e2=0.01 * ones,
            saturated=np.zeros(1340, bool),
            cosmic=np.zeros((3, 1340), bool),
            accumulations=3,
            exposure_s=60.0,
            laser_nm=532.0,
        )
        fit = fit_ratio(electrons, (WSE2_A1G,))
        level_error = np.sum(fit.model_e) / np.sum(fit.observed_e) - 1
        ratio_error = fit.main.ln_ratio - ln_ratio(250.0, 298.0)
        errors.append((fit.main.stokes_e / 1000.0 - 1, ratio_error, level_error))
    for values in np.array(errors).T:
        assert abs(values.mean()) < 3.5 * values.std() / np.sqrt(values.size) + 1e-3
