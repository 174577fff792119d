"""Every return code of every function becomes an error that names it; none is swallowed."""

import pytest

from drivers.andor.sdk2_api import METHODS, sdk_name
from drivers.andor.sdk2_codes import CODES, explain
from labctl.core.errors import InstrumentError, InvalidReading

ALL = [(0, 39)]
ACQUIRE = {
    "set_shutter",
    "set_read_mode",
    "set_acquisition_mode",
    "set_exposure_time",
    "set_number_accumulations",
    "set_number_kinetics",
    "set_kinetic_cycle_time",
    "get_acquisition_timings",
    "prepare_acquisition",
    "start_acquisition",
    "wait_for_acquisition_time_out",
    "get_number_new_images",
    "get_images16",
    "get_status",
}
INITIALISE = {
    "get_available_cameras",
    "get_camera_handle",
    "set_current_camera",
    "initialize",
    "get_capabilities",
    "get_detector",
    "get_pixel_size",
    "get_bit_depth",
    "get_shutter_min_times",
    "set_ad_channel",
    "set_output_amplifier",
    "set_hs_speed",
    "get_fastest_recommended_vs_speed",
    "set_vs_speed",
    "set_pre_amp_gain",
    "set_trigger_mode",
    "set_filter_mode",
    "set_cooler_mode",
}
OTHERS = {
    "set_image": lambda camera: camera.acquire(0.1, 1, None),
    "set_random_tracks": lambda camera: camera.acquire(0.1, 1, [(1, 4)]),
    "get_head_model": lambda camera: camera.identify(),
    "get_camera_serial_number": lambda camera: camera.identify(),
    "get_temperature_range": lambda camera: setattr(camera, "temperature_setpoint_k", 250.0),
    "set_temperature": lambda camera: setattr(camera, "temperature_setpoint_k", 250.0),
    "cooler_on": lambda camera: setattr(camera, "temperature_setpoint_k", 250.0),
    "is_cooler_on": lambda camera: setattr(camera, "temperature_setpoint_k", 250.0),
    "cooler_off": lambda camera: camera.warm_up(),
    "get_temperature_f": lambda camera: camera.temperature_k,
    "abort_acquisition": lambda camera: camera.abort(),
    "shut_down": lambda camera: camera.shutdown(),
}
TRACKS = {"set_single_track": (5, [(4, 8)]), "set_multi_track": (17, [(17, 20)])}
# its code cannot matter: it only wakes a thread that looks for itself what has happened
EXEMPT = {"cancel_wait", "get_images"}
USB_ERROR = 20089


def test_every_function_of_the_protocol_is_covered():
    assert {*ACQUIRE, *INITIALISE, *OTHERS, *TRACKS, *EXEMPT} == METHODS


def check(caught, method):
    assert type(caught.value) is CODES[USB_ERROR].error
    assert f"{sdk_name(method)}(" in str(caught.value)
    assert "20089 DRV_USBERROR" in str(caught.value)
    assert "Remedy" in str(caught.value)


@pytest.mark.parametrize("method", sorted(INITIALISE))
def test_failure_during_initialisation_is_reported(local_rig, method):
    local_rig.fail(method, 1, USB_ERROR)
    with pytest.raises(InstrumentError) as caught:
        local_rig.camera()
    check(caught, method)


@pytest.mark.parametrize("method", sorted(ACQUIRE))
def test_failure_during_an_acquisition_is_reported(local_rig, method):
    camera = local_rig.camera()
    local_rig.fail(method, 1, USB_ERROR)
    with pytest.raises(InstrumentError) as caught:
        camera.acquire(0.5, 3, ALL)
    check(caught, method)


@pytest.mark.parametrize("method", sorted(OTHERS))
def test_failure_elsewhere_is_reported(local_rig, method):
    camera = local_rig.camera()
    local_rig.fail(method, 1, USB_ERROR)
    with pytest.raises(InstrumentError) as caught:
        OTHERS[method](camera)
    check(caught, method)


@pytest.mark.parametrize("method", sorted(TRACKS))
def test_failure_to_set_tracks_is_reported(local_rig, method):
    ability, rows = TRACKS[method]
    local_rig.able(read_modes=ability)
    camera = local_rig.camera()
    local_rig.fail(method, 1, USB_ERROR)
    with pytest.raises(InstrumentError) as caught:
        camera.acquire(0.1, 1, rows)
    check(caught, method)


@pytest.mark.parametrize("code", [*sorted(CODES), 20999])
def test_every_code_through_the_c_interface_has_its_error(make_rig, code):
    rig = make_rig("stub")
    camera = rig.camera()
    rig.fail("start_acquisition", 1, code)
    with pytest.raises(InstrumentError) as caught:
        camera.acquire(0.1, 1, ALL)
    assert type(caught.value) is explain(code).error
    assert f"ccd: StartAcquisition() returned {code} {explain(code).name}" in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("code", sorted(set(CODES) - {20034, 20035, 20036, 20037, 20040}))
def test_temperature_is_never_a_value_with_an_error_code(make_rig, code):
    rig = make_rig("emulator")
    camera = rig.camera()
    rig.fail("get_temperature_f", 1, code)
    with pytest.raises(InstrumentError):
        _ = camera.temperature_k


def test_temperature_that_no_chip_can_have_is_invalid(make_rig):
    rig = make_rig("emulator")
    camera = rig.camera()
    rig.port.begin, rig.port.target_c = (-999.0, 0.0), -999.0
    with pytest.raises(InvalidReading, match="-999"):
        _ = camera.temperature_k


@pytest.mark.parametrize("method", ["set_filter_mode", "set_cooler_mode"])
@pytest.mark.parametrize("code", [20991, 20992])
def test_absent_filter_and_cooler_mode_are_tolerated(local_rig, method, code):
    local_rig.fail(method, 1, code)
    assert local_rig.camera().shape == (40, 64)


@pytest.mark.parametrize(("code", "name"), [(20018, "ACQ_BUFFER"), (20019, "ACQ_DOWNFIFO_FULL")])
def test_lost_data_in_the_wait_is_reported_and_the_camera_is_stopped(rig, code, name):
    camera = rig.camera()
    rig.fail("wait_for_acquisition_time_out", 1, code)
    with pytest.raises(InstrumentError, match=name) as caught:
        camera.acquire(5.0, 1, ALL)
    assert type(caught.value) is CODES[code].error
    assert rig.sdk.get_status() == (20002, 20073)
