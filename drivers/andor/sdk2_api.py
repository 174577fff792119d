"""Define the part of Andor's SDK2 that labctl uses: a narrow seam that three objects fulfil.

These are the ctypes binding (`sdk2_ctypes`), the emulator of the simulated table, and the proxy
of either in another process. Methods are the functions of the SDK in snake case; each returns
the SDK's own code first, alone or with the values that the C function writes through pointers.
The values mean nothing unless the code is a success, which the caller has to check.

Source: Andor "Software Development Kit" guide, sections 3, 4, 7, 9 and the function reference;
constants as in atmcd32d.h [unverified against hardware].
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum, IntFlag
from typing import Protocol, runtime_checkable

import numpy as np


class ReadMode(IntEnum):
    """Say how the rows of the chip are combined (SetReadMode)."""

    FULL_VERTICAL_BINNING = 0
    MULTI_TRACK = 1
    RANDOM_TRACK = 2
    SINGLE_TRACK = 3
    IMAGE = 4


class AcquisitionMode(IntEnum):
    """Say how exposures follow each other (SetAcquisitionMode)."""

    SINGLE = 1
    KINETICS = 3


class ShutterMode(IntEnum):
    """Say what the internal shutter does (SetShutter)."""

    AUTO = 0
    OPEN = 1
    CLOSED = 2


class AcquisitionAbility(IntFlag):
    """Name the bits of `acq_modes` in the capabilities."""

    SINGLE = 1
    KINETIC = 8


class ReadAbility(IntFlag):
    """Name the bits of `read_modes` in the capabilities; these are not ReadMode values."""

    FULL_IMAGE = 1
    SINGLE_TRACK = 4
    FULL_VERTICAL_BINNING = 8
    MULTI_TRACK = 16
    RANDOM_TRACK = 32


class SetAbility(IntFlag):
    """Name the bits of `set_functions` in the capabilities."""

    RANDOM_TRACK_NO_GAPS = 0x4000


class Feature(IntFlag):
    """Name the bits of `features` in the capabilities."""

    SHUTTER = 0x8
    TEMPERATURE_DURING_ACQUISITION = 0x200


@runtime_checkable
class Sdk2(Protocol):
    """Give the functions of SDK2 that a spectroscopy camera needs.

    Rows and columns count from 1 here, as in the SDK. Every method may raise an
    `InstrumentError` when the SDK itself cannot be reached; a refusal by the SDK is a code.
    """

    def get_available_cameras(self) -> tuple[int, int]:
        """Return (code, number of cameras)."""
        ...

    def get_camera_handle(self, index: int) -> tuple[int, int]:
        """Return (code, handle) of a camera by index from 0."""
        ...

    def set_current_camera(self, handle: int) -> int:
        """Choose the camera that all other functions speak to."""
        ...

    def initialize(self, directory: str) -> int:
        """Initialise the camera; an empty directory is the library's own."""
        ...

    def shut_down(self) -> int:
        """Release the camera."""
        ...

    def get_capabilities(self) -> tuple[int, Mapping[str, int]]:
        """Return (code, bit fields `acq_modes`, `read_modes`, `set_functions`, `features`…)."""
        ...

    def get_head_model(self) -> tuple[int, str]:
        """Return (code, model)."""
        ...

    def get_camera_serial_number(self) -> tuple[int, int]:
        """Return (code, serial number)."""
        ...

    def get_detector(self) -> tuple[int, int, int]:
        """Return (code, columns, rows)."""
        ...

    def get_pixel_size(self) -> tuple[int, float, float]:
        """Return (code, width in µm, height in µm)."""
        ...

    def get_bit_depth(self, channel: int) -> tuple[int, int]:
        """Return (code, bits) of an AD channel."""
        ...

    def get_status(self) -> tuple[int, int]:
        """Return (code, state): idle, acquiring, or an acquisition error, as DRV codes."""
        ...

    def get_temperature_range(self) -> tuple[int, int, int]:
        """Return (code, lowest, highest) set-point in °C."""
        ...

    def set_temperature(self, temperature_c: int) -> int:
        """Choose the set-point in °C."""
        ...

    def cooler_on(self) -> int:
        """Switch the cooler on."""
        ...

    def cooler_off(self) -> int:
        """Switch the cooler off; the chip warms up at a controlled rate."""
        ...

    def is_cooler_on(self) -> tuple[int, int]:
        """Return (code, 1 or 0)."""
        ...

    def set_cooler_mode(self, mode: int) -> int:
        """Say what the cooler does after `shut_down`: 1 keeps the temperature, 0 warms up."""
        ...

    def get_temperature_f(self) -> tuple[int, float]:
        """Return (state of the cooler as a DRV_TEMPERATURE code, temperature in °C)."""
        ...

    def set_shutter(self, ttl: int, mode: int, closing_ms: int, opening_ms: int) -> int:
        """Set the internal shutter: `ttl` 1 is high to open, `mode` a `ShutterMode`."""
        ...

    def get_shutter_min_times(self) -> tuple[int, int, int]:
        """Return (code, closing, opening) times in ms."""
        ...

    def set_ad_channel(self, channel: int) -> int:
        """Choose the AD channel."""
        ...

    def set_output_amplifier(self, amplifier: int) -> int:
        """Choose the output amplifier."""
        ...

    def set_hs_speed(self, amplifier: int, index: int) -> int:
        """Choose the horizontal shift speed by index."""
        ...

    def get_fastest_recommended_vs_speed(self) -> tuple[int, int, float]:
        """Return (code, index, µs per row) of the vertical shift speed to use."""
        ...

    def set_vs_speed(self, index: int) -> int:
        """Choose the vertical shift speed by index."""
        ...

    def set_pre_amp_gain(self, index: int) -> int:
        """Choose the preamplifier gain by index."""
        ...

    def set_filter_mode(self, mode: int) -> int:
        """Switch the SDK's own cosmic-ray filter: 0 off, 2 on."""
        ...

    def set_trigger_mode(self, mode: int) -> int:
        """Choose the trigger: 0 internal."""
        ...

    def set_acquisition_mode(self, mode: int) -> int:
        """Choose an `AcquisitionMode`."""
        ...

    def set_exposure_time(self, exposure_s: float) -> int:
        """Ask for an exposure in s; the SDK takes the nearest allowed value not below it."""
        ...

    def set_number_accumulations(self, count: int) -> int:
        """Say how many scans the SDK adds up to one frame."""
        ...

    def set_number_kinetics(self, count: int) -> int:
        """Say how many frames a kinetic series has."""
        ...

    def set_kinetic_cycle_time(self, cycle_s: float) -> int:
        """Ask for a time between frames in s; 0 is the shortest possible."""
        ...

    def get_acquisition_timings(self) -> tuple[int, float, float, float]:
        """Return (code, exposure, accumulation cycle, kinetic cycle) in s, as they will be."""
        ...

    def set_read_mode(self, mode: int) -> int:
        """Choose a `ReadMode`."""
        ...

    def set_image(
        self, hbin: int, vbin: int, hstart: int, hend: int, vstart: int, vend: int
    ) -> int:
        """Choose binning and area of an image; inclusive, from 1."""
        ...

    def set_single_track(self, centre: int, height: int) -> int:
        """Choose one track by its centre row and height."""
        ...

    def set_multi_track(self, number: int, height: int, offset: int) -> tuple[int, int, int]:
        """Spread tracks evenly; returns (code, first row of the first track, rows between)."""
        ...

    def set_random_tracks(self, number: int, areas: Sequence[int]) -> int:
        """Choose tracks by (first, last) row, flat, in ascending order."""
        ...

    def prepare_acquisition(self) -> int:
        """Allocate what the next acquisition needs."""
        ...

    def start_acquisition(self) -> int:
        """Start, and return at once."""
        ...

    def wait_for_acquisition_time_out(self, timeout_ms: int) -> int:
        """Sleep until a frame is there; DRV_NO_NEW_DATA after the time, an abort or a cancel."""
        ...

    def cancel_wait(self) -> int:
        """Wake the thread that sleeps in `wait_for_acquisition_time_out`."""
        ...

    def abort_acquisition(self) -> int:
        """Stop; DRV_IDLE if nothing was under way."""
        ...

    def get_number_new_images(self) -> tuple[int, int, int]:
        """Return (code, first, last) frame not yet fetched; DRV_NO_NEW_DATA if there is none."""
        ...

    def get_images16(self, first: int, last: int, size: int) -> tuple[int, np.ndarray, int, int]:
        """Return (code, counts as uint16 of shape (size,), first and last valid frame)."""
        ...

    def get_images(self, first: int, last: int, size: int) -> tuple[int, np.ndarray, int, int]:
        """Return (code, counts as int32 of shape (size,), first and last valid frame)."""
        ...


METHODS = frozenset(name for name in vars(Sdk2) if not name.startswith("_"))
"""Names of all methods of `Sdk2`: what a server of one may let its clients call."""

_ACRONYMS = {"ad": "AD", "hs": "HS", "vs": "VS"}
_IRREGULAR = {"cooler_on": "CoolerON", "cooler_off": "CoolerOFF"}


def sdk_name(method: str) -> str:
    """Return the SDK's own name of a method: `set_hs_speed` is SetHSSpeed."""
    if method in _IRREGULAR:
        return _IRREGULAR[method]
    return "".join(_ACRONYMS.get(word, word[:1].upper() + word[1:]) for word in method.split("_"))
