"""Connect to a camera head, learn what it can do, and set its electronics.

Source: Andor SDK guide, function reference.
"""

from dataclasses import dataclass

from drivers.andor.readout import Chip
from drivers.andor.sdk2_api import AcquisitionAbility, Feature
from drivers.andor.sdk2_calls import Calls
from drivers.andor.sdk2_codes import NOT_AVAILABLE, NOT_SUPPORTED, SUCCESS
from labctl.core.errors import ConnectionFailed


@dataclass(frozen=True, slots=True)
class Electronics:
    """Choose the readout electronics by the indices of the SDK."""

    ad_channel: int = 0
    amplifier: int = 0
    horizontal_speed: int = 0
    preamp_gain: int = 0
    keep_cold: bool = True


@dataclass(frozen=True, slots=True)
class Head:
    """Hold what does not change while the camera is connected."""

    chip: Chip
    pixel_um: float
    bits: int
    has_kinetics: bool
    has_shutter: bool
    closing_ms: int
    opening_ms: int


def connect(calls: Calls, index: int) -> None:
    """Choose a camera by index and initialise it.

    Raises
    ------
    ConnectionFailed
        If there is none with this index.
    InstrumentError
        If the SDK cannot initialise it.
    """
    sdk = calls.sdk
    (count,) = calls.ask(sdk.get_available_cameras)
    if not 0 <= index < count:
        raise ConnectionFailed(
            f"{calls.name}: camera {index} was asked and the SDK finds {count} of them",
            remedy="check power and cable of the camera, or camera_index in the station file",
        )
    (handle,) = calls.ask(sdk.get_camera_handle, index)
    calls.do(sdk.set_current_camera, handle)
    calls.do(sdk.initialize, "")


def describe(calls: Calls, ad_channel: int) -> Head:
    """Ask an initialised camera what it is."""
    sdk = calls.sdk
    columns, rows = calls.ask(sdk.get_detector)
    (able,) = calls.ask(sdk.get_capabilities)
    (bits,) = calls.ask(sdk.get_bit_depth, ad_channel)
    has_shutter = Feature.SHUTTER in Feature(able["features"])
    closing_ms, opening_ms = calls.ask(sdk.get_shutter_min_times) if has_shutter else (0, 0)
    return Head(
        chip=Chip(rows, columns, able["read_modes"], able["set_functions"]),
        pixel_um=calls.ask(sdk.get_pixel_size)[0],
        bits=bits,
        has_kinetics=AcquisitionAbility.KINETIC in AcquisitionAbility(able["acq_modes"]),
        has_shutter=has_shutter,
        closing_ms=closing_ms,
        opening_ms=opening_ms,
    )


def configure(calls: Calls, electronics: Electronics) -> None:
    """Set what stays for all acquisitions: speeds, gain, internal trigger, no filter."""
    sdk = calls.sdk
    calls.do(sdk.set_ad_channel, electronics.ad_channel)
    calls.do(sdk.set_output_amplifier, electronics.amplifier)
    calls.do(sdk.set_hs_speed, electronics.amplifier, electronics.horizontal_speed)
    index, _ = calls.ask(sdk.get_fastest_recommended_vs_speed)
    calls.do(sdk.set_vs_speed, index)
    calls.do(sdk.set_pre_amp_gain, electronics.preamp_gain)
    calls.do(sdk.set_trigger_mode, 0)
    # raw counts stay as they are: the SDK's cosmic-ray filter would alter them
    _unless_absent(calls, "set_filter_mode", 0)
    _unless_absent(calls, "set_cooler_mode", int(electronics.keep_cold))


def _unless_absent(calls: Calls, method: str, value: int) -> None:
    code = getattr(calls.sdk, method)(value)
    if code not in (SUCCESS, NOT_SUPPORTED, NOT_AVAILABLE):
        raise calls.error(method, (value,), code)
