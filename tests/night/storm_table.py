"""A simulated table in a storm: things go wrong at drawn times, and the truth is written down."""

import contextlib
import heapq
import itertools
import math
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from storm_truth import BEAMS, Truth, WitnessedCamera

from drivers.cobolt.laser import CoboltLaser
from drivers.thorlabs.sc10 import Sc10
from labctl.core.clock import VirtualClock
from labctl.service import session as session_module
from labctl.service.night import sentinel as sentinel_module
from labctl.service.session import Session
from labctl.sim import build_simulation
from labctl.store.writer import RunWriter


class WorkerKilled(BaseException):
    """The process is gone: nothing it would still do reaches the table or the disk."""


class StormClock(VirtualClock):
    """Carry out what is due on the way, at its own moment, also in the middle of an exposure."""

    def __init__(self) -> None:
        super().__init__()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.dead = False

    def at(self, time_s: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time_s, next(self._order), action))

    def sleep(self, duration_s: float) -> None:
        if self.dead:
            raise WorkerKilled
        end_s = self.monotonic_s() + max(duration_s, 0.0)
        while self._due and self._due[0][0] <= end_s:
            time_s, _, action = heapq.heappop(self._due)
            super().sleep(time_s - self.monotonic_s())
            action()
        super().sleep(end_s - self.monotonic_s())


class Generation:
    """One process: its links and its camera are gone once it has been killed."""

    def __init__(self, table: "StormTable") -> None:
        self.table = table
        self.dead = False

    def open_link(self, resource: str, settings: Any) -> Any:
        self.check()
        return _Mortal(self.table.simulation.backend.open_link(resource, settings), self)

    def open_sdk(self, resource: str) -> Any:
        return _Mortal(self.table.simulation.backend.open_sdk(resource), self)

    def check(self) -> None:
        if self.dead:
            raise WorkerKilled


class _Mortal:
    def __init__(self, target: Any, generation: Generation) -> None:
        self._target = target
        self._generation = generation

    def __getattr__(self, name: str) -> Any:
        # the operating system closes the ports of a dead process
        if name != "close":
            self._generation.check()
        return getattr(self._target, name)


class StormTable:
    """The twin with everything that may happen to it, and a witness of all that does."""

    def __init__(self, seed: int) -> None:
        self.clock = StormClock()
        self.simulation = build_simulation({"truth": "A", "seed": seed}, self.clock)
        self.ports: Any = self.simulation.ports
        self.truth = Truth()
        self.free_bytes = 1 << 40
        self.generation = Generation(self)
        self.database: Any = None
        self._writers: list[RunWriter] = []
        self._drop = dict.fromkeys(BEAMS, 1.0)
        self._pressure_pa: float | None = None
        self._excursion = (0.0, 0.0, 0.0)
        self._witness()

    # ---- What may happen ---------------------------------------------------------------------

    def drop_laser(self, beam: str, part: float) -> None:
        self._drop[beam] = part

    def open_interlock(self, beam: str) -> None:
        self.ports.lasers[beam].interlock_closed = False
        # the real laser latches by itself, the emulated one when it is next spoken to
        self._type(f"cobolt_{beam}", b"ilk?\r")

    def close_interlock(self, beam: str) -> None:
        """Close the circuit, and reset the laser as a person would at its front panel."""
        self.ports.lasers[beam].interlock_closed = True
        self._type(f"cobolt_{beam}", b"cf\r")

    def leak(self, pressure_pa: float | None) -> None:
        self._pressure_pa = pressure_pa

    def excurse(self, by_k: float) -> None:
        """Let more heat flow than regulation can take away; 0 ends it. It comes and goes slowly."""
        now_s = self.clock.monotonic_s()
        self._excursion = (now_s, self._offset_k(now_s), by_k)

    def _offset_k(self, now_s: float) -> float:
        begin_s, from_k, to_k = self._excursion
        return to_k + (from_k - to_k) * math.exp(-max(now_s - begin_s, 0.0) / 120.0)

    def warm_camera(self, to_c: float) -> None:
        self.ports.camera.set_cooler(True, to_c, self.clock.monotonic_s())

    def stick_shutter(self, beam: str, stuck: bool) -> None:
        emulator = self.simulation.emulators[f"sc10_{beam}"]
        emulator.stuck = stuck
        now_s = self.clock.monotonic_s()
        if stuck:
            self.truth.stuck.append([now_s, float("inf")])
        else:
            self.truth.stuck[-1][1] = now_s
            # the blade springs to where the controller wants it
            self.ports.shutters[beam].command(emulator._enabled, now_s)

    def kill(self) -> None:
        """Kill the process; the safety process closes shutters and lasers by its scripts."""
        self.generation.dead = self.clock.dead = True
        self.truth.kills.append(self.clock.monotonic_s())
        self._end_acquire()
        for writer in self._writers:
            writer.release()
        if self.database is not None:
            self.database.close()
        for beam in BEAMS:
            self._close_by_script(f"sc10_{beam}", Sc10.closing)
            self._close_by_script(f"cobolt_{beam}", CoboltLaser.closing)
        raise WorkerKilled

    # ---- Processes ---------------------------------------------------------------------------

    @contextlib.contextmanager
    def process(self, station_file: Path, output: Path, transcripts: Path) -> Iterator[Session]:
        """Open the table in a new process; the clock and the twin go on."""
        self.clock.dead = False
        self.generation = Generation(self)
        shim = SimpleNamespace(
            backend=self.generation, settings=SimpleNamespace(truth="A", seed=1), names=()
        )
        table = self

        class Tracked(RunWriter):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **options)
                table._writers = [*table._writers[-3:], self]

        class StormSession(Session):
            def _continued(self, clock: Any) -> Any:
                return table.clock

        usage = shutil.disk_usage

        def disk_usage(path: Any) -> Any:
            found = usage(path)
            return type(found)(found.total, found.used, self.free_bytes)

        with (
            mock.patch.object(session_module, "simulation_for", return_value=shim),
            mock.patch.object(session_module, "RunWriter", Tracked),
            mock.patch.object(sentinel_module, "RunWriter", Tracked),
            mock.patch.object(shutil, "disk_usage", disk_usage),
        ):
            session = StormSession(station_file, output, transcripts=transcripts)
            self._watch_acquires(session)
            try:
                yield session
            finally:
                if not self.generation.dead:
                    session.close()
                else:
                    for item in session.station._instruments.values():
                        with contextlib.suppress(WorkerKilled):
                            item.close()

    # ---- The witness -------------------------------------------------------------------------

    def _watch_acquires(self, session: Session) -> None:
        (acquirer,) = session.station.acquirers.values()
        acquire = acquirer.acquire

        def watched(request: Any) -> Any:
            self.truth.acquires.append([self.clock.monotonic_s(), float("inf")])
            try:
                return acquire(request)
            finally:
                self._end_acquire()

        acquirer.acquire = watched

    def _end_acquire(self) -> None:
        if self.truth.acquires and self.truth.acquires[-1][1] == float("inf"):
            self.truth.acquires[-1][1] = self.clock.monotonic_s()

    def _witness(self) -> None:
        ports, truth = self.ports, self.truth
        for beam in BEAMS:
            self._witness_beam(beam)
        true_pa = ports.gauge.true_pa
        ports.gauge.true_pa = lambda now_s: true_pa(now_s) if (
            self._pressure_pa is None
        ) else self._pressure_pa  # fmt: skip
        cryostat, sensor_k = ports.cryostat, ports.cryostat.sensor_k
        regulated_k = cryostat.true_k
        cryostat._restart = lambda now_s: setattr(
            cryostat, "_regime", cryostat._next_regime(regulated_k(now_s), now_s)
        )
        cryostat.true_k = lambda now_s: regulated_k(now_s) + self._offset_k(now_s)

        def seen_k(now_s: float) -> float:
            truth.temperatures.append((now_s, ports.cryostat.true_k(now_s)))
            return sensor_k(now_s)

        ports.cryostat.sensor_k = seen_k
        camera = self.simulation.sdks["andor"].camera
        self.simulation.sdks["andor"].camera = WitnessedCamera(camera, self.truth)

    def _witness_beam(self, beam: str) -> None:
        ports, truth = self.ports, self.truth
        clock = self.clock
        laser, head, shutter = ports.lasers[beam], ports.powers[beam], ports.shutters[beam]
        mean_w, head_w, command = laser.mean_power_w, head.power_w, shutter.command
        laser.mean_power_w = lambda now_s: self._drop[beam] * mean_w(now_s)
        path = self.simulation.sdks["andor"].camera._camera._scene._beams[beam]

        def seen_w(now_s: float) -> float:
            truth.powers[beam].append((now_s, path.sample_power_w(now_s)))
            return head_w(now_s)

        class Witnessed(type(laser)):
            @property
            def emission(self) -> bool:
                return bool(self.__dict__["emission"]) and self.interlock_closed

            @emission.setter
            def emission(self, on: bool) -> None:
                self.__dict__["emission"] = on
                truth.emission[beam].append((clock.monotonic_s(), self.emission))

            @property
            def interlock_closed(self) -> bool:
                return bool(self.__dict__["interlock_closed"])

            @interlock_closed.setter
            def interlock_closed(self, closed: bool) -> None:
                self.__dict__["interlock_closed"] = closed
                truth.emission[beam].append((clock.monotonic_s(), self.emission))

        laser.__class__ = Witnessed

        def switched(is_open: bool, now_s: float) -> float:
            truth.blades[beam].append((now_s, is_open))
            return command(is_open, now_s)

        head.power_w, shutter.command = seen_w, switched

    def _type(self, name: str, data: bytes) -> bytes:
        """Talk to an emulator past its line, as at a front panel or from another process."""
        emulator, now_s = self.simulation.emulators[name], self.clock.monotonic_s()
        emulator.feed(data, now_s)
        return emulator.take(now_s + 5.0)

    def _close_by_script(self, name: str, script: Any) -> None:
        reply = b""
        for step in script.steps:
            if not step.only_if or re.fullmatch(step.only_if, reply, re.DOTALL):
                reply = self._type(name, step.send)
