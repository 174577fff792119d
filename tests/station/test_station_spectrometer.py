"""Exposures: which beams are open, what the axis is, what is doubted."""

import math

import numpy as np
import pytest

from labctl.core.errors import (
    BadReply,
    ConfigError,
    InstrumentError,
    LimitError,
    SafetyError,
)
from labctl.core.messages import Acquire
from labctl.core.readings import Quality
from labctl.core.spectra import Frame, Spectrum
from labctl.station.wavelength import Geometry

PROBE = Acquire("spectrometer", 1.0, 2, ("probe",))


def test_a_spectrum_holds_raw_counts_axis_and_circumstances(table):
    table.channels["probe.power"].set(50e-6)
    table.channels["spectrometer.window"].set("raman")
    spectrum = table.spectrometer.acquire(PROBE)
    assert isinstance(spectrum, Spectrum)
    assert spectrum.counts.shape == (2, 1340)
    assert spectrum.counts.dtype == np.uint16
    assert spectrum.laser_nm == 532.0
    assert spectrum.beams == ("probe",)
    assert spectrum.quality is Quality.GOOD
    assert set(spectrum.calibrations) == {"wavelength", "power.probe"}
    assert spectrum.settings["grating"] == 1
    assert spectrum.settings["probe_power_w"] == pytest.approx(50e-6, rel=0.01)


def test_the_shutter_is_open_for_the_exposure_only(table):
    table.channels["probe.power"].set(50e-6)
    table.log.clear()
    table.camera.during.append(lambda: table.log.append(f"blade {table.probe_shutter.blade}"))
    table.spectrometer.acquire(PROBE)
    assert table.log == ["probe open", "expose", "blade True", "probe close"]


def test_a_dark_closes_a_shutter_that_somebody_opened(table):
    table.pump_shutter.blade = True
    spectrum = table.spectrometer.acquire(Acquire("spectrometer", 1.0))
    assert spectrum.beams == ()
    assert spectrum.laser_nm is None
    assert table.log == ["pump close", "expose"]


def test_a_beam_at_zero_stays_closed_and_is_not_named(table):
    table.channels["probe.power"].set(50e-6)
    table.channels["pump.power"].set(0)
    spectrum = table.spectrometer.acquire(Acquire("spectrometer", 1.0, 1, ("pump", "probe")))
    assert spectrum.beams == ("probe",)
    assert spectrum.laser_nm == 532.0
    assert "pump open" not in table.log


@pytest.mark.parametrize(
    "error",
    [InstrumentError("camera failed"), ValueError("a bug"), KeyboardInterrupt()],
    ids=["instrument", "bug", "interrupt"],
)
def test_shutters_close_whatever_the_camera_does(table, error):
    table.channels["probe.power"].set(50e-6)
    table.channels["pump.power"].set(50e-6)
    table.camera.fails = error
    with pytest.raises(type(error)):
        table.spectrometer.acquire(Acquire("spectrometer", 1.0, 1, ("probe", "pump")))
    assert not table.probe_shutter.blade
    assert not table.pump_shutter.blade


def test_a_shutter_that_sticks_open_switches_emission_off_and_the_others_close(table):
    table.channels["probe.power"].set(50e-6)
    table.channels["pump.power"].set(50e-6)
    table.camera.during.append(lambda: setattr(table.pump_shutter, "stuck", True))
    with pytest.raises(SafetyError, match="pump: the shutter is not confirmed closed: it reads"):
        table.spectrometer.acquire(Acquire("spectrometer", 1.0, 1, ("probe", "pump")))
    assert not table.pump_laser.on
    assert not table.probe_shutter.blade


def test_emission_that_cannot_be_switched_off_is_shouted(table):
    table.channels["probe.power"].set(50e-6)
    table.probe_laser.stuck_on = True
    table.camera.during.append(lambda: setattr(table.probe_shutter, "stuck", True))
    with pytest.raises(SafetyError, match="NOT CONFIRMED off"):
        table.spectrometer.acquire(PROBE)


def test_a_shutter_that_sticks_closed_is_an_error_not_a_dark(table):
    table.channels["probe.power"].set(50e-6)
    table.probe_shutter.stuck = True
    with pytest.raises(InstrumentError, match="told to open and reads closed"):
        table.spectrometer.acquire(PROBE)
    assert "expose" not in table.log


def test_a_beam_made_safe_during_the_exposure_spoils_it(table):
    table.channels["probe.power"].set(50e-6)
    table.camera.during.append(table.station.safe)
    with pytest.raises(InstrumentError, match="closed during the exposure"):
        table.spectrometer.acquire(PROBE)
    assert not table.probe_shutter.blade
    assert not table.probe_laser.on


def test_a_beam_made_safe_while_it_opens_is_closed_again(table, monkeypatch):
    table.channels["probe.power"].set(50e-6)
    shutter_type = type(table.probe_shutter)
    setter = shutter_type.is_open.fset

    def press_laser_off_just_before(shutter, value):
        if value:
            table.parts.beams["probe"].guard.make_safe()
        setter(shutter, value)

    monkeypatch.setattr(
        shutter_type, "is_open", shutter_type.is_open.setter(press_laser_off_just_before)
    )
    with pytest.raises(SafetyError, match="made safe while"):
        table.spectrometer.acquire(PROBE)
    assert not table.probe_shutter.blade
    assert "expose" not in table.log


def test_a_drifted_power_is_corrected_before_the_shutter_opens(table):
    table.channels["probe.power"].set(100e-6)
    table.probe_laser.gives = 0.96
    spectrum = table.spectrometer.acquire(PROBE)
    assert spectrum.settings["probe_power_w"] == pytest.approx(100e-6, rel=0.01)


def test_after_the_safe_state_the_laser_comes_back_for_the_next_exposure(table):
    table.channels["probe.power"].set(100e-6)
    table.station.safe()
    assert not table.probe_laser.on
    assert table.spectrometer.acquire(PROBE).quality is Quality.GOOD
    assert table.probe_laser.on


def test_a_beam_whose_power_was_never_set_is_not_opened(table):
    with pytest.raises(InstrumentError, match=r"set probe\.power before"):
        table.spectrometer.acquire(PROBE)


@pytest.mark.parametrize("mode", ["spectrum", "image"])
@pytest.mark.parametrize(("level", "is_good"), [(52427, True), (52429, False), (65535, False)])
def test_counts_above_80_percent_are_doubted(table, level, is_good, mode):
    table.camera.level = level
    exposure = table.spectrometer.acquire(Acquire("spectrometer", 1.0, mode=mode))
    assert (exposure.quality is Quality.GOOD) == is_good
    assert exposure.reason.startswith("saturated") != is_good
    assert exposure.counts[0].max() == level


def test_an_image_is_a_frame_of_the_chip(table):
    frame = table.spectrometer.acquire(Acquire("spectrometer", 1.0, 3, mode="image"))
    assert isinstance(frame, Frame)
    assert frame.counts.shape == (3, 8, 1340)


def test_several_bands_are_a_frame_with_a_row_each(make_table):
    table = make_table(spectrometer={"bands": ((0, 1), (2, 4))})
    frame = table.spectrometer.acquire(Acquire("spectrometer", 1.0, 3))
    assert isinstance(frame, Frame)
    assert frame.counts.shape == (3, 2, 1340)
    assert frame.settings["rows"] == "0-1, 2-4"


@pytest.mark.parametrize(
    "request_",
    [
        Acquire("spectrometer", 0.0),
        Acquire("spectrometer", -1.0),
        Acquire("spectrometer", math.nan),
        Acquire("spectrometer", math.inf),
        Acquire("spectrometer", 1.0, 0),
        Acquire("spectrometer", 1.0, 1, ("prob",)),
        Acquire("spectrometer", 1.0, 1, ("probe", "probe")),
        Acquire("spectrometer", 1.0, mode="movie"),
    ],
)
def test_impossible_requests_are_refused(table, request_):
    with pytest.raises(LimitError):
        table.spectrometer.acquire(request_)
    assert table.log == []


def test_the_nearest_beam_is_suggested(table):
    with pytest.raises(LimitError, match="did you mean 'probe'"):
        table.spectrometer.check(Acquire("spectrometer", 1.0, 1, ("prbe",)))


def test_the_duration_counts_exposure_and_readout(table):
    duration_s = table.spectrometer.duration_s(Acquire("spectrometer", 10.0, 3, ("probe",)))
    assert duration_s == pytest.approx(3 * 10.5 + 0.2)


def test_a_warm_camera_is_doubted_waited_for_or_refused(make_table):
    dark = Acquire("spectrometer", 1.0)
    table = make_table()
    table.camera.locked = False
    assert "not locked at 198.15 K" in table.spectrometer.acquire(dark).reason
    table = make_table(spectrometer={"warm_camera": "refuse"})
    table.camera.locked = False
    with pytest.raises(InstrumentError, match="not locked"):
        table.spectrometer.acquire(dark)
    table = make_table(spectrometer={"warm_camera": "wait"})
    table.camera.locked = False
    assert table.spectrometer.acquire(dark).quality is Quality.UNCERTAIN
    assert table.clock.monotonic_s() == pytest.approx(1800.0)
    assert table.camera.setpoint_k == 198.15


def test_a_grating_moved_by_somebody_else_is_noticed(table):
    table.channels["spectrometer.window"].set("raman")
    table.monochromator.wavelength_nm = 540.0
    spectrum = table.spectrometer.acquire(Acquire("spectrometer", 1.0))
    assert spectrum.quality is Quality.UNCERTAIN
    assert "has been moved to grating 1 at 540 nm" in spectrum.reason
    assert spectrum.wavelength_nm[670] == pytest.approx(540.0, abs=0.02)


def test_an_axis_without_calibration_is_doubted(make_table, make_power_calibration):
    table = make_table([make_power_calibration()])
    spectrum = table.spectrometer.acquire(Acquire("spectrometer", 1.0))
    assert spectrum.quality is Quality.UNCERTAIN
    assert "no 'wavelength' calibration" in spectrum.reason
    assert "wavelength" not in spectrum.calibrations


def test_the_calibration_shifts_the_axis(make_table, make_wavelength_calibration):
    entry = {"offset_nm": 0.5, "polynomial_nm": [0.0, 0.1]}
    plain = make_table([make_wavelength_calibration()])
    shifted = make_table([make_wavelength_calibration(**{"1": entry})])
    for table in (plain, shifted):
        table.channels["spectrometer.window"].set("raman")
    dark = Acquire("spectrometer", 1.0)
    difference_nm = (
        shifted.spectrometer.acquire(dark).wavelength_nm
        - plain.spectrometer.acquire(dark).wavelength_nm
    )
    assert difference_nm == pytest.approx(0.5 + 0.1 * np.linspace(-1, 1, 1340))


def test_a_malformed_wavelength_calibration_is_refused(make_table, make_wavelength_calibration):
    table = make_table([make_wavelength_calibration(**{"1": {"offset_nm": "0.5"}})])
    with pytest.raises(ConfigError, match="is no number"):
        table.spectrometer.acquire(Acquire("spectrometer", 1.0))


def test_equal_axes_are_the_same_read_only_array(table):
    table.channels["spectrometer.window"].set("raman")
    dark = Acquire("spectrometer", 1.0)
    first = table.spectrometer.acquire(dark).wavelength_nm
    table.channels["spectrometer.window"].set("pl")
    other = table.spectrometer.acquire(dark).wavelength_nm
    table.channels["spectrometer.window"].set("raman")
    assert table.spectrometer.acquire(dark).wavelength_nm is first
    assert other is not first
    assert not first.flags.writeable


@pytest.mark.parametrize("shape", [(1, 1, 1339), (2, 1, 1340), (1, 2, 1340)])
def test_counts_of_another_shape_are_refused(table, monkeypatch, shape):
    monkeypatch.setattr(type(table.camera), "acquire", lambda *_: np.ones(shape, np.uint16))
    with pytest.raises(BadReply, match="shape"):
        table.spectrometer.acquire(Acquire("spectrometer", 1.0))


def test_counts_of_nothing_but_zeros_are_refused(table, monkeypatch):
    zeros = np.zeros((1, 1, 1340), np.uint16)
    monkeypatch.setattr(type(table.camera), "acquire", lambda *_: zeros)
    with pytest.raises(BadReply, match="all counts are zero"):
        table.spectrometer.acquire(Acquire("spectrometer", 1.0))


def test_the_geometry_has_the_dispersion_of_the_manual():
    """Numbers of `science.md` section 3: nm/mm at 532 nm, and what fits on 26.8 mm."""
    geometry = Geometry(500.0, 13.2, 20.0, 1340)
    axis_nm = geometry.wavelength_nm(1800.0, 532.0)
    assert (axis_nm[670] - axis_nm[669]) / 0.020 == pytest.approx(0.82, abs=0.005)
    shift_cm1 = 1e7 / 532.0 - 1e7 / axis_nm
    # the Stokes side gets less, the anti-Stokes side more than the round ±387 cm⁻¹
    assert (shift_cm1[-1] - shift_cm1[0]) / 2 == pytest.approx(387, abs=5)
    assert np.ptp(geometry.wavelength_nm(300.0, 770.0)) == pytest.approx(170, abs=4)


def test_the_centre_of_the_detector_sees_the_centre_wavelength():
    axis_nm = Geometry(500.0, 13.2, 20.0, 1341).wavelength_nm(1200.0, 633.0)
    assert axis_nm[670] == pytest.approx(633.0, abs=1e-9)


def test_a_wavelength_beyond_the_grating_is_refused():
    with pytest.raises(InstrumentError, match="cannot be turned"):
        Geometry(500.0, 13.2, 20.0, 1340).wavelength_nm(1800.0, 1200.0)


def test_the_window_is_verified_by_reading_back(table, monkeypatch):
    monkeypatch.setattr(
        type(table.monochromator), "wavelength_nm", property(lambda _: 500.0, lambda *_: None)
    )
    with pytest.raises(InstrumentError, match="asked grating 1 at 532 nm, got grating 1 at 500"):
        table.channels["spectrometer.window"].set("raman")


def test_an_unknown_window_suggests_the_nearest(table):
    with pytest.raises(LimitError, match="did you mean 'raman'"):
        table.channels["spectrometer.window"].check("ramn")
    assert table.channels["spectrometer.window"].read().value == "none"
