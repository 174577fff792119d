"""Give the tests three objects with the functions of SDK2, over one small chip."""

import ctypes
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drivers.andor.sdk2 import AndorCamera
from drivers.andor.sdk2_api import Sdk2, sdk_name
from drivers.andor.sdk2_ctypes import CtypesSdk2
from labctl.core.clock import Clock, VirtualClock
from labctl.sim.ports import CameraPort
from labctl.sim.wire.andor_sdk2 import AndorSdk2
from labctl.transport.sdk_remote import RemoteSdk, SdkServer, open_remote_sdk

ROWS, COLUMNS = 40, 64
IMAGE_READOUT_S, BAND_READOUT_S = 1.0, 0.25
SOURCE = Path(__file__).parent / "stub" / "stub_andor.c"

FILL = ctypes.CFUNCTYPE(
    None,
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_int32),
    ctypes.c_double,
    ctypes.c_double,
    ctypes.c_int32,
    ctypes.POINTER(ctypes.c_uint16),
    ctypes.c_int32,
)
NOW = ctypes.CFUNCTYPE(ctypes.c_double)
SLEEP = ctypes.CFUNCTYPE(None, ctypes.c_double)


class HookClock(VirtualClock):
    """Let another thread do something during an exposure, without any real waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], None]] = []

    def sleep(self, duration_s: float) -> None:
        # shorter sleeps wait for the shutter's blade
        if self.meanwhile and duration_s > 0.1:
            thread = threading.Thread(target=self.meanwhile.pop())
            thread.start()
            thread.join(20)
            assert not thread.is_alive()
        super().sleep(duration_s)


@dataclass
class Exposed:
    exposure_s: float
    bands: tuple[tuple[int, int], ...] | None
    start_s: float
    shutter_open: bool
    counts: np.ndarray


@dataclass
class SmallCamera:
    """A chip that cools by half a degree per second and remembers what it gave away."""

    rows: int = ROWS
    columns: int = COLUMNS
    pixel_um: float = 20.0
    exposed: list[Exposed] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    begin: tuple[float, float] = (20.0, 0.0)
    target_c: float = 20.0

    def set_cooler(self, on: bool, setpoint_c: float, now_s: float) -> None:
        self.begin = (self.temperature_c(now_s), now_s)
        self.target_c = setpoint_c if on else 20.0

    def temperature_c(self, now_s: float) -> float:
        begin_c, begin_s = self.begin
        way_c = self.target_c - begin_c
        moved = min(0.5 * (now_s - begin_s), abs(way_c))
        return begin_c + float(np.sign(way_c)) * moved

    def is_stable(self, now_s: float) -> bool:
        begin_c, begin_s = self.begin
        return now_s >= begin_s + 2 * abs(self.target_c - begin_c) + 10

    def expose(
        self,
        exposure_s: float,
        bands: Sequence[tuple[int, int]] | None,
        start_s: float,
        shutter_open: bool = True,
    ) -> np.ndarray:
        shape = (self.rows if bands is None else len(bands), self.columns)
        level = 600 + (100 * exposure_s if shutter_open else 0)
        counts = self.random.normal(level, 4, shape).astype(np.uint16)
        kept = None if bands is None else tuple(bands)
        self.exposed.append(Exposed(exposure_s, kept, start_s, shutter_open, counts))
        return counts

    def readout_s(self, bands: Sequence[tuple[int, int]] | None) -> float:
        return IMAGE_READOUT_S if bands is None else BAND_READOUT_S


@dataclass
class Rig:
    """One SDK object with the chip behind it and the means to break it."""

    kind: str
    sdk: Sdk2
    clock: HookClock
    port: SmallCamera
    fail: Callable[[str, int, int], None]
    """Return a code at the n-th call of a method from now."""
    hang: Callable[[bool], None]
    able: Callable[..., None]
    shutter: Callable[[], int]

    def camera(self, **options: Any) -> AndorCamera:
        return AndorCamera(self.sdk, "ccd", clock=self.clock, **options)


class Stub:
    """Connect a chip and a clock to the compiled stub library."""

    def __init__(self, path: Path, port: CameraPort, clock: Clock) -> None:
        self.sdk = CtypesSdk2(f"sdk2://{path}")
        self.port, self.clock = port, clock
        self.errors: list[Exception] = []
        self.able = {"acq": 13, "read": 63, "set": 0x4204, "features": 0xB}
        self.library = ctypes.CDLL(str(path))
        self.library.stub_reset.argtypes = (ctypes.c_int32,) * 2 + (ctypes.c_double,) * 2
        whole = ((0, port.rows - 1),)
        self.library.stub_reset(
            port.rows, port.columns, port.readout_s(None), port.readout_s(whole)
        )
        # the library keeps bare pointers: the callbacks must live as long as this object
        self.callbacks = (FILL(self.fill), NOW(clock.monotonic_s), SLEEP(clock.sleep))
        self.library.stub_set_fill(self.callbacks[0])
        self.library.stub_set_clock(*self.callbacks[1:])

    def fill(
        self,
        bands: int,
        areas: Any,
        exposure_s: float,
        start_s: float,
        is_open: int,
        out: Any,
        size: int,
    ) -> None:
        try:
            rows = tuple((areas[2 * i], areas[2 * i + 1]) for i in range(bands)) or None
            counts = self.port.expose(exposure_s, rows, start_s, bool(is_open))
            np.ctypeslib.as_array(out, (size,))[:] = counts.reshape(-1)
        # ctypes only prints what a callback raises
        except Exception as error:
            self.errors.append(error)

    def fail(self, method: str, nth: int, code: int) -> None:
        self.library.stub_fail(sdk_name(method).encode(), nth, code)

    def set_able(self, **bits: int) -> None:
        names = {"acq_modes": "acq", "read_modes": "read", "set_functions": "set"}
        self.able.update({names.get(name, name): value for name, value in bits.items()})
        able = self.able
        self.library.stub_set_capabilities(able["acq"], able["read"], able["set"], able["features"])


@pytest.fixture(scope="session")
def stub_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the stub library once."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler (cc, gcc or clang): the SDK stub cannot be built")
    path = tmp_path_factory.mktemp("andor") / "libandor.so.2"
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared"]
    built = subprocess.run(
        [*command, "-o", str(path), str(SOURCE), "-lpthread"],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert built.returncode == 0, built.stderr
    return path


@pytest.fixture
def make_stub(stub_path: Path, tmp_path: Path) -> Iterator[Callable[[CameraPort, Clock], Stub]]:
    """Load a copy of the library for each test, so that none sees another's state."""
    made: list[Stub] = []

    def make(port: CameraPort, clock: Clock) -> Stub:
        with tempfile.NamedTemporaryFile(dir=tmp_path, suffix=".so", delete=False) as copy:
            copy.write(stub_path.read_bytes())
        made.append(Stub(Path(copy.name), port, clock))
        return made[-1]

    yield make
    assert [error for stub in made for error in stub.errors] == []


def emulator_rig(kind: str, emulator: AndorSdk2, sdk: Any, port: SmallCamera) -> Rig:
    faults = emulator.faults
    return Rig(
        kind,
        sdk,
        emulator.clock,
        port,
        fail=lambda method, nth, code: faults.codes.update(
            {(method, emulator.calls(method) + nth): code}
        ),
        hang=lambda on: setattr(faults, "hang", on),
        able=lambda **bits: emulator.capabilities.update(bits),
        shutter=lambda: emulator.shutter_mode,
    )


@pytest.fixture
def emulator() -> AndorSdk2:
    return AndorSdk2(SmallCamera(), HookClock())


@pytest.fixture
def remote(emulator: AndorSdk2) -> Iterator[RemoteSdk]:
    with SdkServer(emulator) as server:
        sdk = open_remote_sdk(server.resource, timeout_s=10.0)
        yield sdk
        sdk.close()


@pytest.fixture
def make_rig(request: pytest.FixtureRequest) -> Callable[[str], Rig]:
    def make(kind: str) -> Rig:
        if kind == "stub":
            port, clock = SmallCamera(), HookClock()
            stub = request.getfixturevalue("make_stub")(port, clock)
            lib = stub.library
            return Rig(
                kind,
                stub.sdk,
                clock,
                port,
                stub.fail,
                lib.stub_set_hang,
                stub.set_able,
                lib.stub_shutter,
            )
        emulator = request.getfixturevalue("emulator")
        sdk = emulator if kind == "emulator" else request.getfixturevalue("remote")
        return emulator_rig(kind, emulator, sdk, emulator.camera)

    return make


@pytest.fixture(params=["stub", "emulator", "remote"])
def rig(request: pytest.FixtureRequest, make_rig: Callable[[str], Rig]) -> Rig:
    """Each of the three objects in turn."""
    return make_rig(request.param)


@pytest.fixture(params=["stub", "emulator"])
def local_rig(request: pytest.FixtureRequest, make_rig: Callable[[str], Rig]) -> Rig:
    """The two objects of this process, for what the proxy only passes on."""
    return make_rig(request.param)
