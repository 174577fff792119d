"""The binding loads a library by its resource and has one C function for each of the protocol."""

import ctypes
import ctypes.util
import subprocess
import sys

import numpy as np
import pytest

from drivers.andor.sdk2 import AndorCamera
from drivers.andor.sdk2_api import METHODS, sdk_name
from drivers.andor.sdk2_ctypes import CtypesSdk2, library_path
from drivers.andor.sdk2_signatures import SIGNATURES, Capabilities
from labctl.core.errors import ConfigError, ConnectionFailed


def test_every_function_of_the_protocol_is_declared():
    assert {sdk_name(method) for method in METHODS} == set(SIGNATURES)


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("sdk2:///opt/andor/libandor.so.2", "/opt/andor/libandor.so.2"),
        ("sdk2:///C:/Andor%20SDK/atmcd64d.dll", "C:/Andor SDK/atmcd64d.dll"),
    ],
)
def test_resource_names_the_library(resource, path):
    assert library_path(resource) == path


def test_resource_without_a_path_is_the_usual_library():
    expected = "atmcd64d.dll" if sys.platform == "win32" else "libandor.so.2"
    assert library_path("sdk2://") == expected


@pytest.mark.parametrize("resource", ["sdk2://libandor.so.2", "tcp://127.0.0.1:1", "libandor.so"])
def test_resource_of_another_form_is_refused(resource):
    with pytest.raises(ConfigError, match="three slashes"):
        library_path(resource)


def test_missing_library_says_what_to_install(tmp_path):
    with pytest.raises(ConnectionFailed, match=r"(?s)cannot load.*install the Andor SDK"):
        AndorCamera.open_sdk(f"sdk2://{tmp_path}/libandor.so.2")


@pytest.mark.skipif(not ctypes.util.find_library("m"), reason="no libm to load instead")
def test_library_that_is_not_the_sdk_names_the_missing_function():
    with pytest.raises(ConnectionFailed, match="no function GetAvailableCameras"):
        CtypesSdk2.__init__(CtypesSdk2.__new__(CtypesSdk2), _libm())


def _libm():
    maps = subprocess.run(
        [sys.executable, "-c", "import math; print(open('/proc/self/maps').read())"],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout
    paths = [
        line.split()[-1] for line in maps.splitlines() if "/libm.so" in line or "/libm-" in line
    ]
    if not paths:
        pytest.skip("no libm is mapped")
    return f"sdk2://{paths[0]}"


def test_capabilities_structure_has_twelve_fields_of_32_bits():
    assert ctypes.sizeof(Capabilities) == 48


def test_counts_of_more_than_16_bits_come_as_int32(make_rig):
    rig = make_rig("stub")
    ctypes.CDLL(rig.sdk._library._name).stub_set_bits(18)
    counts = rig.camera(saturation_counts=1e6).acquire(0.5, 2, None)
    assert counts.dtype == np.int32
    np.testing.assert_array_equal(counts, np.stack([e.counts for e in rig.port.exposed]))
    assert rig.camera(saturation_counts=1e6).detector.saturation_counts == 2**18 - 1


def test_arguments_are_32_bit_integers_and_floats(make_rig):
    sdk = make_rig("stub").sdk
    sdk.initialize("")
    with pytest.raises(ctypes.ArgumentError):
        sdk.set_read_mode(1.5)
    assert sdk.set_exposure_time(0.1) == 20002
    assert sdk.get_acquisition_timings()[1] == float(np.float32(0.1))
