from dataclasses import replace

import numpy as np
import pytest

from labctl.analysis.dual_beam import pump_effect
from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration
from labctl.core.errors import AnalysisError

NU0 = 1e7 / 532.0
CALIBRATION = RatioCalibration(
    mode="WSe2 A1g",
    laser_nm=532.0,
    ln_c=0.05,
    ln_c_sigma=0.01,
    shift_cm1=250.0,
    shift_reference_k=298.0,
    shift_slope_cm1_per_k=0.0,
    shift_slope_sigma_cm1_per_k=0.0,
    shift_curvature_cm1_per_k2=0.0,
)


def point(rng, condition, temperature_k, stokes_e, drift=1.0):
    ln_ratio = 0.05 + 3 * np.log((NU0 + 250) / (NU0 - 250)) - 359.69422 / temperature_k
    stokes_e = drift * stokes_e
    anti_e = stokes_e * np.exp(ln_ratio)
    return RatioPoint(
        region="intermediate",
        condition=condition,
        mode="WSe2 A1g",
        laser_nm=532.0,
        stokes_e=rng.normal(stokes_e, np.sqrt(stokes_e + 500)),
        anti_stokes_e=rng.normal(anti_e, np.sqrt(anti_e + 500)),
        stokes_variance_e2=stokes_e + 500,
        anti_stokes_variance_e2=anti_e + 500,
        covariance_e2=0.0,
        shift_cm1=250.0,
        shift_sigma_cm1=0.1,
        spectra=1,
    )


def pairs(rng, condition, off_k, on_k, stokes_e, count=10):
    drift = np.linspace(1, 0.9, count)
    return [
        (
            point(rng, condition(50.0), off_k, stokes_e, d),
            point(rng, condition(50.0, pump_uw=200.0), on_k, stokes_e, d),
        )
        for d in drift
    ]


@pytest.mark.parametrize("stokes_e", [400, 2000, 50000])
def test_pump_effect_has_standard_pulls(condition, stokes_e):
    rng = np.random.default_rng(1)
    exact = replace(CALIBRATION, ln_c_sigma=0.0)
    found = [
        pump_effect(pairs(rng, condition, 285.0, 260.0, stokes_e, 20), exact) for _ in range(250)
    ]
    pull = np.array([(f.delta_k + 25.0) / f.delta_sigma_k for f in found])
    assert abs(pull.mean()) < 0.25
    assert 0.85 < pull.std() < 1.15
    assert np.mean([f.chi2 for f in found]) == pytest.approx(19, rel=0.12)


def test_nothing_is_found_where_nothing_happens(condition):
    rng = np.random.default_rng(2)
    found = [
        pump_effect(pairs(rng, condition, 298.0, 298.0, 5000), CALIBRATION).significance
        for _ in range(200)
    ]
    assert np.mean(np.abs(found) > 3) < 0.02


def test_scatter_between_pairs_enlarges_the_error(condition):
    rng = np.random.default_rng(3)
    quiet = pairs(rng, condition, 298.0, 298.0, 50000)
    jumps = rng.normal(1, 0.1, len(quiet))
    wild = [
        (off, replace(on, anti_stokes_e=on.anti_stokes_e * jump))
        for (off, on), jump in zip(quiet, jumps, strict=True)
    ]
    calm, loud = pump_effect(quiet, CALIBRATION), pump_effect(wild, CALIBRATION)
    assert loud.delta_ln_ratio_sigma > 2 * calm.delta_ln_ratio_sigma
    assert "scatter" in loud.remark


def test_reversed_pairs_are_refused(condition):
    rng = np.random.default_rng(4)
    swapped = [(on, off) for off, on in pairs(rng, condition, 298.0, 280.0, 5000)]
    with pytest.raises(AnalysisError, match="in this order"):
        pump_effect(swapped, CALIBRATION)


def test_pairs_without_light_are_refused(condition):
    rng = np.random.default_rng(5)
    dead = [
        (replace(off, spectra=0, reason="saturated"), on)
        for off, on in pairs(rng, condition, 298.0, 280.0, 5000)
    ]
    with pytest.raises(AnalysisError, match="none of 10"):
        pump_effect(dead, CALIBRATION)
