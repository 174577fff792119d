import math

import pytest

from labctl.core.errors import UsageError
from labctl.sim.parameters import TwinParameters
from labctl.sim.truth import true_state

P = TwinParameters()


@pytest.mark.parametrize(
    ("region", "power_w", "pressure_pa", "expected_k"),
    [
        ("intermediate", 100e-6, 1e-3, 265),
        ("intermediate", 300e-6, 1e-3, 247),
        ("intermediate", 100e-6, 1e5, 291),
        ("mono", 100e-6, 1e-3, 304),
        ("weak", 100e-6, 1e-3, 308),
    ],
)
def test_truth_a_gives_the_check_values_of_the_reference(region, power_w, pressure_pa, expected_k):
    state = true_state(P, "A", region, power_w, 0.0, 298.0, pressure_pa)
    assert state.t_wse2_k == pytest.approx(expected_k, abs=0.5)


def test_truth_c_never_cools():
    for region in ("mono", "weak", "strong", "intermediate", "cvd"):
        for power_w in (1e-6, 1e-4, 1e-3):
            assert true_state(P, "C", region, power_w).t_wse2_k > 298.0


def test_truth_b_heats_but_loses_anti_stokes_and_shifts_pl_up():
    cold, hot = true_state(P, "B", "intermediate", 0.0), true_state(P, "B", "intermediate", 150e-6)
    null = true_state(P, "C", "intermediate", 150e-6)
    assert hot.t_wse2_k == pytest.approx(298.0 + 0.03 * 150)
    assert hot.anti_stokes_factor == pytest.approx(1 - 0.35 / 2)
    assert cold.anti_stokes_factor == 1.0
    assert hot.pl_ev - null.pl_ev == pytest.approx(0.004)
    assert hot.wse2_shift_cm1 == null.wse2_shift_cm1


def test_pump_counts_by_its_absorbed_photons():
    equal_w = 100e-6 * (0.06 * 532.0) / (0.04 * 730.0)
    pumped = true_state(P, "A", "intermediate", 0.0, equal_w)
    probed = true_state(P, "A", "intermediate", 100e-6)
    assert pumped.t_wse2_k == pytest.approx(probed.t_wse2_k)
    both = true_state(P, "A", "intermediate", 100e-6, equal_w)
    assert both.t_wse2_k == pytest.approx(true_state(P, "A", "intermediate", 200e-6).t_wse2_k)


def test_components_have_their_own_temperatures():
    state = true_state(P, "A", "intermediate", 100e-6, cryostat_k=250.0)
    assert state.t_mose2_k == pytest.approx(258.0)
    assert state.t_substrate_k == 250.0
    assert state.wse2_shift_cm1 == pytest.approx(250.0 - 0.007 * (state.t_wse2_k - 298.0))


def test_exciton_positions_follow_odonnell_and_chen():
    state = true_state(P, "C", "weak", 0.0, cryostat_k=298.0)
    coth = 1 / math.tanh(0.015 / (2 * 8.617333262e-5 * 298.0))
    assert state.pl_ev == pytest.approx(1.742 - 2.06 * 0.015 * (coth - 1), abs=1e-6)
    assert state.pl_ev == pytest.approx(1.664, abs=0.001)
    assert state.mose2_pl_ev == pytest.approx(1.583, abs=0.001)


def test_missing_material_has_no_temperature():
    assert true_state(P, "A", "mono", 1e-4).t_mose2_k is None
    bare = true_state(P, "A", "substrate", 1e-4)
    assert (bare.t_wse2_k, bare.wse2_shift_cm1, bare.pl_ev, bare.t_mose2_k) == (None,) * 4
    assert bare.t_substrate_k == 298.0


@pytest.mark.parametrize("power_w", [-1e-6, float("nan"), float("inf"), 2.0])
def test_impossible_power_is_refused(power_w):
    with pytest.raises(UsageError, match="power_w"):
        true_state(P, "A", "mono", power_w)


def test_unknown_region_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="did you mean 'intermediate'"):
        true_state(P, "A", "intermediat", 1e-4)
