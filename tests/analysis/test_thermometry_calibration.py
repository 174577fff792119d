from dataclasses import replace

import numpy as np
import pytest

from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration
from labctl.analysis.thermometry_calibration import (
    LITERATURE_SELF_HEATING_K_PER_W,
    calibrate_ratio,
)
from labctl.core.calibration import Calibration
from labctl.core.errors import AnalysisError

LN_C = 0.11
HEATING_K_PER_W = 6e4
NU0 = 1e7 / 532.0


def point(rng, condition, stokes_e, temperature_k=None, region="mono", c2_scale=1.0, ln_c=LN_C):
    true_k = temperature_k or condition.cryostat_k + HEATING_K_PER_W * condition.power_w
    shift = 250.0 - 0.007 * (true_k - 298.0)
    ln_ratio = ln_c + 3 * np.log((NU0 + shift) / (NU0 - shift))
    ln_ratio -= c2_scale * 1.438776877 * shift / true_k
    anti_e = stokes_e * np.exp(ln_ratio)
    noise = 500.0
    shift_sigma = 3.0 / np.sqrt(stokes_e)
    return RatioPoint(
        region=region,
        condition=condition,
        mode="WSe2 A1g",
        laser_nm=532.0,
        stokes_e=rng.normal(stokes_e, np.sqrt(stokes_e + noise)),
        anti_stokes_e=rng.normal(anti_e, np.sqrt(anti_e + noise)),
        stokes_variance_e2=stokes_e + noise,
        anti_stokes_variance_e2=anti_e + noise,
        covariance_e2=0.0,
        shift_cm1=rng.normal(shift, shift_sigma),
        shift_sigma_cm1=shift_sigma,
        spectra=1,
        calibrations=("sha256:axis",),
    )


def series(rng, condition, stokes_per_uw=1000, powers=(20.0, 50.0), **options):
    temperatures = rng.permutation([200.0, 225, 250, 275, 300, 325, 350, 375])
    return [
        point(rng, condition(power, float(t)), stokes_per_uw * power, **options)
        for t in temperatures
        for power in powers
    ]


@pytest.mark.parametrize("stokes_per_uw", [60, 1000])
def test_constant_and_self_heating_have_standard_pulls(condition, stokes_per_uw):
    rng = np.random.default_rng(1)
    fits = [calibrate_ratio(series(rng, condition, stokes_per_uw)) for _ in range(150)]
    ln_c = np.array([(fit.ratio.ln_c - LN_C) / fit.ratio.ln_c_sigma for fit in fits])
    heating = np.array(
        [
            (fit.self_heating_k_per_w - HEATING_K_PER_W) / np.sqrt(fit.covariance[1][1])
            for fit in fits
        ]
    )
    theta = np.array([(fit.theta_k - fit.theta_expected_k) / fit.theta_sigma_k for fit in fits])
    slope = np.array(
        [
            (fit.ratio.shift_slope_cm1_per_k + 0.007) / fit.ratio.shift_slope_sigma_cm1_per_k
            for fit in fits
        ]
    )
    for values in (ln_c, heating, theta, slope):
        assert abs(values.mean()) < 0.25
        assert 0.85 < values.std() < 1.15
    assert np.mean([fit.chi2 / fit.freedom for fit in fits]) == pytest.approx(1, abs=0.1)


def test_sound_series_passes_its_checks(condition):
    rng = np.random.default_rng(2)
    warned = [bool(calibrate_ratio(series(rng, condition)).warnings) for _ in range(60)]
    assert np.mean(warned) < 0.15


def test_wrong_boltzmann_slope_is_noticed(condition):
    rng = np.random.default_rng(3)
    fit = calibrate_ratio(series(rng, condition, 20000, c2_scale=1.1))
    assert any("Boltzmann" in text for text in fit.warnings)


def test_outlier_and_hysteresis_are_noticed(condition):
    rng = np.random.default_rng(4)
    points = series(rng, condition, 5000)
    again = [point(rng, item.condition, 2e5, ln_c=LN_C + 0.05) for item in points]
    fit = calibrate_ratio(points + again)
    assert fit.repeat_deviation > 3
    assert any("later visits" in text for text in fit.warnings)
    points[3] = replace(points[3], anti_stokes_e=1.3 * points[3].anti_stokes_e)
    assert any("residual" in text for text in calibrate_ratio(points).warnings)


def test_one_power_needs_a_prior_on_self_heating(condition):
    rng = np.random.default_rng(5)
    points = series(rng, condition, 5000, powers=(50.0,))
    with pytest.raises(AnalysisError, match="self-heating"):
        calibrate_ratio(points)
    fit = calibrate_ratio(points, self_heating_prior_k_per_w=LITERATURE_SELF_HEATING_K_PER_W)
    assert fit.ratio.ln_c == pytest.approx(LN_C, abs=4 * fit.ratio.ln_c_sigma)
    assert fit.self_heating_k_per_w > 0


def test_too_few_points_are_refused(condition):
    rng = np.random.default_rng(6)
    with pytest.raises(AnalysisError, match="only 2"):
        calibrate_ratio(series(rng, condition)[:2])


def test_quadratic_shift_follows_a_curved_series(condition):
    rng = np.random.default_rng(7)
    points = [
        replace(p, shift_cm1=p.shift_cm1 - 2e-5 * (p.condition.cryostat_k - 298) ** 2)
        for p in series(rng, condition, 20000)
    ]
    ratio = calibrate_ratio(points, quadratic_shift=True).ratio
    assert ratio.shift_curvature_cm1_per_k2 == pytest.approx(-2e-5, abs=5e-6)


def test_stored_calibration_reads_back_with_its_identity(condition):
    rng = np.random.default_rng(8)
    fit = calibrate_ratio(series(rng, condition))
    stored = fit.calibration("probe", "2026-01-01T00:00:00Z", "run 7")
    ratio = RatioCalibration.read(stored)
    assert stored.kind == "thermometry.probe"
    assert ratio.identity == stored.identity
    assert ratio.ln_c == fit.ratio.ln_c
    assert stored.values["rests_on"] == ["sha256:axis"]
    assert ratio.temperature_at(ratio.ln_ratio_at(265.0)) == pytest.approx(265.0, abs=1e-4)


def test_calibration_without_its_numbers_is_refused():
    with pytest.raises(AnalysisError, match="lacks"):
        RatioCalibration.read(Calibration("thermometry.probe", {"ln_c": 0.1}, "", "", 1.0))
