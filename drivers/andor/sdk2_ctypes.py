"""Bind the shared library of Andor's SDK2 (libandor.so.2, atmcd64d.dll) with ctypes.

Source: Andor SDK guide, function reference. [unverified against hardware; verified against a
stub library with the same C ABI]
"""

# ruff: noqa: D102  the protocol `Sdk2` documents the functions

import ctypes
import sys
import threading
from collections.abc import Mapping, Sequence
from ctypes import POINTER, byref, c_float, c_int32, c_uint16, c_uint32
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from drivers.andor.sdk2_api import METHODS
from drivers.andor.sdk2_signatures import SIGNATURES, Capabilities
from labctl.core.errors import ConfigError, ConnectionFailed

_MODEL_LENGTH = 260
"""MAX_PATH: the guide asks for a buffer of this length for names."""


def library_path(resource: str) -> str:
    """Return the library that a resource names: `sdk2:///opt/andor/libandor.so.2`.

    `sdk2://` alone means the platform's usual name, found by the system's loader.

    Raises
    ------
    ConfigError
        If the resource is of another scheme or names a host.
    """
    parts = urlsplit(resource)
    if parts.scheme != "sdk2" or parts.netloc:
        raise ConfigError(
            f"{resource!r} is not a camera library",
            remedy="write sdk2:///path/to/libandor.so.2, with three slashes, or sdk2:// alone",
        )
    path = unquote(parts.path)
    if not path:
        return "atmcd64d.dll" if sys.platform == "win32" else "libandor.so.2"
    # sdk2:///C:/Andor/atmcd64d.dll has a slash too many for Windows
    return path[1:] if path[2:3] == ":" else path


class CtypesSdk2:
    """Call a shared library that has the C interface of SDK2; fulfils `Sdk2`.

    Calls are serialised, because the SDK keeps the current camera in a global. The wait and its
    cancellation are not: another thread must be able to end a wait, and the SDK provides for it.

    Parameters
    ----------
    resource
        `sdk2://` or `sdk2:///path/to/library`.

    Raises
    ------
    ConfigError
        If the resource is not of this form.
    ConnectionFailed
        If the library cannot be loaded or lacks a function.
    """

    exports = METHODS

    def __init__(self, resource: str = "sdk2://") -> None:
        path = library_path(resource)
        try:
            self._library = ctypes.CDLL(path)
        except OSError as error:
            raise ConnectionFailed(
                f"{resource}: cannot load {path}: {error}",
                remedy="install the Andor SDK, or correct the path in the station file",
            ) from error
        for name, argument_types in SIGNATURES.items():
            self._declare(path, name, argument_types)
        self._lock = threading.RLock()

    def _declare(self, path: str, name: str, argument_types: tuple[Any, ...]) -> None:
        try:
            function = getattr(self._library, name)
        except AttributeError as error:
            raise ConnectionFailed(
                f"{path} has no function {name}: it is not Andor's SDK2, or an old version",
                remedy="install version 2.100 or later of the Andor SDK",
            ) from error
        function.argtypes = argument_types
        function.restype = c_uint32

    def _call(self, name: str, *args: Any) -> int:
        with self._lock:
            return int(getattr(self._library, name)(*args))

    def _ints(self, name: str, *args: Any, count: int) -> tuple[int, ...]:
        values = [c_int32() for _ in range(count)]
        code = self._call(name, *args, *(byref(value) for value in values))
        return (code, *(value.value for value in values))

    def _floats(self, name: str, count: int) -> tuple[int, tuple[float, ...]]:
        values = [c_float() for _ in range(count)]
        code = self._call(name, *(byref(value) for value in values))
        return code, tuple(value.value for value in values)

    def get_available_cameras(self) -> tuple[int, int]:
        code, count = self._ints("GetAvailableCameras", count=1)
        return code, count

    def get_camera_handle(self, index: int) -> tuple[int, int]:
        code, handle = self._ints("GetCameraHandle", index, count=1)
        return code, handle

    def set_current_camera(self, handle: int) -> int:
        return self._call("SetCurrentCamera", handle)

    def initialize(self, directory: str) -> int:
        return self._call("Initialize", directory.encode())

    def shut_down(self) -> int:
        return self._call("ShutDown")

    def get_capabilities(self) -> tuple[int, Mapping[str, int]]:
        found = Capabilities(size=ctypes.sizeof(Capabilities))
        code = self._call("GetCapabilities", byref(found))
        return code, {field[0]: int(getattr(found, field[0])) for field in found._fields_}

    def get_head_model(self) -> tuple[int, str]:
        buffer = ctypes.create_string_buffer(_MODEL_LENGTH)
        code = self._call("GetHeadModel", buffer)
        return code, buffer.value.decode("latin-1")

    def get_camera_serial_number(self) -> tuple[int, int]:
        code, serial = self._ints("GetCameraSerialNumber", count=1)
        return code, serial

    def get_detector(self) -> tuple[int, int, int]:
        code, columns, rows = self._ints("GetDetector", count=2)
        return code, columns, rows

    def get_pixel_size(self) -> tuple[int, float, float]:
        code, (width_um, height_um) = self._floats("GetPixelSize", 2)
        return code, width_um, height_um

    def get_bit_depth(self, channel: int) -> tuple[int, int]:
        code, bits = self._ints("GetBitDepth", channel, count=1)
        return code, bits

    def get_status(self) -> tuple[int, int]:
        code, status = self._ints("GetStatus", count=1)
        return code, status

    def get_temperature_range(self) -> tuple[int, int, int]:
        code, low_c, high_c = self._ints("GetTemperatureRange", count=2)
        return code, low_c, high_c

    def set_temperature(self, temperature_c: int) -> int:
        return self._call("SetTemperature", temperature_c)

    def cooler_on(self) -> int:
        return self._call("CoolerON")

    def cooler_off(self) -> int:
        return self._call("CoolerOFF")

    def is_cooler_on(self) -> tuple[int, int]:
        code, on = self._ints("IsCoolerOn", count=1)
        return code, on

    def set_cooler_mode(self, mode: int) -> int:
        return self._call("SetCoolerMode", mode)

    def get_temperature_f(self) -> tuple[int, float]:
        code, (temperature_c,) = self._floats("GetTemperatureF", 1)
        return code, temperature_c

    def set_shutter(self, ttl: int, mode: int, closing_ms: int, opening_ms: int) -> int:
        return self._call("SetShutter", ttl, mode, closing_ms, opening_ms)

    def get_shutter_min_times(self) -> tuple[int, int, int]:
        code, closing_ms, opening_ms = self._ints("GetShutterMinTimes", count=2)
        return code, closing_ms, opening_ms

    def set_ad_channel(self, channel: int) -> int:
        return self._call("SetADChannel", channel)

    def set_output_amplifier(self, amplifier: int) -> int:
        return self._call("SetOutputAmplifier", amplifier)

    def set_hs_speed(self, amplifier: int, index: int) -> int:
        return self._call("SetHSSpeed", amplifier, index)

    def get_fastest_recommended_vs_speed(self) -> tuple[int, int, float]:
        index, speed_us = c_int32(), c_float()
        code = self._call("GetFastestRecommendedVSSpeed", byref(index), byref(speed_us))
        return code, index.value, speed_us.value

    def set_vs_speed(self, index: int) -> int:
        return self._call("SetVSSpeed", index)

    def set_pre_amp_gain(self, index: int) -> int:
        return self._call("SetPreAmpGain", index)

    def set_filter_mode(self, mode: int) -> int:
        return self._call("SetFilterMode", mode)

    def set_trigger_mode(self, mode: int) -> int:
        return self._call("SetTriggerMode", mode)

    def set_acquisition_mode(self, mode: int) -> int:
        return self._call("SetAcquisitionMode", mode)

    def set_exposure_time(self, exposure_s: float) -> int:
        return self._call("SetExposureTime", exposure_s)

    def set_number_accumulations(self, count: int) -> int:
        return self._call("SetNumberAccumulations", count)

    def set_number_kinetics(self, count: int) -> int:
        return self._call("SetNumberKinetics", count)

    def set_kinetic_cycle_time(self, cycle_s: float) -> int:
        return self._call("SetKineticCycleTime", cycle_s)

    def get_acquisition_timings(self) -> tuple[int, float, float, float]:
        code, (exposure_s, accumulation_s, kinetic_s) = self._floats("GetAcquisitionTimings", 3)
        return code, exposure_s, accumulation_s, kinetic_s

    def set_read_mode(self, mode: int) -> int:
        return self._call("SetReadMode", mode)

    def set_image(
        self, hbin: int, vbin: int, hstart: int, hend: int, vstart: int, vend: int
    ) -> int:
        return self._call("SetImage", hbin, vbin, hstart, hend, vstart, vend)

    def set_single_track(self, centre: int, height: int) -> int:
        return self._call("SetSingleTrack", centre, height)

    def set_multi_track(self, number: int, height: int, offset: int) -> tuple[int, int, int]:
        code, bottom, gap = self._ints("SetMultiTrack", number, height, offset, count=2)
        return code, bottom, gap

    def set_random_tracks(self, number: int, areas: Sequence[int]) -> int:
        return self._call("SetRandomTracks", number, (c_int32 * len(areas))(*areas))

    def prepare_acquisition(self) -> int:
        return self._call("PrepareAcquisition")

    def start_acquisition(self) -> int:
        return self._call("StartAcquisition")

    def wait_for_acquisition_time_out(self, timeout_ms: int) -> int:
        return int(self._library.WaitForAcquisitionTimeOut(timeout_ms))

    def cancel_wait(self) -> int:
        return int(self._library.CancelWait())

    def abort_acquisition(self) -> int:
        return self._call("AbortAcquisition")

    def get_number_new_images(self) -> tuple[int, int, int]:
        code, first, last = self._ints("GetNumberNewImages", count=2)
        return code, first, last

    def get_images16(self, first: int, last: int, size: int) -> tuple[int, np.ndarray, int, int]:
        counts = np.zeros(size, np.uint16)
        pointer = counts.ctypes.data_as(POINTER(c_uint16))
        code, valid_first, valid_last = self._ints(
            "GetImages16", first, last, pointer, c_uint32(size), count=2
        )
        return code, counts, valid_first, valid_last

    def get_images(self, first: int, last: int, size: int) -> tuple[int, np.ndarray, int, int]:
        counts = np.zeros(size, np.int32)
        pointer = counts.ctypes.data_as(POINTER(c_int32))
        code, valid_first, valid_last = self._ints(
            "GetImages", first, last, pointer, c_uint32(size), count=2
        )
        return code, counts, valid_first, valid_last
