"""Faults of the camera are errors or can be seen in the data, never silently good counts."""

import pytest

from labctl.core.errors import BadReply, InvalidReading, NoReply

ALL = [(0, 39)]


@pytest.fixture
def rig(make_rig):
    return make_rig("emulator")


@pytest.mark.parametrize("rows", [ALL, None])
def test_frame_of_zeros_is_refused(rig, rows):
    camera = rig.camera()
    rig.sdk.faults.zero_frames = True
    with pytest.raises(InvalidReading, match="frame 1 of 2 is all zeros"):
        camera.acquire(0.5, 2, rows)
    rig.sdk.faults.zero_frames = False
    assert camera.acquire(0.5, 2, rows).all()


def test_frame_that_repeats_the_one_before_is_refused(rig):
    camera = rig.camera()
    rig.sdk.faults.repeat_frames = True
    with pytest.raises(InvalidReading, match="frame 2 of 3 repeats the one before"):
        camera.acquire(0.5, 3, ALL)


def test_frame_that_repeats_the_last_acquisition_is_refused(rig):
    camera = rig.camera()
    camera.acquire(0.5, 1, ALL)
    rig.sdk.faults.repeat_frames = True
    with pytest.raises(InvalidReading, match="frame 1 of 1 repeats"):
        camera.acquire(0.5, 1, ALL)
    rig.sdk.faults.repeat_frames = False
    camera.acquire(0.5, 1, ALL)


def test_saturated_frames_stand_at_the_saturation_of_the_detector(rig):
    camera = rig.camera()
    rig.sdk.faults.saturate = True
    counts = camera.acquire(0.5, 2, ALL)
    assert (counts >= camera.detector.saturation_counts).all()


def test_saturation_never_exceeds_what_the_converter_can_give(make_rig):
    camera = make_rig("emulator").camera(saturation_counts=1e6)
    assert camera.detector.saturation_counts == 65535


def test_frames_of_the_wrong_size_are_refused(rig):
    camera = rig.camera()
    rig.sdk.faults.short_frames = True
    with pytest.raises(BadReply, match=r"64 uint16 pixels in all.*\(63 uint16\) came"):
        camera.acquire(0.5, 1, ALL)


def test_frames_lost_from_the_circular_buffer_are_noticed(rig):
    camera = rig.camera()
    rig.sdk.buffer_bytes = 2 * 64 * 2
    rig.clock.meanwhile.append(lambda: rig.clock.sleep(100))
    with pytest.raises(BadReply, match="frame 1 of 5 was due and frames 4 to 5 are there"):
        camera.acquire(0.5, 5, ALL)


def test_camera_that_goes_on_after_an_abort_is_not_called_safe(rig):
    camera = rig.camera()
    rig.sdk.set_exposure_time(100.0)
    rig.sdk.start_acquisition()
    rig.sdk.faults.stuck_busy = True
    with pytest.raises(NoReply, match="shutter cannot be closed"):
        camera.safe()


def test_long_series_is_fetched_in_pieces_and_complete(rig):
    counts = rig.camera().acquire(0.001, 500, ALL)
    assert counts.shape == (500, 1, 64)
    assert all((a.counts == b).all() for a, b in zip(rig.port.exposed, counts, strict=True))
