"""A station of a few zero-latency channels that writes down, durably, what was done to it."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from labctl.core.channels import Interlock
from labctl.core.clock import Clock, VirtualClock
from labctl.core.errors import InstrumentError
from labctl.core.limits import Limits
from labctl.core.messages import Acquire, Note, Read, Record, Set, Sleep, Wait
from labctl.core.parameters import ParameterModel
from labctl.core.procedure import Procedure
from labctl.core.readings import Reading
from labctl.core.spectra import Detector, Frame, Spectrum

DETECTOR = Detector(1.0, 3.0, 100.0, 65535.0, 20.0)
AXIS = np.linspace(500.0, 600.0, 64)


class Log:
    """Keep lines in memory, and in a file that survives kill -9 of the process."""

    def __init__(self, path: Path | None = None) -> None:
        self.lines: list[str] = []
        self._fd = None if path is None else os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY)

    def add(self, line: str) -> None:
        self.lines.append(line)
        if self._fd is not None:
            os.write(self._fd, f"{line}\n".encode())


@dataclass
class Gauge:
    name: str
    clock: Clock
    unit: str = ""
    script: list = field(default_factory=list)
    last: object = True
    reads: int = 0

    def read(self) -> Reading:
        self.reads += 1
        if self.script:
            self.last = self.script.pop(0)
        if isinstance(self.last, Exception):
            raise self.last
        if self.last is None:
            return Reading.invalid("sensor fault", self.unit, self.clock)
        return Reading.good(self.last, self.unit, self.clock)


@dataclass
class Knob:
    name: str
    unit: str
    limits: Limits | None
    clock: Clock
    log: Log
    choices: tuple[str, ...] | None = None
    value: object = 0.0
    answers: list = field(default_factory=list)

    def read(self) -> Reading:
        return Reading.good(self.value, self.unit, self.clock)

    def check(self, value) -> None:
        if self.limits is not None:
            self.limits.check(value, self.name)

    def set(self, value) -> Reading:
        self.log.add(f"set {self.name} {value!r}")
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, BaseException):
                raise answer
            if answer is None:
                return Reading.invalid("no read-back", self.unit, self.clock)
        self.value = value
        return self.read()

    def duration_s(self, start, value) -> float:
        return 2.0


@dataclass
class Oven(Knob):
    soak_s: float = 10.0

    def wait(self, attend=None) -> Reading:
        self.log.add(f"wait {self.name}")
        self.clock.sleep(self.soak_s)
        return self.read()

    def settling_s(self, start, value) -> float:
        return 10.0


@dataclass
class Camera:
    name: str
    clock: Clock
    log: Log
    table: "TinyTable"
    failures: list = field(default_factory=list)

    def check(self, request: Acquire) -> None:
        Limits(0.0, 100.0, "s").check(request.exposure_s, "spectrometer.exposure")

    def acquire(self, request: Acquire) -> Spectrum | Frame:
        self.log.add("open" if request.beams else "expose dark")
        self.table.shutter_open = bool(request.beams)
        if self.failures:
            failure = self.failures.pop(0)
            if failure is not None:
                raise failure
        self.clock.sleep(request.exposure_s * request.accumulations)
        kind, shape = (Frame, (4, 64)) if request.mode == "image" else (Spectrum, (64,))
        # real noise: a point that was measured again differs
        noise = np.frombuffer(os.urandom(request.accumulations * 64 * 4), np.uint8)
        noise = noise[: request.accumulations * int(np.prod(shape))]
        counts = noise.reshape(request.accumulations, *shape).astype(np.uint16)
        self.table.shutter_open = False
        self.log.add("close")
        return kind(
            counts=counts,
            wavelength_nm=AXIS,
            exposure_s=request.exposure_s,
            beams=request.beams,
            laser_nm=532.0 if request.beams else None,
            detector=DETECTOR,
            utc=self.clock.utc(),
            monotonic_s=self.clock.monotonic_s(),
            settings={"grating": 1},
        )

    def duration_s(self, request: Acquire) -> float:
        return request.exposure_s * request.accumulations


class TinyTable:
    name = "tiny"

    def __init__(self, log_path: Path | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.log = Log(log_path)
        self.shutter_open = False
        self.unsafe: list = []
        self.door = Gauge("door", self.clock)
        self.power = Knob("probe.power", "W", Limits(0.0, 1.0, "W"), self.clock, self.log)
        self.oven = Oven(
            "cryostat.temperature", "K", Limits(4.0, 400.0, "K"), self.clock, self.log, value=298.0
        )
        self.camera = Camera("spectrometer", self.clock, self.log, self)
        self.channels = {channel.name: channel for channel in (self.door, self.power, self.oven)}
        self.acquirers = {"spectrometer": self.camera}
        self.interlocks: list[Interlock] = []

    def safe(self) -> list[str]:
        self.log.add("safe")
        self.shutter_open = False
        if self.unsafe:
            found = self.unsafe.pop(0)
            if isinstance(found, BaseException):
                raise found
            return found
        return []

    def snapshot(self) -> dict[str, Reading]:
        return {name: channel.read() for name, channel in self.channels.items()}

    def describe(self) -> dict:
        return {"file": "name = 'tiny'", "calibrations": []}


class Series(Procedure):
    """Spectra against power, in a fixed order."""

    name = "series"

    class Parameters(ParameterModel):
        points: int = 5
        exposure_s: float = 0.1
        mode: str = "spectrum"

    def plan(self, p):
        yield Set("cryostat.temperature", 300.0)
        yield Wait("cryostat.temperature")
        yield Note("begin", {"points": p.points})
        for index in range(p.points):
            power = yield Set("probe.power", planned_power(index))
            spectrum = yield Acquire("spectrometer", p.exposure_s, 1, ("probe",), p.mode)
            door = yield Read("door")
            yield Sleep(0.002)
            yield Record({"index": index, "power": power, "spectrum": spectrum, "door": door})
        yield Note("end")


class Seeker(Procedure):
    """Choose each power from the spectrum before."""

    name = "seeker"
    Parameters = Series.Parameters

    def plan(self, p):
        power_w = 1e-3
        for index in range(p.points):
            power = yield Set("probe.power", power_w)
            spectrum = yield Acquire("spectrometer", p.exposure_s, 1, ("probe",), "spectrum")
            yield Record({"index": index, "power": power, "spectrum": spectrum})
            power_w = next_power(spectrum)


class Broken(InstrumentError):
    pass


def planned_power(index: int) -> float:
    return (1 + (index * 7) % 60) / 1e6


def next_power(spectrum) -> float:
    return float(spectrum.counts.astype(float).mean()) * 1e-6
