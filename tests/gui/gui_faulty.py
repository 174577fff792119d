"""Serve a table whose instruments can be told to misbehave while a service runs on it."""

import subprocess
import sys
from pathlib import Path

import labctl
from labctl.core.clock import RealClock, ScaledClock
from labctl.core.errors import LabctlError
from labctl.service.simulator import ServedTable, simulation_of
from labctl.sim import serve
from labctl.transport.sdk_remote import SdkServer

ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0


class FaultyTable(ServedTable):
    """Hold the simulated table in this process; `break_sensor` spoils one of its instruments."""

    def __init__(self, station_file: Path, speed: float) -> None:
        self.clock = ScaledClock(speed)
        self._station_file = station_file
        self._simulation = simulation_of(station_file, self.clock)
        self._servers = serve(
            self._simulation, "127.0.0.1", extra=dict.fromkeys(self._simulation.sdks, SdkServer)
        )

    def break_sensor(self, kelvin: float) -> None:
        """Let the cryostat's sensor show a temperature that is none."""
        port = self._simulation.ports.cryostat
        port.sensor_k = lambda *_: kelvin


class FaultyService:
    """Hold a service on such a table, and a client of it; a context manager."""

    def __init__(self, folder: Path, station: Path, speed: float) -> None:
        self.faulty = FaultyTable(station, speed)
        self.data = folder / "data"
        self._log = folder / "serve.log"
        path = folder / "served.toml"
        path.write_text(self.faulty.station_text(), encoding="utf-8")
        command = [sys.executable, "-m", "labctl.cli.main", "serve"]
        command += ["--station", str(path), "--data", str(self.data)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        self.table = self._connect()

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.table.close()
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)
        self.faulty.close()

    def _connect(self):
        clock = RealClock()
        end_s = clock.monotonic_s() + START_S
        while True:
            try:
                return labctl.connect(self.data)
            except LabctlError:
                assert self._process.poll() is None, self._log.read_text()
                assert clock.monotonic_s() < end_s, self._log.read_text()
                clock.sleep(0.1)
