"""The power at the sample: what is set, measured, believed and refused."""

import math

import pytest

from labctl.core.channels import Settable
from labctl.core.errors import ConfigError, InstrumentError, LimitError, SafetyError
from labctl.core.readings import Quality
from labctl.station.power import PowerCalibration


def test_the_set_power_is_measured_at_the_closed_shutter(table):
    reading = table.channels["probe.power"].set(50e-6)
    assert reading.number == pytest.approx(50e-6, rel=0.01)
    assert reading.quality is Quality.GOOD
    assert not table.probe_shutter.blade
    assert "probe open" not in table.log


def test_the_meter_is_set_to_the_wavelength_of_the_beam(table):
    table.channels["probe.power"].set(50e-6)
    assert table.meter.wavelength_nm == 532.0


def test_a_shifted_attenuator_is_corrected_by_the_meter(table):
    table.meter.true_offset_deg = 12.3
    reading = table.channels["probe.power"].set(100e-6)
    assert table.meter.power_w * 0.115 / 0.08 == pytest.approx(100e-6, rel=0.01)
    assert reading.number == pytest.approx(100e-6, rel=0.01)


def test_a_power_that_stays_far_off_is_uncertain(make_table):
    table = make_table(probe={"agreement": 0.9})
    table.meter.factor = 0.4
    reading = table.channels["probe.power"].set(0.5e-3)
    assert reading.quality is Quality.UNCERTAIN
    assert "asked 500 µW, got 400 µW" in reading.reason


@pytest.mark.parametrize(("factor", "quality"), [(0.85, Quality.UNCERTAIN), (0.3, Quality.INVALID)])
def test_meter_and_laser_that_contradict_each_other_are_not_good(table, factor, quality):
    table.meter.factor = factor
    reading = table.channels["probe.power"].set(100e-6)
    assert reading.quality is quality
    assert "the meter shows" in reading.reason
    assert "laser and calibration give" in reading.reason


def test_an_invalid_power_is_not_exposed_with(table):
    from labctl.core.messages import Acquire

    table.meter.factor = 0.3
    table.channels["probe.power"].set(100e-6)
    with pytest.raises(InstrumentError, match="power has not been set"):
        table.spectrometer.acquire(Acquire("spectrometer", 1.0, beams=("probe",)))
    assert "probe open" not in table.log


def test_more_than_the_maximum_turns_dark_and_is_refused(table):
    table.meter.factor = 1e3
    with pytest.raises(SafetyError, match="more than max_power_w"):
        table.channels["probe.power"].set(1.9e-3)
    assert table.attenuator.angle_deg == pytest.approx(57.0)
    assert "probe open" not in table.log


def test_a_dead_meter_does_not_open_the_attenuator(table):
    table.meter.factor = 0.0
    reading = table.channels["probe.power"].set(50e-6)
    assert reading.quality is Quality.INVALID
    calibration = table.parts.beams["probe"].calibration()
    assert calibration.power_w(0.02, table.attenuator.angle_deg) <= 100.1e-6


@pytest.mark.parametrize("power_w", [2.1e-3, -1e-6, math.nan, math.inf, 1e-9, "50 uW", True])
def test_a_power_out_of_reach_is_refused_before_anything_moves(table, power_w):
    with pytest.raises(LimitError):
        table.channels["probe.power"].set(power_w)
    assert table.log == []


def test_zero_needs_no_laser_and_keeps_the_shutter_closed(table):
    reading = table.channels["probe.power"].set(0)
    assert reading.number == 0.0
    assert not table.probe_laser.on
    assert table.attenuator.angle_deg == pytest.approx(57.0)


def test_without_meter_the_power_is_uncertain(table):
    reading = table.channels["pump.power"].set(100e-6)
    assert reading.quality is Quality.UNCERTAIN
    assert "no pick-off meter" in reading.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"measured_utc": "2025-01-01T00:00:00Z"}, "expired"),
        ({"wavelength_nm": 633.0}, "is for 633 nm"),
        ({"transmission": 0.0}, "transmission must be positive"),
        ({"offset_deg": "12"}, "offset_deg must be a number"),
        ({"extinction": 1.5}, "extinction"),
    ],
)
def test_a_calibration_that_does_not_fit_is_refused(
    make_table, make_power_calibration, change, words
):
    table = make_table([make_power_calibration(**change)])
    with pytest.raises(ConfigError, match=words):
        table.channels["probe.power"].set(50e-6)
    assert table.log == []


def test_a_missing_calibration_is_named(make_table):
    table = make_table([])
    with pytest.raises(ConfigError, match=r"no calibration 'power\.probe'"):
        table.channels["probe.power"].set(50e-6)
    assert table.channels["probe.power"].read().number == 0.0


def test_an_open_interlock_is_never_overridden(table):
    table.probe_laser.interlock_closed = False
    with pytest.raises(SafetyError, match="interlock"):
        table.channels["probe.power"].set(50e-6)
    assert not table.probe_laser.on


def test_a_laser_that_does_not_come_to_power_is_reported(table):
    table.probe_laser.gives = 0.5
    with pytest.raises(InstrumentError, match=r"still gives 0\.01 W"):
        table.channels["probe.power"].set(50e-6)


def test_a_dead_meter_gives_an_invalid_reading(table, monkeypatch):
    table.channels["probe.power"].set(50e-6)
    monkeypatch.setattr(type(table.meter), "power_w", property(lambda self: math.nan))
    reading = table.channels["probe.power"].read()
    assert reading.quality is Quality.INVALID
    assert "nan" in reading.reason


def test_emission_switched_on_during_make_safe_is_switched_off_again(table, monkeypatch):
    guard = table.parts.beams["probe"].guard
    laser_type = type(table.probe_laser)
    setter = laser_type.emission.fset

    def press_laser_off_at_the_same_time(laser, value):
        setter(laser, value)
        if value:
            guard._times_made_safe += 1

    monkeypatch.setattr(
        laser_type, "emission", laser_type.emission.setter(press_laser_off_at_the_same_time)
    )
    with pytest.raises(SafetyError, match="made safe while"):
        table.channels["probe.power"].set(50e-6)
    assert not table.probe_laser.on


def test_a_beam_made_safe_during_the_approach_is_not_taken_for_dark(table, monkeypatch):
    shut = type(table.meter).power_w.fget
    guard = table.parts.beams["probe"].guard

    def press_laser_off_and_read(meter):
        guard.stop_emission()
        return shut(meter)

    monkeypatch.setattr(type(table.meter), "power_w", property(press_laser_off_and_read))
    with pytest.raises(SafetyError, match="made safe while"):
        table.channels["probe.power"].set(50e-6)


def test_no_light_at_all_is_an_error(table, monkeypatch):
    monkeypatch.setattr(type(table.meter), "power_w", property(lambda self: -1e-12))
    monkeypatch.setattr("labctl.station.power.PowerCalibration.power_w", lambda *_: 0.0)
    with pytest.raises(InstrumentError, match="no light arrives"):
        table.channels["probe.power"].set(50e-6)


def test_the_channel_is_settable(table):
    assert isinstance(table.channels["probe.power"], Settable)


@pytest.mark.parametrize("power_w", [3e-7, 1e-6, 5e-5, 1e-3, 2.3e-3])
def test_angle_and_power_are_each_others_inverse(make_power_calibration, power_w):
    calibration = PowerCalibration.from_calibration(make_power_calibration())
    angle_deg = calibration.angle_deg(0.02, power_w)
    assert 12.0 <= angle_deg <= 57.0
    assert calibration.power_w(0.02, angle_deg) == pytest.approx(power_w, rel=1e-9)


def test_malus_at_known_angles(make_power_calibration):
    calibration = PowerCalibration.from_calibration(make_power_calibration(extinction=0.0))
    assert calibration.power_w(1.0, 12.0) == pytest.approx(0.115)
    assert calibration.power_w(1.0, 12.0 + 22.5) == pytest.approx(0.0575)
    assert calibration.power_w(1.0, 12.0 + 45.0) == pytest.approx(0.0, abs=1e-12)
