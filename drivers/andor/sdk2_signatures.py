"""Declare the C functions of Andor's SDK2 that labctl calls.

Source: atmcd32d.h. `at_32` has 32 bits on 64-bit Linux too, where `c_long` would have 64; all
functions return an unsigned 32-bit code. [unverified against the real library]
"""

import ctypes
from collections.abc import Mapping
from ctypes import POINTER, c_char_p, c_float, c_int32, c_uint16, c_uint32
from typing import Any

INT = POINTER(c_int32)
FLOAT = POINTER(c_float)


class Capabilities(ctypes.Structure):
    """Mirror AndorCapabilities."""

    _fields_ = tuple(
        (name, c_uint32)
        for name in (
            "size",
            "acq_modes",
            "read_modes",
            "trigger_modes",
            "camera_type",
            "pixel_mode",
            "set_functions",
            "get_functions",
            "features",
            "pci_card",
            "em_gain",
            "ft_read_modes",
        )
    )


SIGNATURES: Mapping[str, tuple[Any, ...]] = {
    "GetAvailableCameras": (INT,),
    "GetCameraHandle": (c_int32, INT),
    "SetCurrentCamera": (c_int32,),
    "Initialize": (c_char_p,),
    "ShutDown": (),
    "GetCapabilities": (POINTER(Capabilities),),
    "GetHeadModel": (c_char_p,),
    "GetCameraSerialNumber": (INT,),
    "GetDetector": (INT, INT),
    "GetPixelSize": (FLOAT, FLOAT),
    "GetBitDepth": (c_int32, INT),
    "GetStatus": (INT,),
    "GetTemperatureRange": (INT, INT),
    "SetTemperature": (c_int32,),
    "CoolerON": (),
    "CoolerOFF": (),
    "IsCoolerOn": (INT,),
    "SetCoolerMode": (c_int32,),
    "GetTemperatureF": (FLOAT,),
    "SetShutter": (c_int32, c_int32, c_int32, c_int32),
    "GetShutterMinTimes": (INT, INT),
    "SetADChannel": (c_int32,),
    "SetOutputAmplifier": (c_int32,),
    "SetHSSpeed": (c_int32, c_int32),
    "GetFastestRecommendedVSSpeed": (INT, FLOAT),
    "SetVSSpeed": (c_int32,),
    "SetPreAmpGain": (c_int32,),
    "SetFilterMode": (c_int32,),
    "SetTriggerMode": (c_int32,),
    "SetAcquisitionMode": (c_int32,),
    "SetExposureTime": (c_float,),
    "SetNumberAccumulations": (c_int32,),
    "SetNumberKinetics": (c_int32,),
    "SetKineticCycleTime": (c_float,),
    "GetAcquisitionTimings": (FLOAT, FLOAT, FLOAT),
    "SetReadMode": (c_int32,),
    "SetImage": (c_int32,) * 6,
    "SetSingleTrack": (c_int32, c_int32),
    "SetMultiTrack": (c_int32, c_int32, c_int32, INT, INT),
    "SetRandomTracks": (c_int32, INT),
    "PrepareAcquisition": (),
    "StartAcquisition": (),
    "WaitForAcquisitionTimeOut": (c_int32,),
    "CancelWait": (),
    "AbortAcquisition": (),
    "GetNumberNewImages": (INT, INT),
    "GetImages16": (c_int32, c_int32, POINTER(c_uint16), c_uint32, INT, INT),
    "GetImages": (c_int32, c_int32, INT, c_uint32, INT, INT),
}
