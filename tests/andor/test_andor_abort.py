"""Another thread aborts, interrupts or makes itself safe while the camera exposes."""

import pytest

from labctl.core.errors import CommandRefused, InstrumentError

ALL = [(0, 39)]
SUCCESS, IDLE = 20002, 20073


@pytest.mark.parametrize("how", ["abort", "safe"])
def test_exposure_ends_when_another_thread_aborts(rig, how):
    camera = rig.camera()
    rig.clock.meanwhile.append(getattr(camera, how))
    with pytest.raises(InstrumentError, match="the exposure was aborted"):
        camera.acquire(600.0, 1, ALL)
    assert rig.clock.monotonic_s() < 5
    assert rig.sdk.get_status() == (SUCCESS, IDLE)
    assert rig.shutter() == 2
    assert camera.acquire(0.5, 1, ALL).shape == (1, 1, 64)


def test_series_aborted_in_the_middle_gives_no_frames(rig):
    camera = rig.camera()
    rig.clock.meanwhile += [camera.abort, lambda: None, lambda: None]
    with pytest.raises(InstrumentError, match="aborted"):
        camera.acquire(0.2, 10, ALL)
    assert 1 <= len(rig.port.exposed) < 10


def test_abort_ends_a_hang(rig):
    camera = rig.camera()
    rig.hang(True)
    rig.clock.meanwhile.append(camera.abort)
    with pytest.raises(InstrumentError, match="aborted"):
        camera.acquire(1.0, 1, ALL)


def test_second_exposure_at_the_same_time_is_refused(rig):
    camera, refused = rig.camera(), []

    def intrude():
        with pytest.raises(CommandRefused, match="an exposure is in progress") as caught:
            camera.acquire(0.1, 1, ALL)
        refused.append(caught.value)

    rig.clock.meanwhile.append(intrude)
    counts = camera.acquire(2.0, 1, ALL)
    assert len(refused) == 1
    assert (counts == rig.port.exposed[0].counts).all()


def test_abort_by_somebody_else_is_not_taken_for_data(rig):
    camera = rig.camera()
    rig.clock.meanwhile.append(lambda: rig.sdk.abort_acquisition())
    with pytest.raises(InstrumentError, match=r"stopped after 0 of 2 frames; its status is 20073"):
        camera.acquire(2.0, 2, ALL)


def test_cancelled_wait_alone_does_not_end_the_exposure(rig):
    camera = rig.camera()
    rig.clock.meanwhile.append(lambda: rig.sdk.cancel_wait())
    assert camera.acquire(2.0, 1, ALL).shape == (1, 1, 64)


def test_temperature_is_refused_during_an_exposure_and_the_exposure_goes_on(rig):
    camera, refused = rig.camera(), []

    def look():
        with pytest.raises(InstrumentError, match="while it exposes") as caught:
            _ = camera.temperature_k
        refused.append(caught.value)

    rig.clock.meanwhile.append(look)
    assert camera.acquire(2.0, 1, ALL).shape == (1, 1, 64)
    assert len(refused) == 1
