"""The same behaviour from the C library, the emulator and the emulator in another process."""

import numpy as np
import pytest

from drivers.andor.sdk2 import AndorCamera
from drivers.andor.sdk2_api import METHODS, Sdk2
from labctl.core.errors import (
    CommandRefused,
    ConfigError,
    ConnectionFailed,
    InvalidReading,
    LimitError,
    NoReply,
)
from labctl.core.roles import Camera

ROWS, COLUMNS = 40, 64
ALL = [(0, ROWS - 1)]
SUCCESS, NO_NEW_DATA, ACQUIRING, IDLE, NOT_INITIALIZED = 20002, 20024, 20072, 20073, 20075


def test_object_has_every_function_of_the_protocol(rig):
    assert isinstance(rig.sdk, Sdk2)


def test_functions_refuse_before_initialisation(rig):
    for method in ("get_detector", "get_status", "get_head_model", "get_number_new_images"):
        assert getattr(rig.sdk, method)()[0] == NOT_INITIALIZED
    assert rig.sdk.start_acquisition() == NOT_INITIALIZED


def test_driver_fulfils_the_role_and_tells_the_chip(rig):
    camera = rig.camera(gain_e_per_count=1.2, read_noise_e=3.5, bias_counts=590.0)
    # isinstance would read every property, the set-point that nobody has set among them
    members = {name for base in Camera.__mro__ for name in vars(base) if name[0] != "_"}
    assert members <= set(dir(AndorCamera))
    assert camera.shape == (ROWS, COLUMNS)
    assert camera.identify().vendor == "Andor"
    assert camera.identify().serial in ("4711", "1001")
    detector = camera.detector
    assert (detector.gain_e_per_count, detector.read_noise_e) == (1.2, 3.5)
    assert (detector.bias_counts, detector.saturation_counts) == (590.0, 65535.0)
    assert detector.pixel_um == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (ALL, ((0, 39),)),
        ([(18, 21)], ((18, 21),)),
        ([(3, 3)], ((3, 3),)),
        ([(0, 9), (10, 19), (30, 39)], ((0, 9), (10, 19), (30, 39))),
        (None, None),
    ],
    ids=["fvb", "one band", "one row", "three bands, two touching", "image"],
)
def test_frames_are_bit_identical_to_what_the_chip_gave(rig, rows, expected):
    counts = rig.camera().acquire(0.5, 3, rows)
    given = [exposed.counts for exposed in rig.port.exposed]
    assert counts.dtype == np.uint16
    assert counts.shape == (3, ROWS if rows is None else len(rows), COLUMNS)
    np.testing.assert_array_equal(counts, np.stack(given))
    assert {exposed.bands for exposed in rig.port.exposed} == {expected}
    assert {exposed.shutter_open for exposed in rig.port.exposed} == {True}


def test_accumulations_are_separate_exposures_one_after_the_other(rig):
    rig.camera().acquire(0.5, 3, ALL)
    starts = [exposed.start_s for exposed in rig.port.exposed]
    assert np.diff(starts) == pytest.approx([0.75, 0.75])


def test_without_kinetic_series_each_accumulation_is_a_single_scan(rig):
    rig.able(acq_modes=1)
    counts = rig.camera().acquire(0.5, 3, ALL)
    np.testing.assert_array_equal(counts, np.stack([e.counts for e in rig.port.exposed]))


@pytest.mark.parametrize("rows", [[(10, 14)], [(4, 4)]])
def test_single_track_serves_an_odd_band_without_random_tracks(rig, rows):
    rig.able(read_modes=1 | 4 | 8)
    rig.camera().acquire(0.1, 1, rows)
    assert rig.port.exposed[0].bands == tuple(rows)


@pytest.mark.parametrize("rows", [[(2, 5), (12, 15), (22, 25), (32, 35)], [(17, 20)]])
def test_multi_track_serves_evenly_spaced_bands_without_random_tracks(rig, rows):
    rig.able(read_modes=1 | 8 | 16)
    rig.camera().acquire(0.1, 1, rows)
    assert rig.port.exposed[0].bands == tuple(rows)


def test_multi_track_that_lands_elsewhere_is_refused(rig):
    rig.able(read_modes=1 | 8 | 16)
    with pytest.raises(CommandRefused, match=r"multi-track puts them at .*\n.*Remedy"):
        rig.camera().acquire(0.1, 1, [(2, 5), (9, 12)])
    assert rig.port.exposed == []


def test_bands_that_the_camera_cannot_bin_are_refused(rig):
    rig.able(read_modes=1 | 4 | 8)
    with pytest.raises(CommandRefused, match="cannot read"):
        rig.camera().acquire(0.1, 1, [(10, 13)])


def test_touching_bands_need_a_camera_that_allows_them(rig):
    rig.able(set_functions=0, read_modes=1 | 8 | 32)
    with pytest.raises(CommandRefused, match="leave a row between bands"):
        rig.camera().acquire(0.1, 1, [(0, 9), (10, 19)])


@pytest.mark.parametrize("rows", [[], [(5, 4)], [(-1, 3)], [(30, 40)], [(5, 9), (9, 12)]])
def test_impossible_bands_are_refused_before_the_hardware(rig, rows):
    camera = rig.camera()
    with pytest.raises(LimitError, match="bands of rows"):
        camera.acquire(0.1, 1, rows)


@pytest.mark.parametrize(("exposure_s", "count"), [(0, 1), (float("nan"), 1), (1e9, 1), (1, 0)])
def test_impossible_exposures_are_refused(rig, exposure_s, count):
    with pytest.raises(LimitError):
        rig.camera().acquire(exposure_s, count, ALL)


def test_exposure_that_the_camera_would_lengthen_is_refused(rig):
    with pytest.raises(CommandRefused, match=r"1e-04|0\.0001 s was asked"):
        rig.camera().acquire(1e-4, 1, ALL)
    assert rig.port.exposed == []


def test_readout_time_follows_what_the_sdk_told(rig):
    camera = rig.camera(pixel_rate_hz=64000.0)
    assert camera.readout_s(None) == pytest.approx(0.04)
    assert camera.readout_s(ALL) == pytest.approx(0.001)
    camera.acquire(0.5, 2, None)
    camera.acquire(0.5, 2, ALL)
    assert camera.readout_s(None) == pytest.approx(1.0, rel=1e-5)
    assert camera.readout_s(ALL) == pytest.approx(0.25, rel=1e-5)


def test_cooling_reaches_and_locks_at_the_set_point(rig):
    camera = rig.camera(setpoint_k=198.15)
    assert camera.temperature_setpoint_k == pytest.approx(198.15)
    assert not camera.temperature_locked
    rig.clock.sleep(100)
    assert camera.temperature_k == pytest.approx(293.15 - 50)
    assert not camera.temperature_locked
    rig.clock.sleep(200)
    assert camera.temperature_k == pytest.approx(198.15)
    assert camera.temperature_locked


def test_set_point_is_rounded_to_whole_degrees_and_reads_so(rig):
    camera = rig.camera()
    camera.temperature_setpoint_k = 200.0
    assert camera.temperature_setpoint_k == pytest.approx(200.15)


@pytest.mark.parametrize("setpoint_k", [100.0, 400.0, float("nan")])
def test_set_point_outside_the_camera_s_range_is_refused(rig, setpoint_k):
    with pytest.raises(LimitError, match="temperature"):
        rig.camera().temperature_setpoint_k = setpoint_k


def test_unset_set_point_is_not_invented(rig):
    with pytest.raises(InvalidReading, match="not known"):
        _ = rig.camera().temperature_setpoint_k


def test_warm_camera_without_cooling_is_not_locked(rig):
    camera = rig.camera()
    assert camera.temperature_k == pytest.approx(293.15)
    assert not camera.temperature_locked


@pytest.mark.parametrize(
    ("code", "locked"),
    [(20034, False), (20035, False), (20036, True), (20037, False), (20040, False)],
)
def test_lock_is_the_return_code_of_the_temperature(make_rig, code, locked):
    rig = make_rig("emulator")
    camera = rig.camera()
    rig.fail("get_temperature_f", 1, code)
    assert camera.temperature_locked is locked


def start(rig, camera):
    """Leave an acquisition running, as another program would."""
    assert rig.sdk.set_read_mode(0) == SUCCESS
    assert rig.sdk.set_exposure_time(10.0) == SUCCESS
    assert rig.sdk.set_acquisition_mode(1) == SUCCESS
    assert rig.sdk.start_acquisition() == SUCCESS


def test_temperature_is_unreadable_while_acquiring(rig):
    camera = rig.camera()
    start(rig, camera)
    with pytest.raises(InvalidReading, match="while it exposes"):
        _ = camera.temperature_k


def test_temperature_is_readable_while_acquiring_with_the_capability(rig):
    rig.able(features=0x8 | 0x200)
    camera = rig.camera()
    start(rig, camera)
    assert camera.temperature_k == pytest.approx(293.15)


def test_settings_are_refused_while_acquiring(rig):
    camera = rig.camera()
    start(rig, camera)
    assert rig.sdk.get_status() == (SUCCESS, ACQUIRING)
    with pytest.raises(CommandRefused, match="20072 DRV_ACQUIRING"):
        camera.temperature_setpoint_k = 250.0
    assert rig.sdk.start_acquisition() == ACQUIRING


def test_internal_shutter_opens_for_exposures_and_closes_after_them(rig):
    camera = rig.camera()
    assert rig.shutter() == 2
    camera.acquire(0.5, 1, None)
    assert rig.port.exposed[-1].shutter_open
    assert rig.shutter() == 2


def test_blade_is_open_before_a_binned_exposure_begins(rig):
    camera = rig.camera()
    before_s = rig.clock.monotonic_s()
    camera.acquire(0.5, 1, ALL)
    assert rig.port.exposed[0].start_s - before_s == pytest.approx(0.02)


@pytest.mark.parametrize("rows", [ALL, None])
def test_internal_dark_keeps_the_shutter_closed(rig, rows):
    counts = rig.camera().acquire_dark(5.0, 2, rows)
    assert [exposed.shutter_open for exposed in rig.port.exposed] == [False, False]
    assert counts.mean() == pytest.approx(600, abs=2)


def test_camera_without_shutter_exposes_and_refuses_internal_darks(rig):
    rig.able(features=0x3)
    camera = rig.camera()
    assert camera.acquire(0.5, 1, ALL).shape == (1, 1, COLUMNS)
    with pytest.raises(CommandRefused, match="no internal shutter"):
        camera.acquire_dark(0.5, 1, ALL)
    camera.safe()


def test_safe_aborts_and_closes_the_shutter(rig):
    camera = rig.camera()
    assert rig.sdk.set_shutter(1, 1, 20, 20) == SUCCESS
    start(rig, camera)
    camera.safe()
    assert rig.sdk.get_status() == (SUCCESS, IDLE)
    assert rig.shutter() == 2


def test_safe_raises_if_the_shutter_refuses(rig):
    camera = rig.camera()
    rig.fail("set_shutter", 1, 20013)
    with pytest.raises(NoReply, match="20013 DRV_ERROR_ACK"):
        camera.safe()


def test_abort_of_an_idle_camera_is_accepted(rig):
    camera = rig.camera()
    camera.abort()
    assert camera.acquire(0.5, 1, ALL).shape == (1, 1, COLUMNS)


def test_hang_ends_at_the_deadline_with_the_camera_idle_and_closed(rig):
    camera = rig.camera(margin_s=5.0)
    rig.hang(True)
    before_s = rig.clock.monotonic_s()
    with pytest.raises(NoReply, match="0 of 2 frames came before the deadline"):
        camera.acquire(1.0, 2, ALL)
    assert rig.clock.monotonic_s() - before_s == pytest.approx(2 * 1.25 + 5.0, abs=0.1)
    assert rig.sdk.get_status() == (SUCCESS, IDLE)
    assert rig.shutter() == 2
    rig.hang(False)
    assert camera.acquire(1.0, 1, ALL).shape == (1, 1, COLUMNS)


def test_wait_that_returns_at_once_does_not_spin(make_rig):
    rig = make_rig("emulator")
    camera = rig.camera(margin_s=5.0)
    rig.hang(True)
    for nth in range(1, 2000):
        rig.fail("wait_for_acquisition_time_out", nth, NO_NEW_DATA)
    with pytest.raises(NoReply, match="deadline"):
        camera.acquire(0.01, 1, ALL)
    assert rig.sdk.calls("wait_for_acquisition_time_out") < 600


def test_long_exposures_wait_in_slices_on_the_clock(rig):
    counts = rig.camera().acquire(600.0, 1, ALL)
    assert counts.shape == (1, 1, COLUMNS)
    assert rig.clock.monotonic_s() > 600


def test_shutdown_releases_the_camera(rig):
    rig.camera().shutdown()
    assert rig.sdk.get_status()[0] == NOT_INITIALIZED


def test_missing_camera_is_a_failed_connection(rig):
    with pytest.raises(ConnectionFailed, match="camera 3 was asked and the SDK finds 1"):
        rig.camera(camera_index=3)


@pytest.mark.parametrize(
    ("option", "call"),
    [
        ({"ad_channel": 7}, "GetBitDepth"),
        ({"amplifier": 7}, "SetOutputAmplifier"),
        ({"horizontal_speed": 7}, r"SetHSSpeed\(0, 7\)"),
        ({"preamp_gain": 7}, "SetPreAmpGain"),
    ],
)
def test_impossible_electronics_are_refused_by_name(rig, option, call):
    with pytest.raises(CommandRefused, match=f"ccd: {call}.* returned 2006[67] DRV_P[12]INVALID"):
        rig.camera(**option)


def test_object_that_is_no_sdk_is_a_configuration_error(make_rig):
    rig = make_rig("emulator")
    rig.sdk = object()
    with pytest.raises(ConfigError, match="has not the functions"):
        rig.camera()


def test_protocol_lists_only_functions():
    assert "get_temperature_f" in METHODS
    assert all(callable(getattr(Sdk2, name)) for name in METHODS)
