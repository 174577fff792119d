"""Emulate the functions of Andor's SDK2 that concern the camera head: identity, cooler, speeds.

Source: Andor SDK guide, function reference; constants of atmcd32d.h. [unverified against
hardware]
"""

import functools
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from labctl.core.clock import Clock
from labctl.sim.ports import CameraPort
from labctl.sim.wire.andor_series import Sdk2Faults, Series, Setup

DRV_SUCCESS = 20002
DRV_TEMPERATURE_OFF = 20034
DRV_TEMPERATURE_STABILIZED = 20036
DRV_TEMPERATURE_NOT_REACHED = 20037
DRV_P1INVALID = 20066
DRV_P2INVALID = 20067
DRV_ACQUIRING = 20072
DRV_IDLE = 20073
DRV_NOT_INITIALIZED = 20075
DRV_NOT_SUPPORTED = 20991

_HANDLE = 100
_COLDEST_C, _WARMEST_C = -100, 20
_SHUTTER = 0x8
_TEMPERATURE_DURING_ACQUISITION = 0x200
CAPABILITIES: Mapping[str, int] = {
    "acq_modes": 1 | 4 | 8,
    "read_modes": 1 | 2 | 4 | 8 | 16 | 32,
    "trigger_modes": 1,
    "camera_type": 8,
    "pixel_mode": 4,
    "set_functions": 0x4 | 0x200 | 0x4000,
    "get_functions": 0x1 | 0x4 | 0x8,
    "features": 1 | 2 | _SHUTTER,
}
"""A Newton: all read modes, kinetic series, internal shutter, no temperature while acquiring."""

EXPORTS = {"get_temperature_f", "wait_for_acquisition_time_out"}
"""Names of the SDK's functions; `exported` adds to them."""

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S", bound="AndorHead")


def exported(
    *blanks: Any, idle: bool = False, connected: bool = True
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Make a method a function of the SDK: counted, refusable, one call at a time.

    Parameters
    ----------
    blanks
        What stands in the output arguments when the call fails.
    idle
        Whether the call is refused during an acquisition.
    connected
        Whether the call needs an initialised camera.
    """

    def decorate(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        EXPORTS.add(method.__name__)

        @functools.wraps(method)
        def call(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
            with self.lock:
                code = self.enter(method.__name__, idle=idle, connected=connected)
                if code == DRV_SUCCESS:
                    return method(self, *args, **kwargs)
            refusal: Any = (code, *blanks) if blanks else code
            return refusal  # type: ignore[no-any-return]

        return cast("Callable[Concatenate[S, P], R]", call)

    return decorate


class AndorHead:
    """Answer for the camera head; `AndorSdk2` adds acquisitions.

    Parameters
    ----------
    camera
        The chip on the simulated table.
    clock
        The station's clock.
    capabilities
        Bit fields that differ from `CAPABILITIES`.
    """

    def __init__(
        self, camera: CameraPort, clock: Clock, capabilities: Mapping[str, int] | None = None
    ) -> None:
        self.faults = Sdk2Faults()
        self.lock = threading.RLock()
        self.camera = camera
        self.clock = clock
        self.capabilities = {**CAPABILITIES, **(capabilities or {})}
        self.setup = Setup()
        self.series: Series | None = None
        self._calls: Counter[str] = Counter()
        self._is_initialized = False
        self._is_cooler_on = False
        self._setpoint_c = 20

    @property
    def shutter_mode(self) -> int:
        """Return what the internal shutter was last told: 0 auto, 1 open, 2 closed."""
        return self.setup.shutter_mode

    def enter(self, method: str, *, idle: bool, connected: bool = True) -> int:
        """Count a call; return the code with which it is refused, or DRV_SUCCESS."""
        self._calls[method] += 1
        forced = self.faults.codes.get((method, self._calls[method]))
        if forced is not None:
            return forced
        if connected and not self._is_initialized:
            return DRV_NOT_INITIALIZED
        return DRV_ACQUIRING if idle and self.is_acquiring() else DRV_SUCCESS

    def calls(self, method: str) -> int:
        """Return how often a function was called."""
        return self._calls[method]

    def is_acquiring(self) -> bool:
        """Bring the acquisition up to now and tell whether it goes on."""
        if self.series is None:
            return False
        self.series.advance(self.clock.monotonic_s())
        return self.series.is_running

    @exported(0, connected=False)
    def get_available_cameras(self) -> tuple[int, int]:
        """Tell that there is one camera."""
        return DRV_SUCCESS, 1

    @exported(0, connected=False)
    def get_camera_handle(self, index: int) -> tuple[int, int]:
        """Give the handle of the one camera."""
        return (DRV_SUCCESS, _HANDLE) if index == 0 else (DRV_P1INVALID, 0)

    @exported(connected=False)
    def set_current_camera(self, handle: int) -> int:
        """Accept the one handle."""
        return DRV_SUCCESS if handle == _HANDLE else DRV_P1INVALID

    @exported(connected=False)
    def initialize(self, directory: str) -> int:  # noqa: ARG002
        """Initialise the camera; settings return to their defaults."""
        self._is_initialized = True
        self.setup = Setup()
        self.series = None
        return DRV_SUCCESS

    @exported()
    def shut_down(self) -> int:
        """Release the camera."""
        self.series = None
        self._is_initialized = False
        return DRV_SUCCESS

    @exported({})
    def get_capabilities(self) -> tuple[int, Mapping[str, int]]:
        """Tell the bit fields of the camera."""
        return DRV_SUCCESS, dict(self.capabilities)

    @exported("")
    def get_head_model(self) -> tuple[int, str]:
        """Tell the model: a Newton's form with the size of this chip."""
        return DRV_SUCCESS, f"DU_SIM_{self.camera.columns}x{self.camera.rows}"

    @exported(0)
    def get_camera_serial_number(self) -> tuple[int, int]:
        """Tell the serial number."""
        return DRV_SUCCESS, 1001

    @exported(0, 0)
    def get_detector(self) -> tuple[int, int, int]:
        """Tell the size of the chip, columns first."""
        return DRV_SUCCESS, self.camera.columns, self.camera.rows

    @exported(0.0, 0.0)
    def get_pixel_size(self) -> tuple[int, float, float]:
        """Tell the size of a pixel in µm."""
        return DRV_SUCCESS, self.camera.pixel_um, self.camera.pixel_um

    @exported(0)
    def get_bit_depth(self, channel: int) -> tuple[int, int]:
        """Tell the bits of the one AD channel."""
        return (DRV_SUCCESS, 16) if channel == 0 else (DRV_P1INVALID, 0)

    @exported(0)
    def get_status(self) -> tuple[int, int]:
        """Tell whether the camera is idle or acquiring."""
        return DRV_SUCCESS, DRV_ACQUIRING if self.is_acquiring() else DRV_IDLE

    @exported(0, 0)
    def get_temperature_range(self) -> tuple[int, int, int]:
        """Tell the range of set-points in °C."""
        return DRV_SUCCESS, _COLDEST_C, _WARMEST_C

    @exported(idle=True)
    def set_temperature(self, temperature_c: int) -> int:
        """Take a set-point; it takes effect while the cooler is on."""
        if not _COLDEST_C <= temperature_c <= _WARMEST_C:
            return DRV_P1INVALID
        self._setpoint_c = temperature_c
        return self._cool(self._is_cooler_on)

    @exported(idle=True)
    def cooler_on(self) -> int:
        """Switch the cooler on."""
        return self._cool(is_on=True)

    @exported(idle=True)
    def cooler_off(self) -> int:
        """Switch the cooler off."""
        return self._cool(is_on=False)

    @exported(0)
    def is_cooler_on(self) -> tuple[int, int]:
        """Tell the cooler's switch."""
        return DRV_SUCCESS, int(self._is_cooler_on)

    @exported(idle=True)
    def set_cooler_mode(self, mode: int) -> int:
        """Accept what to do at shut-down; the simulated table keeps its temperature."""
        return DRV_SUCCESS if mode in (0, 1) else DRV_P1INVALID

    def get_temperature_f(self) -> tuple[int, float]:
        """Return the state of the cooler as the code, with the temperature in °C."""
        with self.lock:
            can_always = bool(self.capabilities["features"] & _TEMPERATURE_DURING_ACQUISITION)
            code = self.enter("get_temperature_f", idle=not can_always)
            now_s = self.clock.monotonic_s()
            # a forced cooler state comes with a temperature, as a real one does
            if code != DRV_SUCCESS and not 20034 <= code <= 20040:
                return code, -999.0
            temperature_c = self.camera.temperature_c(now_s)
            if code != DRV_SUCCESS:
                return code, temperature_c
            if not self._is_cooler_on:
                return DRV_TEMPERATURE_OFF, temperature_c
            stable = self.camera.is_stable(now_s)
            state = DRV_TEMPERATURE_STABILIZED if stable else DRV_TEMPERATURE_NOT_REACHED
            return state, temperature_c

    @exported(0, 0)
    def get_shutter_min_times(self) -> tuple[int, int, int]:
        """Tell the shutter's closing and opening times in ms."""
        return DRV_SUCCESS, 20, 20

    @exported(idle=True)
    def set_shutter(self, ttl: int, mode: int, closing_ms: int, opening_ms: int) -> int:
        """Move the internal shutter."""
        if not self.capabilities["features"] & _SHUTTER:
            return DRV_NOT_SUPPORTED
        if ttl not in (0, 1):
            return DRV_P1INVALID
        if mode not in (0, 1, 2):
            return DRV_P2INVALID
        if min(closing_ms, opening_ms) < 0:
            return 20068 if closing_ms < 0 else 20069
        self.setup.shutter_mode = mode
        return DRV_SUCCESS

    @exported(idle=True)
    def set_ad_channel(self, channel: int) -> int:
        """Accept the one AD channel."""
        return DRV_SUCCESS if channel == 0 else DRV_P1INVALID

    @exported(idle=True)
    def set_output_amplifier(self, amplifier: int) -> int:
        """Accept the one output amplifier."""
        return DRV_SUCCESS if amplifier == 0 else DRV_P1INVALID

    @exported(idle=True)
    def set_hs_speed(self, amplifier: int, index: int) -> int:
        """Accept the one horizontal shift speed."""
        if amplifier != 0:
            return DRV_P1INVALID
        return DRV_SUCCESS if index == 0 else DRV_P2INVALID

    @exported(0, 0.0)
    def get_fastest_recommended_vs_speed(self) -> tuple[int, int, float]:
        """Tell index and µs per row of the one vertical shift speed."""
        return DRV_SUCCESS, 0, 12.9

    @exported(idle=True)
    def set_vs_speed(self, index: int) -> int:
        """Accept the one vertical shift speed."""
        return DRV_SUCCESS if index == 0 else DRV_P1INVALID

    @exported(idle=True)
    def set_pre_amp_gain(self, index: int) -> int:
        """Accept the one preamplifier gain."""
        return DRV_SUCCESS if index == 0 else DRV_P1INVALID

    def _cool(self, is_on: bool) -> int:
        self._is_cooler_on = is_on
        self.camera.set_cooler(is_on, float(self._setpoint_c), self.clock.monotonic_s())
        return DRV_SUCCESS
