"""Bands of rows become exactly the tracks that the camera can read, or an error."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.andor.readout import Chip, apply_readout, check_bands, plan_readout
from drivers.andor.sdk2_api import ReadMode
from drivers.andor.sdk2_calls import Calls
from labctl.core.clock import VirtualClock
from labctl.core.errors import CommandRefused, LimitError
from labctl.sim.wire.andor_sdk2 import AndorSdk2

ROWS = 40


@st.composite
def ascending_bands(draw):
    edges = sorted(draw(st.sets(st.integers(0, ROWS - 1), min_size=2, max_size=12)))
    return [tuple(edges[i : i + 2]) for i in range(0, len(edges) - 1, 2)]


@given(
    bands=ascending_bands(),
    abilities=st.sets(st.sampled_from([1, 4, 8, 16, 32])).map(sum),
    no_gaps=st.booleans(),
)
def test_emulated_camera_reads_exactly_the_bands_or_refuses(bands, abilities, no_gaps):
    # what the driver sends goes to an emulator that was written from the manual on its own
    camera = Rows()
    functions = 0x4000 if no_gaps else 0
    sdk = AndorSdk2(camera, VirtualClock(), {"read_modes": abilities, "set_functions": functions})
    sdk.initialize("")
    chip = Chip(ROWS, 8, abilities, functions)
    try:
        readout = plan_readout(bands, chip, "ccd")
        apply_readout(Calls(sdk, "ccd"), readout, chip)
    except CommandRefused:
        return
    sdk.start_acquisition()
    sdk.wait_for_acquisition_time_out(1000)
    assert camera.bands == [tuple(bands)]


class Rows:
    """A chip that only remembers which rows were read."""

    rows, columns, pixel_um = ROWS, 8, 20.0

    def __init__(self):
        self.bands = []

    def readout_s(self, bands):
        return 0.1

    def expose(self, exposure_s, bands, start_s, shutter_open=True):
        self.bands.append(bands)
        return np.ones((len(bands), self.columns), np.uint16)


@given(st.lists(st.tuples(st.integers(-5, 50), st.integers(-5, 50)), max_size=5))
def test_bands_are_accepted_only_if_they_lie_on_the_chip_in_order(bands):
    flat = [row for band in bands for row in band]
    valid = bool(bands) and all(0 <= row < ROWS for row in flat)
    valid = valid and all(first <= last for first, last in bands)
    valid = valid and all(a[1] < b[0] for a, b in itertools.pairwise(bands))
    if valid:
        assert check_bands(bands, ROWS, "ccd") == tuple(bands)
    else:
        with pytest.raises(LimitError):
            check_bands(bands, ROWS, "ccd")


def test_whole_chip_is_binned_vertically_and_without_rows_is_an_image():
    chip = Chip(ROWS, 8, 63, 0)
    assert plan_readout([(0, 39)], chip, "ccd").mode is ReadMode.FULL_VERTICAL_BINNING
    assert plan_readout(None, chip, "ccd").mode is ReadMode.IMAGE
    assert plan_readout([(18, 21)], chip, "ccd").mode is ReadMode.RANDOM_TRACK


def test_camera_without_images_refuses_them():
    with pytest.raises(CommandRefused, match="whole images"):
        plan_readout(None, Chip(ROWS, 8, 8, 0), "ccd")
