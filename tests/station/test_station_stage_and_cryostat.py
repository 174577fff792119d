"""Moves that end on one side, temperatures that are steady by rule, and the safe state."""

import math

import pytest

from labctl.core.channels import Channel, Settable, Settleable
from labctl.core.errors import InstrumentError, InvalidReading, LimitError, SafetyError
from labctl.core.limits import Limits
from labctl.core.readings import Quality


def test_every_move_ends_upwards(table):
    axis = table.channels["stage.x"]
    axis.set(30.0)
    axis.set(10.0)
    axis.set(12.0)
    assert table.log == ["move 30", "move 5", "move 10", "move 7", "move 12"]


def test_a_move_to_where_it_already_arrived_is_not_repeated(table):
    table.channels["stage.x"].set(30.0)
    table.channels["stage.x"].set(30.0)
    assert table.log == ["move 30"]


@pytest.mark.parametrize("position_um", [-96.0, 101.0, math.nan, "30", False])
def test_positions_out_of_reach_are_refused(table, position_um):
    with pytest.raises(LimitError):
        table.channels["stage.x"].set(position_um)
    assert table.log == []


def test_a_stalled_axis_is_an_error(table):
    table.axis.stalls = True
    with pytest.raises(InstrumentError, match="asked 30 µm, got 0 µm"):
        table.channels["stage.x"].set(30.0)


def test_named_positions_are_set_and_recognised(table):
    position = table.channels["stage.position"]
    assert position.read().value == "none"
    assert position.set("flake").value == "flake"
    assert position.read().value == "flake"
    assert table.axis.at_um == 30.0
    with pytest.raises(LimitError, match="did you mean 'flake'"):
        position.check("flke")


def test_longer_moves_take_longer(table):
    axis = table.channels["stage.x"]
    assert axis.duration_s(0.0, 90.0) > axis.duration_s(0.0, 10.0) > 0
    assert table.channels["stage.position"].duration_s(None, "flake") > 0


def test_setting_a_temperature_verifies_the_setpoint_and_does_not_wait(table):
    reading = table.channels["cryostat.temperature"].set(250.0)
    assert reading.number == 250.0
    assert table.clock.monotonic_s() == 0.0


def test_a_setpoint_that_reads_back_otherwise_is_an_error(table, monkeypatch):
    monkeypatch.setattr(
        type(table.controller), "setpoint_k", property(lambda _: 298.0, lambda *_: None)
    )
    with pytest.raises(InstrumentError, match="250 K was sent, 298 K reads back"):
        table.channels["cryostat.temperature"].set(250.0)


def test_steady_means_within_tolerance_for_the_whole_duration(table):
    # an overshoot leaves the tolerance once more at 70 s
    table.controller.reads = lambda t_s: 250.0 + (1.0 if t_s < 30 or 70 < t_s < 100 else 0.0)
    table.channels["cryostat.temperature"].set(250.0)
    reading = table.channels["cryostat.temperature"].wait()
    assert reading.quality is Quality.GOOD
    assert table.clock.monotonic_s() == pytest.approx(160.0, abs=0.1)


def test_past_the_deadline_the_temperature_is_uncertain(table):
    table.controller.reads = lambda t_s: 251.0
    table.channels["cryostat.temperature"].set(250.0)
    reading = table.channels["cryostat.temperature"].wait()
    assert reading.quality is Quality.UNCERTAIN
    assert "deadline of 600 s" in reading.reason
    assert table.clock.monotonic_s() == pytest.approx(600.0)


def test_a_heater_does_not_work_for_long_towards_a_temperature_that_nobody_knows(table):
    table.controller.fails = InvalidReading("sensor A: open")
    table.channels["cryostat.temperature"].set(250.0)
    start_s = table.clock.monotonic_s()
    with pytest.raises(SafetyError, match=r"unknown for 60 s.*open"):
        table.channels["cryostat.temperature"].wait()
    assert table.clock.monotonic_s() - start_s <= 70.0
    assert "hold" in table.log


def test_waiting_ends_when_whoever_attends_says_so(table):
    looks = []

    def attend():
        looks.append(table.clock.monotonic_s())
        if len(looks) == 3:
            raise SafetyError("the vacuum is lost")

    table.controller.reads = lambda _: 298.0
    table.channels["cryostat.temperature"].set(250.0)
    with pytest.raises(SafetyError, match="vacuum"):
        table.channels["cryostat.temperature"].wait(attend)
    assert looks[-1] - looks[0] <= 30.0


def test_following_a_ramp_is_not_steady(make_table, monkeypatch):
    table = make_table(cryostat={"ramp_k_per_min": 1.0})
    ramp = lambda: max(298.0 - table.clock.monotonic_s() / 60, 290.0)  # noqa: E731
    table.controller.reads = lambda _: ramp()
    moving = property(lambda _: ramp(), lambda *_: None)
    monkeypatch.setattr(type(table.controller), "setpoint_k", moving)
    table.channels["cryostat.temperature"].set(290.0)
    reading = table.channels["cryostat.temperature"].wait()
    assert reading.number == pytest.approx(290.0, abs=0.1)
    assert table.clock.monotonic_s() >= 8 * 60 + 60


def test_a_runaway_is_held_and_reported(table):
    table.channels["cryostat.temperature"].set(370.0)
    table.controller.reads = lambda t_s: 370.0 + t_s
    with pytest.raises(SafetyError, match="beyond the limits"):
        table.channels["cryostat.temperature"].wait()
    assert "hold" in table.log


@pytest.mark.parametrize("temperature_k", [69.0, 381.0, math.nan, "250"])
def test_temperatures_beyond_the_limits_are_refused(table, temperature_k):
    with pytest.raises(LimitError):
        table.channels["cryostat.temperature"].set(temperature_k)


def test_settling_is_estimated_from_the_step(table):
    channel = table.channels["cryostat.temperature"]
    assert channel.settling_s(298.0, 298.0) == 60.0
    assert channel.settling_s(298.0, 290.0) == 160.0
    assert channel.settling_s(None, 200.0) == 60.0


def test_a_ramp_counts_in_the_estimate(make_table):
    channel = make_table(cryostat={"ramp_k_per_min": 10.0}).channels["cryostat.temperature"]
    assert channel.settling_s(298.0, 278.0) == 120.0 + 100.0 + 60.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_sensor_that_gives_no_number_is_invalid(table, value):
    table.gauge.pressure_pa = value
    reading = table.channels["cryostat.pressure"].read()
    assert reading.quality is Quality.INVALID
    assert reading.value is None


def test_a_driver_error_becomes_an_invalid_reading_with_its_reason(table):
    table.controller.fails = InstrumentError("lakeshore: asked KRDG? A, got nothing")
    reading = table.channels["cryostat.temperature"].read()
    assert reading.quality is Quality.INVALID
    assert "asked KRDG? A, got nothing" in reading.reason


def test_all_promised_channels_exist_and_read(table):
    expected = {
        *(f"{b}.{c}" for b in ("probe", "pump")
          for c in ("power", "shutter", "laser_power", "interlock", "attenuator")),
        "probe.meter",
        "spectrometer.window", "spectrometer.grating", "spectrometer.centre",
        "camera.temperature", "camera.locked", "stage.x", "stage.position",
        "cryostat.temperature", "cryostat.setpoint", "cryostat.pressure",
    }  # fmt: skip
    assert set(table.station.snapshot()) == expected
    assert all(isinstance(channel, Channel) for channel in table.channels.values())
    settable = {name for name, item in table.channels.items() if isinstance(item, Settable)}
    assert settable == {
        "probe.power", "pump.power", "spectrometer.window", "stage.x", "stage.position",
        "cryostat.temperature",
    }  # fmt: skip
    settleable = {name for name, item in table.channels.items() if isinstance(item, Settleable)}
    assert settleable == {"cryostat.temperature"}


def test_interlocks_come_from_the_file(table):
    first, second = table.station.interlocks
    assert (first.channel, first.expect, first.action) == ("probe.interlock", True, "abort")
    assert second.expect == Limits(60.0, 390.0, "K")


def test_safe_closes_shutters_first_and_then_everything_else(table):
    table.channels["probe.power"].set(50e-6)
    table.log.clear()
    assert table.station.safe() == []
    assert table.log == [
        "probe close", "pump close", "probe emission off", "pump emission off",
        "hold", "stop", "camera abort",
    ]  # fmt: skip


def test_safe_tries_every_step_and_names_what_is_not_confirmed(table, monkeypatch):
    table.probe_shutter.blade = table.probe_shutter.stuck = True
    table.pump_laser.on = table.pump_laser.stuck_on = True
    monkeypatch.setattr(type(table.controller), "hold", _explode)
    problems = table.station.safe()
    assert len(problems) == 3
    assert "probe: close the shutter" in problems[0]
    assert "NOT CONFIRMED off" in problems[1]
    assert "RuntimeError: boom" in problems[2]
    assert table.log[-2:] == ["stop", "camera abort"]


def _explode(_):
    raise RuntimeError("boom")
