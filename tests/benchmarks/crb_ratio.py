"""Print root-mean-square error over Cramér–Rao bound of fitted temperatures.

Run as `python tests/benchmarks/crb_ratio.py [TRIALS] [SEED]`; exits with 1 if a ratio is more
than 1.10. Counts are Poisson plus read noise; the response constant is known.
"""

import sys

import numpy as np
from scipy.special import voigt_profile

from labctl.analysis.counts import Electrons
from labctl.analysis.crb import cramer_rao
from labctl.analysis.lines import WSE2_A1G
from labctl.analysis.ratio_fit import fit_ratio, two_sided_model

COUNTS = (300, 1000, 3000, 10000, 30000)
TEMPERATURE_K = 298.0
SHIFT_CM1 = 250.0
LASER_CM1 = 1e7 / 532.0
THETA_K = 1.438776877 * SHIFT_CM1
LN_FACTOR = 3 * np.log((LASER_CM1 + SHIFT_CM1) / (LASER_CM1 - SHIFT_CM1))
READ_VARIANCE_E2 = 3 * 16.0
BACKGROUND_E = 5.0
AXIS_NM = 532.0 + 0.0164 * (np.arange(1340) - 669.5)


def expected_electrons(anti_stokes_e):
    """Return the expected electrons of each pixel and the Stokes area."""
    stokes_e = anti_stokes_e / np.exp(LN_FACTOR - THETA_K / TEMPERATURE_K)
    shift = LASER_CM1 - 1e7 / AXIS_NM
    pixel = np.abs(np.gradient(shift))
    fine = shift[:, None] + pixel[:, None] * (np.arange(6) - 2.5) / 6

    def line(at):
        return voigt_profile(fine - at, 2.0 / 2.354820045, 1.5).mean(axis=1) * pixel

    return BACKGROUND_E + stokes_e * line(SHIFT_CM1) + anti_stokes_e * line(-SHIFT_CM1), stokes_e


def electrons_of(signal_e):
    """Return a signal with its noise model."""
    ones = np.ones(AXIS_NM.size)
    return Electrons(
        wavelength_nm=AXIS_NM,
        signal_e=signal_e,
        variance_scale=ones,
        variance_floor_e2=READ_VARIANCE_E2 * ones,
        saturated=np.zeros(AXIS_NM.size, bool),
        cosmic=np.zeros((3, AXIS_NM.size), bool),
        accumulations=3,
        exposure_s=60.0,
        laser_nm=532.0,
    )


def ratio_to_bound(anti_stokes_e, trials, rng):
    """Return RMS(T)/CRB(T), the mean error in K, the bound in K and the failed fits."""
    mu, stokes_e = expected_electrons(anti_stokes_e)
    model, _ = two_sided_model(electrons_of(mu), (WSE2_A1G,))
    layout = model.layout
    truth = model.prior().centre.copy()
    truth[layout.areas(1)], truth[layout.areas(-1)] = stokes_e, anti_stokes_e
    truth[layout.background(1)] = truth[layout.background(-1)] = [BACKGROUND_E, 0.0]
    bound_k = cramer_rao(model, truth, READ_VARIANCE_E2, TEMPERATURE_K).temperature_sigma_k
    errors, failed = [], 0
    for _ in range(trials):
        noise = rng.normal(0, np.sqrt(READ_VARIANCE_E2), mu.size)
        fit = fit_ratio(electrons_of(rng.poisson(mu) + noise), (WSE2_A1G,))
        if fit.reason or fit.main.ln_ratio is None:
            failed += 1
            continue
        errors.append(THETA_K / (LN_FACTOR - fit.main.ln_ratio) - TEMPERATURE_K)
    errors = np.array(errors)
    return np.sqrt(np.mean(errors**2)) / bound_k, errors.mean(), bound_k, failed


def main(arguments):
    """Print one line for each number of anti-Stokes counts."""
    trials = int(arguments[0]) if arguments else 1000
    rng = np.random.default_rng(int(arguments[1]) if len(arguments) > 1 else 1)
    worst = 0.0
    print(f"{'N_AS':>6} {'CRB/K':>7} {'RMS/CRB':>8} {'bias/K':>8} {'failed':>6}   {trials} trials")
    for count in COUNTS:
        ratio, bias_k, bound_k, failed = ratio_to_bound(count, trials, rng)
        print(f"{count:6d} {bound_k:7.2f} {ratio:8.3f} {bias_k:+8.2f} {failed:6d}")
        worst = max(worst, ratio, 2.0 if failed else 0.0)
    return 0 if worst <= 1.10 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
