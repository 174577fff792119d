import math

import numpy as np
import pytest

from labctl.core.errors import ConfigError
from labctl.sim.parameters import TwinParameters
from labctl.sim.ports import TablePorts
from labctl.sim.twin import build_table
from labctl.sim.twin.beam import Shutter


def test_table_fulfils_the_ports_and_starts_dark():
    table: TablePorts = build_table(TwinParameters(), "A", 1)
    assert not any(laser.emission for laser in table.lasers.values())
    assert not any(shutter.is_open(0.0) for shutter in table.shutters.values())
    assert table.spectrograph.gratings == {1: 1800.0, 2: 1200.0, 3: 300.0}
    assert (table.camera.rows, table.camera.columns) == (400, 1340)


def test_table_refuses_an_unknown_truth_or_a_negative_seed():
    with pytest.raises(ConfigError, match="'D'"):
        build_table(TwinParameters(), "D", 1)
    with pytest.raises(ConfigError, match="-1"):
        build_table(TwinParameters(), "A", -1)


def test_laser_emits_only_with_emission_and_closed_interlock(make_table):
    laser = make_table().lasers["probe"]
    laser.power_setpoint_w = 0.01
    assert laser.power_w(0.0) == 0.0
    laser.emission = True
    assert laser.power_w(0.0) == pytest.approx(0.01)
    laser.interlock_closed = False
    assert laser.power_w(0.0) == 0.0


def test_laser_noise_and_drift_have_the_stated_size():
    laser = build_table(TwinParameters(), "A", 3).lasers["probe"]
    laser.emission, laser.power_setpoint_w = True, 0.01
    now = np.array([laser.power_w(0.0) for _ in range(2000)]) / 0.01
    assert now.std() == pytest.approx(0.003, rel=0.08)
    hourly = [
        np.mean([laser.power_w(3600.0 * hour) for _ in range(100)]) / 0.01 for hour in range(48)
    ]
    assert np.abs(np.diff(hourly)).max() < 0.0115
    assert 0.005 < np.ptp(hourly) < 0.022


def test_attenuator_follows_malus_and_reaches_the_head(make_table):
    table = make_table({"path.probe.head_noise": 0.0, "path.probe.head_floor_w": 0.0})
    laser = table.lasers["probe"]
    laser.emission, laser.power_setpoint_w = True, 0.02
    rotator, now_s = table.rotators["probe"], 0.0
    for turned_deg, expected in ((0, 1.0), (15, 0.75), (22.5, 0.5), (30, 0.25), (45, 0.0)):
        now_s += rotator.move_to(12.0 + turned_deg, now_s)
        transmission = 1e-4 + (1 - 1e-4) * expected
        assert table.powers["probe"].power_w(now_s) == pytest.approx(0.02 * 0.08 * transmission)


def test_rotator_takes_time_and_wraps_around(make_table):
    rotator = make_table().rotators["probe"]
    duration_s = rotator.move_to(370.0, 5.0)
    assert duration_s == pytest.approx(0.15 + 10 / 430)
    assert rotator.angle_deg(5.0) == 0.0
    assert rotator.angle_deg(5.0 + duration_s) == pytest.approx(10.0)
    now_s = 10.0 + rotator.move_to(-1e-17, 10.0)
    assert rotator.angle_deg(now_s) == 0.0


def test_shutter_opens_after_its_delay_and_reports_the_open_fraction():
    shutter = Shutter(0.010)
    shutter.command(True, 1.0)
    assert not shutter.is_open(1.005)
    assert shutter.is_open(1.010)
    shutter.command(False, 3.0)
    assert shutter.open_fraction(0.010, 4.010) == pytest.approx(0.5)
    assert shutter.open_fraction(1.5, 2.5) == 1.0
    assert shutter.open_fraction(3.1, 9.0) == 0.0


def test_stage_lags_after_a_move_downwards_and_creeps():
    axis = build_table(TwinParameters(), "A", 1).axes["z"]
    now_s = axis.move_to(10.0, 0.0)
    assert axis.sample_um(now_s) == pytest.approx(10.0)
    now_s += axis.move_to(5.0, now_s)
    assert axis.position_um(now_s) == 5.0
    assert axis.sample_um(now_s) == pytest.approx(5.3)
    axes = build_table(TwinParameters(), "A", 1).axes
    assert math.hypot(axes["x"].sample_um(3600.0), axes["y"].sample_um(3600.0)) == pytest.approx(
        0.2
    )
    assert axes["x"].position_um(3600.0) == 0.0


def test_stage_stops_where_it_is_and_stays_in_range(make_table):
    axis = make_table().axes["x"]
    axis.move_to(1e6, 0.0)
    assert axis.is_moving(1.0)
    axis.stop(1.0)
    assert axis.position_um(50.0) == pytest.approx(0.95 * 500)
    assert not axis.is_moving(1.0)
    axis.move_to(1e6, 60.0)
    assert axis.position_um(600.0) == 1000.0


def test_spectrograph_clamps_moves_and_shifts_when_the_turret_turns(make_table):
    spectrograph = make_table().spectrograph
    now_s = spectrograph.move_to(5000.0, 0.0)
    assert spectrograph.wavelength_nm(now_s) == pytest.approx(1.68e6 / 1800)
    now_s += spectrograph.move_to(532.0, now_s)
    now_s += spectrograph.select(3, now_s)
    assert spectrograph.grating(now_s) == 3
    assert spectrograph.wavelength_nm(now_s) == pytest.approx(532.1)
    assert spectrograph.select(3, now_s) == 0.0
    with pytest.raises(ValueError, match="grating 4"):
        spectrograph.select(4, now_s)


def test_axis_obeys_the_grating_equation(make_table):
    spectrograph = make_table().spectrograph
    axis_nm = spectrograph.axis_nm(0.0)
    # dispersion, coverage and centre as stated in the reference for 532 nm and 1800 g/mm
    assert np.diff(axis_nm)[670] / 0.020 == pytest.approx(0.82, abs=0.005)
    assert (axis_nm[669] + axis_nm[670]) / 2 == pytest.approx(532.0, abs=1e-5)
    shift_cm1 = 1e7 / 532.0 - 1e7 / axis_nm
    assert np.ptp(shift_cm1) / 2 == pytest.approx(387, abs=1)
    assert shift_cm1[0] < -370
    assert shift_cm1[-1] > 370
    assert np.all(np.diff(axis_nm) > 0)


def test_each_move_repositions_anew_by_the_stated_error():
    spectrograph = build_table(TwinParameters(), "A", 5).spectrograph
    centres = []
    for index in range(400):
        spectrograph.move_to(600.0 + index % 2, 0.0)
        centres.append(spectrograph.axis_nm(1e4)[670])
    errors = np.array(centres[::2]) - np.mean(centres[::2])
    assert errors.std() == pytest.approx(0.02, rel=0.2)
    before = spectrograph.axis_nm(1e4)[0]
    spectrograph.move_to(601.0, 1e4)
    assert spectrograph.axis_nm(1e4)[0] == before


def test_cryostat_lags_overshoots_and_settles(make_table):
    cryostat = make_table().cryostat
    cryostat.set_setpoint(250.0, 0.0)
    assert cryostat.true_k(120.0) == pytest.approx(250 + 48 / math.e, abs=0.5)
    times_s = np.arange(0.0, 4000.0, 10.0)
    truth_k = np.array([cryostat.true_k(t) for t in times_s])
    assert -1.5 < truth_k.min() - 250.0 < -0.7
    assert abs(truth_k[-1] - 250.0) < 1e-3


def test_cryostat_is_exact_whatever_is_read_in_between(make_table):
    polled, quiet = make_table().cryostat, make_table().cryostat
    for cryostat in (polled, quiet):
        cryostat.ramp_k_per_min, cryostat.ramp_on = 5.0, True
        cryostat.set_setpoint(200.0, 100.0)
    for now_s in np.arange(100.0, 5000.0, 7.0):
        polled.sensor_k(now_s)
    assert polled.true_k(5000.0) == quiet.true_k(5000.0)


def test_cryostat_ramps_from_the_present_temperature(make_table):
    cryostat = make_table().cryostat
    cryostat.ramp_k_per_min, cryostat.ramp_on = 6.0, True
    cryostat.set_setpoint(268.0, 0.0)
    assert cryostat.working_setpoint_k(100.0) == pytest.approx(288.0)
    assert cryostat.true_k(290.0) == pytest.approx(269.0 + 0.1 * 120 * (1 - math.exp(-290 / 120)))
    assert cryostat.true_k(299.999) == pytest.approx(cryostat.true_k(300.001), abs=1e-3)
    cryostat.sensor_k(100.0)
    assert cryostat.working_setpoint_k(400.0) == 268.0


def test_cryostat_drifts_to_rest_with_the_heater_off(make_table):
    cryostat = make_table().cryostat
    cryostat.set_setpoint(250.0, 0.0)
    cryostat.sensor_k(10_000.0)
    cryostat.heater_range = 0
    assert cryostat.heater_percent(10_000.0) == 0.0
    assert cryostat.true_k(13_600.0) == pytest.approx(298 - 48 / math.e)
    cryostat.heater_range = 3
    assert cryostat.true_k(20_000.0) == pytest.approx(250.0, abs=0.01)


def test_cryostat_sensor_noise_has_the_stated_size(make_table):
    cryostat = make_table().cryostat
    readings = np.array([cryostat.sensor_k(0.0) for _ in range(2000)])
    assert readings.std() == pytest.approx(0.020, rel=0.08)
    assert readings.mean() == pytest.approx(298.0, abs=0.002)


def test_pressure_falls_with_cold_walls(make_table):
    table = make_table()
    warm = np.mean([table.gauge.pressure_pa(0.0) for _ in range(50)])
    table.cryostat.set_setpoint(200.0, 0.0)
    cold = np.mean([table.gauge.pressure_pa(1e5) for _ in range(50)])
    assert warm == pytest.approx(1e-3, rel=0.02)
    assert 0 < cold < 0.5 * warm


def test_cooler_reaches_its_setpoint_and_tells_when(make_table):
    camera = make_table().camera
    assert camera.temperature_c(0.0) == 20.0
    camera.set_cooler(True, -75.0, 0.0)
    assert not camera.is_stable(100.0)
    stable_s = 60 * math.log(95 / 0.2) + 30
    camera.set_cooler(True, -75.0, 300.0)
    assert not camera.is_stable(stable_s - 1)
    assert camera.is_stable(stable_s + 1)
    assert camera.temperature_c(stable_s) == pytest.approx(-75.0, abs=0.2)
    camera.set_cooler(True, -120.0, 1000.0)
    assert not camera.is_stable(1e6)
    camera.set_cooler(False, -120.0, 1e6)
    assert camera.temperature_c(2e6) == pytest.approx(20.0)
