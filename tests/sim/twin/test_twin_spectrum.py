import numpy as np
import pytest

from labctl.sim.truth import true_state

BAND = [(188, 211)]
HC = 1239.841984


def alone(mode):
    """Leave one Raman mode."""
    modes = ("wse2_a1g", "wse2_2la", "mose2_a1g", "mose2_e", "si", "si_2ta")
    return {f"raman.{name}.rate_per_s_mw": 0.0 for name in modes if name != mode}


def long_exposure(table, count=12, exposure_s=3000.0, start_s=1e4):
    frames = (table.camera.expose(exposure_s, BAND, start_s)[0] for _ in range(count))
    return sum(frame.astype(float) for frame in frames)


def shift_axis_cm1(table, now_s=1e4):
    return 1e7 / 532.0 - 1e7 / table.spectrograph.axis_nm(now_s)


def ratio_temperature_k(shift_cm1, counts, omega_cm1):
    """Photon-counting Stokes/anti-Stokes thermometry, written down anew."""
    stokes = counts[np.abs(shift_cm1 - omega_cm1) < 60].sum()
    anti = counts[np.abs(shift_cm1 + omega_cm1) < 60].sum()
    cube = ((1e7 / 532 + omega_cm1) / (1e7 / 532 - omega_cm1)) ** 3
    theta_k = 6.62607015e-34 * 2.99792458e10 * omega_cm1 / 1.380649e-23
    temperature_k = theta_k / np.log(cube * stokes / anti)
    return temperature_k, temperature_k**2 / theta_k * np.sqrt(1 / stokes + 1 / anti)


@pytest.mark.parametrize(
    ("truth", "region", "power_w", "cryostat_k"),
    [
        ("A", "intermediate", 100e-6, 298.0),
        ("A", "mono", 100e-6, 298.0),
        ("C", "intermediate", 100e-6, 298.0),
        ("C", "mono", 20e-6, 200.0),
        ("C", "mono", 20e-6, 375.0),
    ],
)
def test_anti_stokes_to_stokes_ratio_tells_the_true_temperature(
    make_table, light_up, truth, region, power_w, cryostat_k
):
    table = make_table({**alone("wse2_a1g"), "focus.shift_um_per_k": 0.0}, truth)
    table.cryostat.set_setpoint(cryostat_k, 0.0)
    light_up(table, power_w, region)
    counts = long_exposure(table)
    measured_k, sigma_k = ratio_temperature_k(shift_axis_cm1(table), counts, 250.0)
    state = true_state(table.parameters, truth, region, power_w, 0.0, cryostat_k)
    assert sigma_k < 2.0
    assert abs(measured_k - state.t_wse2_k) < 4 * sigma_k


def test_truth_b_looks_cold_in_the_ratio_and_warm_in_the_shift(make_table, light_up):
    table = make_table(alone("wse2_a1g"), "B")
    light_up(table, 150e-6, "intermediate")
    counts, shift_cm1 = long_exposure(table), shift_axis_cm1(table)
    looks_k, sigma_k = ratio_temperature_k(shift_cm1, counts, 250.0)
    true_k = 298.0 + 0.03 * 150
    expected_k = 359.7 / (359.7 / true_k - np.log(1 - 0.35 / 2))
    assert abs(looks_k - expected_k) < 4 * sigma_k + 0.3
    assert looks_k < 298.0 - 10 * sigma_k
    window = np.abs(shift_cm1 - 250) < 10
    centre_cm1 = np.average(shift_cm1[window], weights=counts[window])
    assert centre_cm1 < 250.0


def test_mose2_and_silicon_have_their_own_temperatures(make_table, light_up):
    table = make_table(alone("mose2_a1g"))
    light_up(table, 300e-6, "intermediate")
    counts = long_exposure(table)
    measured_k, sigma_k = ratio_temperature_k(shift_axis_cm1(table), counts, 241.0)
    assert abs(measured_k - (298.0 + 0.08 * 300)) < 4 * sigma_k
    silicon = make_table(alone("si_2ta"))
    light_up(silicon, 300e-6, "substrate")
    counts = long_exposure(silicon)
    measured_k, sigma_k = ratio_temperature_k(shift_axis_cm1(silicon), counts, 302.0)
    assert abs(measured_k - 298.0) < 4 * sigma_k


def test_stokes_rate_position_and_width_are_the_stated_ones(make_table, light_up):
    table = make_table({**alone("wse2_a1g"), "region.mono.heating_k_per_uw": 0.0})
    light_up(table, 100e-6, "mono")
    counts, shift_cm1 = long_exposure(table), shift_axis_cm1(table)
    stokes = np.abs(shift_cm1 - 250) < 60
    # the Lorentzian wings beyond 60 cm⁻¹ hold 2/π·γ/60
    assert counts[stokes].sum() / 36000 == pytest.approx(60 * (1 - 2 / np.pi * 1.5 / 60), rel=0.01)
    peak = np.abs(shift_cm1 - 250) < 5
    centre_cm1 = np.average(shift_cm1[peak], weights=counts[peak])
    assert centre_cm1 == pytest.approx(250.0, abs=0.05)
    above = shift_cm1[stokes][counts[stokes] > counts[stokes].max() / 2]
    pixel_cm1 = 0.56
    # Voigt of 3 (Lorentzian) and 2 (Gaussian): 0.5346·3 + √(0.2166·3² + 2²) = 4.04 cm⁻¹
    assert np.ptp(above) + pixel_cm1 == pytest.approx(4.04, abs=0.6)


def test_spot_off_every_region_sees_bare_silicon(make_table, light_up):
    table = make_table()
    light_up(table, 1e-3, "mono")
    on = long_exposure(table, 1, 100.0)
    table.axes["x"].move_to(30.0 + 9.8, 100.0)
    off = long_exposure(table, 1, 100.0)
    window = np.abs(shift_axis_cm1(table) - 250) < 5
    assert off[window].sum() < 0.1 * on[window].sum()


def test_defocus_halves_the_signal_and_the_focus_moves_with_temperature(make_table, light_up):
    table = make_table(alone("wse2_a1g"))
    light_up(table, 200e-6, "mono")
    best = long_exposure(table, 1).sum()
    table.axes["z"].move_to(1.5, 5000.0)
    assert long_exposure(table, 1).sum() == pytest.approx(best / 2, rel=0.03)
    table.cryostat.set_setpoint(308.0, 5000.0)
    assert long_exposure(table, 1).sum() == pytest.approx(best, rel=0.03)


@pytest.mark.parametrize("beam", ["probe", "pump"])
def test_pl_peak_stands_where_the_truth_says(make_table, light_up, beam):
    table = make_table({"pl.mose2.rate_per_s_mw": 0.0})
    light_up(table, 100e-6, "mono", beam)
    table.spectrograph.select(3, 0.0)
    table.spectrograph.move_to(745.0, 20.0)
    counts = sum(table.camera.expose(20.0, BAND, 100.0)[0].astype(float) for _ in range(20))
    wavelength_nm = table.spectrograph.axis_nm(100.0)
    energy_ev = HC / wavelength_nm
    density = counts / np.abs(np.gradient(energy_ev))
    powers = {"power_w": 100e-6 if beam == "probe" else 0.0}
    powers["pump_power_w"] = 100e-6 if beam == "pump" else 0.0
    expected_ev = true_state(table.parameters, "A", "mono", **powers).pl_ev
    near = np.abs(energy_ev - expected_ev) < 0.010
    curve = np.polyfit(energy_ev[near] - expected_ev, density[near], 2)
    assert expected_ev - curve[1] / (2 * curve[0]) == pytest.approx(expected_ev, abs=0.001)
    # beyond the peak, ln of the density falls by 1/kT
    tail = (energy_ev > expected_ev + 0.025) & (energy_ev < expected_ev + 0.08)
    slope = np.polyfit(energy_ev[tail], np.log(density[tail]), 1)[0]
    assert -1 / slope == pytest.approx(0.0257, rel=0.08)


def test_heterobilayer_quenches_pl(make_table, light_up):
    sums = {}
    for region in ("mono", "intermediate"):
        table = make_table({"pl.mose2.rate_per_s_mw": 0.0})
        light_up(table, 20e-6, region)
        table.spectrograph.select(3, 0.0)
        table.spectrograph.move_to(745.0, 20.0)
        sums[region] = table.camera.expose(20.0, BAND, 100.0).sum()
    assert sums["intermediate"] / sums["mono"] == pytest.approx(0.05, rel=0.1)


def test_pump_alone_gives_no_raman_in_the_probe_window(make_table, light_up):
    table = make_table()
    light_up(table, 1e-3, "mono", "pump")
    # the high-energy tail of the PL may bring a single photoelectron
    assert table.camera.expose(1000.0, BAND, 1e3).sum() < 5


def test_pump_changes_the_temperature_that_the_probe_sees(make_table, light_up):
    table = make_table(alone("wse2_a1g"))
    light_up(table, 50e-6, "intermediate")
    light_up(table, 100e-6, "intermediate", "pump")
    counts = long_exposure(table, 25)
    measured_k, sigma_k = ratio_temperature_k(shift_axis_cm1(table), counts, 250.0)
    state = true_state(table.parameters, "A", "intermediate", 50e-6, 100e-6)
    assert abs(measured_k - state.t_wse2_k) < 4 * sigma_k
    assert state.t_wse2_k < true_state(table.parameters, "A", "intermediate", 50e-6).t_wse2_k


def test_notch_blocks_the_laser_line_but_leaves_a_leak(make_table, light_up):
    table = make_table({**alone("none"), "notch.elastic_per_s_mw": 1e9})
    light_up(table, 1e-3, "substrate")
    counts = table.camera.expose(10.0, BAND, 10.0)[0].astype(float)
    shift_cm1 = shift_axis_cm1(table)
    assert counts[np.abs(shift_cm1) < 10].sum() == pytest.approx(0.9e4, rel=0.1)
    assert 0 < counts[np.abs(shift_cm1) > 50].sum() < 0.1e4


def test_etalon_and_slope_are_in_the_response(make_table, light_up):
    flat = {**alone("none"), "background.rate_per_s_mw_cm1": 30.0, "background.length_cm1": 1e9}
    sums = []
    for etalon, slope in ((0.0, 0.0), (0.015, 0.06)):
        table = make_table({**flat, "response.etalon_depth": etalon, "response.slope": slope})
        light_up(table, 1e-3, "substrate")
        sums.append(sum(table.camera.expose(100.0, BAND, 10.0)[0].astype(float) for _ in range(99)))
    use = np.abs(shift_axis_cm1(table)) > 120
    wavelength_nm, ratio = table.spectrograph.axis_nm(10.0)[use], sums[1][use] / sums[0][use]
    line = np.polyfit(wavelength_nm - 532.0, ratio, 1)
    assert line[0] * 21.9 == pytest.approx(0.06, rel=0.1)
    rest = ratio - np.polyval(line, wavelength_nm - 532.0)
    phase = 2 * np.pi * 1e7 / wavelength_nm / 53.0
    amplitude = np.hypot((rest * np.cos(phase)).mean(), (rest * np.sin(phase)).mean()) * 2
    assert amplitude == pytest.approx(0.015, rel=0.1)


def test_zero_order_gives_no_light_and_no_warning(make_table, light_up):
    table = make_table()
    light_up(table, 1e-3, "mono")
    table.spectrograph.move_to(0.0, 10.0)
    assert table.camera.expose(1.0, BAND, 100.0).sum() == 0


def test_extreme_cold_and_power_stay_finite(make_table, light_up):
    table = make_table({"cryostat.base_k": 1.0, "focus.shift_um_per_k": 0.0})
    light_up(table, 1e-3, "intermediate")
    table.cryostat.set_setpoint(1.0, 10.0)
    assert table.camera.expose(10.0, BAND, 1e5).sum() > 0
