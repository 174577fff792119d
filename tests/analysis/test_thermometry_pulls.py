import numpy as np
import pytest

from labctl.analysis.counts import to_electrons
from labctl.analysis.lines import MONOLAYER_LINES, WSE2_A1G
from labctl.analysis.ratio_fit import fit_ratio
from labctl.analysis.ratio_point import pool_fits
from labctl.analysis.temperatures import (
    NoTemperature,
    temperature_from_ratio,
    temperature_from_shift,
)
from labctl.analysis.thermometry import RatioCalibration
from labctl.analysis.thermometry_calibration import calibrate_ratio
from labctl.core.errors import AnalysisError

TABLE = {"etalon": 0.015, "slope": 0.06, "zero_cm1": 0.5, "cosmic_rate": 0.6}
HEATING_K_PER_UW = 0.06


def shift_at(temperature_k):
    return 250.0 - 0.007 * (temperature_k - 298.0)


def measure(bench, condition, temperature_k, stokes_e, region="mono", spectra=1, dark=None):
    mu = bench.raman([(shift_at(temperature_k), stokes_e / 3, temperature_k, 3.0)])
    darks = [dark or bench.dark(5)]
    fits = [fit_ratio(to_electrons(bench.expose(mu), darks), (WSE2_A1G,)) for _ in range(spectra)]
    return pool_fits(fits, region, condition)


def series(bench, condition, counts_per_uw, temperatures=(200, 250, 298, 340, 375)):
    dark = bench.dark(5)
    return [
        measure(
            bench,
            condition(power, float(t)),
            t + HEATING_K_PER_UW * power,
            counts_per_uw * power,
            dark=dark,
        )
        for t in temperatures
        for power in (10.0, 50.0)
    ]


def pulls(bench, condition, calibrations, per_calibration, stokes_e, counts_per_uw):
    values = []
    dark = bench.dark(5)
    for _ in range(calibrations):
        ratio = calibrate_ratio(series(bench, condition, counts_per_uw)).ratio
        for temperature_k in np.linspace(240, 320, per_calibration):
            point = measure(bench, condition(100.0), temperature_k, stokes_e, dark=dark)
            found = temperature_from_ratio(point, ratio)
            values.append((found.value_k - temperature_k) / found.sigma_k)
            assert found.interval_k[0] < found.value_k < found.interval_k[1]
            assert found.calibrations[-1] == "sha256:axis"
    return np.array(values)


@pytest.mark.parametrize(("calibrations", "stokes_e"), [(4, 3000), (5, 10000), (12, 60000)])
def test_pulls_of_calibrated_temperatures_are_standard(
    make_bench, condition, calibrations, stokes_e
):
    values = pulls(
        make_bench(stokes_e, **TABLE), condition, calibrations, 204 // calibrations, stokes_e, 1.2e4
    )
    assert abs(values.mean()) < 0.2
    assert 0.85 < values.std() < 1.15


def test_calibration_and_response_errors_are_part_of_sigma(make_bench, condition):
    bench = make_bench(4)
    ratio = calibrate_ratio(series(bench, condition, 300)).ratio
    point = measure(bench, condition(100.0), 298.0, 1e5)
    found = temperature_from_ratio(point, ratio, response_sigma=0.03)
    parts = (point.ln_ratio_sigma, ratio.ln_c_sigma, 0.03)
    expected = ratio.slope_k(found.value_k) * np.linalg.norm(parts)
    assert found.sigma_k == pytest.approx(expected)
    assert ratio.ln_c_sigma > point.ln_ratio_sigma


def test_interval_is_asymmetric_in_temperature(make_bench, condition):
    bench = make_bench(5)
    ratio = calibrate_ratio(series(bench, condition, 5000)).ratio
    found = temperature_from_ratio(measure(bench, condition(100.0), 298.0, 3000), ratio)
    low_k, high_k = found.interval_k
    assert high_k - found.value_k > 1.1 * (found.value_k - low_k)
    expected = [ratio.ln_ratio_at(value) for value in (low_k, found.value_k, high_k)]
    assert expected[2] - expected[1] == pytest.approx(expected[1] - expected[0], rel=1e-3)


def test_weak_anti_stokes_line_gives_a_reason_and_no_number(make_bench, condition):
    bench = make_bench(6)
    ratio = calibrate_ratio(series(bench, condition, 5000)).ratio
    found = temperature_from_ratio(measure(bench, condition(1.0), 298.0, 150), ratio)
    assert isinstance(found, NoTemperature)
    assert "anti-Stokes" in found.reason or "Stokes" in found.reason


def test_pooled_weak_spectra_give_an_unbiased_temperature(make_bench, condition):
    bench = make_bench(7)
    ratio = calibrate_ratio(series(bench, condition, 1.2e4)).ratio
    dark = bench.dark(5)
    found = [
        temperature_from_ratio(
            measure(bench, condition(9.0), 265.0, 1500, spectra=12, dark=dark), ratio
        )
        for _ in range(8)
    ]
    values = [(item.value_k - 265.0) / item.sigma_k for item in found]
    assert abs(np.mean(values)) < 0.8


def test_shift_thermometer_finds_the_change(make_bench, condition):
    bench = make_bench(8, **TABLE)
    ratio = calibrate_ratio(series(bench, condition, 1.2e4)).ratio
    values = []
    for _ in range(40):
        reference = measure(bench, condition(10.0), 298.0, 5e4)
        point = measure(bench, condition(100.0), 262.0, 5e4)
        found = temperature_from_shift(point, reference, 298.0, ratio)
        values.append((found.value_k - 262.0) / found.sigma_k)
    assert abs(np.mean(values)) < 0.5
    assert 0.7 < np.std(values) < 1.35


def test_shift_reference_of_another_region_gives_no_number(make_bench, condition):
    bench = make_bench(9)
    ratio = calibrate_ratio(series(bench, condition, 1.2e4)).ratio
    point = measure(bench, condition(10.0), 298.0, 5e4)
    other = measure(bench, condition(10.0), 298.0, 5e4, region="weak")
    assert isinstance(temperature_from_shift(point, other, 298.0, ratio), NoTemperature)


def test_calibration_of_another_mode_is_refused(make_bench, condition):
    bench = make_bench(10)
    mu = bench.raman([(250.0, 5000.0, 298.0, 3.0)])
    fit = fit_ratio(to_electrons(bench.expose(mu)), MONOLAYER_LINES)
    point = pool_fits([fit], "mono", condition(50.0))
    other = RatioCalibration(
        mode="MoSe2 A1g",
        laser_nm=532.0,
        ln_c=0.0,
        ln_c_sigma=0.0,
        shift_cm1=241.0,
        shift_reference_k=298.0,
        shift_slope_cm1_per_k=0.0,
        shift_slope_sigma_cm1_per_k=0.0,
        shift_curvature_cm1_per_k2=0.0,
    )
    with pytest.raises(AnalysisError, match="own calibration"):
        temperature_from_ratio(point, other)
