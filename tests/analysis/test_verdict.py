import numpy as np
import pytest

from labctl.analysis.departure import Departure, claim_threshold, combined_significance
from labctl.analysis.energy import energy_balance
from labctl.analysis.ratio_point import RatioPoint
from labctl.analysis.thermometry import RatioCalibration
from labctl.analysis.verdict import judge
from labctl.core.results import PeakPosition

NU0 = 1e7 / 532.0
POWERS_UW = (25.0, 50.0, 100.0, 200.0, 300.0)
CALIBRATION = RatioCalibration(
    mode="WSe2 A1g",
    laser_nm=532.0,
    ln_c=0.1,
    ln_c_sigma=0.008,
    shift_cm1=250.0,
    shift_reference_k=298.0,
    shift_slope_cm1_per_k=-0.007,
    shift_slope_sigma_cm1_per_k=0.0002,
    shift_curvature_cm1_per_k2=0.0,
    identity="sha256:cal",
)


def cooled_k(power_uw):
    return 298.0 + 0.03 * power_uw - 0.60 * power_uw / (1 + power_uw / 150)


def heated_k(power_uw):
    return 298.0 + 0.06 * power_uw


def artefact_k(power_uw):
    return 298.0 + 0.03 * power_uw


def gap_ev(temperature_k):
    return 1.742 - 2.06 * 0.015 * (1 / np.tanh(0.015 / (2 * 8.617333e-5 * temperature_k)) - 1)


def observe(rng, condition, power_uw, truth_k, region, factor=1.0, calibration_error=0.0, k=298.0):
    stokes_e = 1800.0 * power_uw
    shift = 250.3 - 0.007 * (truth_k - 298.0)
    ln_ratio = 0.1 + calibration_error + np.log(factor) + 3 * np.log((NU0 + shift) / (NU0 - shift))
    anti_e = stokes_e * np.exp(ln_ratio - 1.438776877 * shift / truth_k)
    noise = 600.0
    shift_sigma = 3.3 / np.sqrt(stokes_e)
    return RatioPoint(
        region=region,
        condition=condition(power_uw, k),
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
    )


def peak(rng, condition, power_uw, energy_ev):
    return PeakPosition("r", condition(power_uw), rng.normal(energy_ev, 2e-4), 2e-4)


def table(seed, condition, truth, with_pl):
    """Return points, control and peaks of the intermediate region under one truth."""
    rng = np.random.default_rng(seed)
    error = rng.normal(0, 0.008)
    points, peaks = [], []
    for power in POWERS_UW:
        fake = 1 - 0.35 * power / (power + 150) if truth == "B" else 1.0
        true_k = {"A": cooled_k, "B": artefact_k, "C": artefact_k}[truth](power)
        points.append(observe(rng, condition, power, true_k, "intermediate", fake, error))
        blue_ev = 0.008 * power / (power + 150) if truth == "B" else 0.0
        peaks.append(peak(rng, condition, power, gap_ev(true_k) + blue_ev))
    control = [
        observe(rng, condition, power, heated_k(power), "mono", 1.0, error) for power in POWERS_UW
    ]
    return points, control, peaks if with_pl else []


def verdicts(condition, truth, with_pl, count=30):
    found = []
    for seed in range(count):
        points, control, peaks = table(seed, condition, truth, with_pl)
        found.append(
            judge(
                "intermediate", points, CALIBRATION, ambient_k=298.0, control=control, peaks=peaks
            )
        )
    return found


@pytest.mark.parametrize("with_pl", [False, True])
def test_cooling_is_recognised(condition, with_pl):
    found = verdicts(condition, "A", with_pl)
    assert np.mean([v.statement == "below ambient" for v in found]) >= 0.95
    assert all(v.significance < -5 for v in found)
    assert "confirmed by the line's position" in found[0].explanation
    assert "kW/m²K" in found[0].explanation


@pytest.mark.parametrize("with_pl", [False, True])
def test_artefact_is_called_contradictory(condition, with_pl):
    found = verdicts(condition, "B", with_pl)
    assert np.mean([v.statement == "contradictory" for v in found]) >= 0.95
    assert "contradict" in found[0].explanation


def test_gentle_heating_is_never_below_ambient(condition):
    assert all(v.statement != "below ambient" for v in verdicts(condition, "C", True))


def test_control_is_above_ambient(condition):
    for seed in range(20):
        _, control, _ = table(seed, condition, "A", False)
        verdict = judge("mono", control, CALIBRATION, ambient_k=298.0)
        assert verdict.statement == "above ambient"


def test_false_claims_at_ambient_are_as_rare_as_three_sigma(condition):
    rng = np.random.default_rng(5)
    claims = 0
    for _ in range(300):
        error = rng.normal(0, 0.008)
        points = [
            observe(rng, condition, p, 298.0, "r", calibration_error=error) for p in POWERS_UW
        ]
        verdict = judge("r", points, CALIBRATION, ambient_k=298.0)
        claims += verdict.statement != "not distinguishable"
    assert claims <= 4


def test_cold_control_makes_the_claim_contradictory(condition):
    rng = np.random.default_rng(6)
    points = [observe(rng, condition, p, 265.0, "intermediate") for p in POWERS_UW]
    control = [observe(rng, condition, p, 262.0, "mono") for p in POWERS_UW]
    verdict = judge("intermediate", points, CALIBRATION, ambient_k=298.0, control=control)
    assert verdict.statement == "contradictory"
    assert "cannot cool" in verdict.explanation


def test_cold_cryostat_is_not_optical_cooling(condition):
    rng = np.random.default_rng(7)
    points = [observe(rng, condition, p, 200.0, "r", k=200.0) for p in POWERS_UW]
    verdict = judge("r", points, CALIBRATION, ambient_k=298.0)
    assert verdict.statement == "not distinguishable"
    assert "near ambient" in verdict.explanation


def test_common_calibration_error_does_not_average_out(condition):
    point = observe(np.random.default_rng(8), condition, 50.0, 298.0, "r")
    many = [Departure(point, -0.03, 0.02, 0.01)] * 100
    assert combined_significance(many) == pytest.approx(-0.03 / np.hypot(0.002, 0.01))
    assert claim_threshold(1) == pytest.approx(3.0)
    assert claim_threshold(10) > 3.6


def test_energy_balance_has_the_published_numbers():
    balance = energy_balance(100e-6, 50.0)
    assert balance.absorbed_flux_w_per_m2 == pytest.approx(1.56e7, rel=0.01)
    assert balance.cooling_flux_w_per_m2 == pytest.approx(1e5, rel=0.05)
    assert balance.required_w_per_m2k == pytest.approx(2e3, rel=0.05)
