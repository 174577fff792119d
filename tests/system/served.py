"""Serve the simulated table to other processes, and write down all that reaches an instrument.

Run as a program: `served.py STATION SPEED LOG`. It prints a station file as one line of JSON and
then takes lines from its standard input: each is put into the log as a mark and answered with
what is true on the table at that moment. It ends with its input, so that it cannot outlive
whoever started it.

The log holds one JSON object per line: what was written to which instrument, and the beams
whose shutter blade was open at that moment, by the twin's truth and not by any read-back.
"""

import json
import sys
import threading
from pathlib import Path

from labctl.core.clock import ScaledClock
from labctl.service.simulator import ServedTable, simulation_of
from labctl.sim import serve
from labctl.sim.faults import FaultScript
from labctl.sim.simulation import Simulation
from labctl.transport.sdk_remote import SdkServer


class Log:
    """Append lines of JSON, from any thread."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def add(self, **entry: object) -> None:
        with self._lock:
            self._file.write(json.dumps(entry) + "\n")


class Tap:
    """Log what a client writes to one instrument, then pass it on."""

    def __init__(self, name: str, script: FaultScript, table: "TappedTable") -> None:
        self._name = name
        self._script = script
        self._table = table

    @property
    def drops(self) -> int:
        return self._script.drops

    def feed(self, data: bytes, now_s: float) -> None:
        self._table.note(self._name, data.decode("latin-1"), now_s)
        self._script.feed(data, now_s)

    def take(self, now_s: float) -> bytes:
        return self._script.take(now_s)

    def next_due_s(self) -> float | None:
        return self._script.next_due_s()


class TappedSdk:
    """Log the start of every acquisition of the camera."""

    def __init__(self, name: str, sdk: object, table: "TappedTable") -> None:
        self.exports = sdk.exports
        self._name = name
        self._sdk = sdk
        self._table = table

    def __getattr__(self, name: str) -> object:
        if name in ("start_acquisition", "abort_acquisition"):
            self._table.note(self._name, name, self._table.clock.monotonic_s())
        return getattr(self._sdk, name)


class TappedTable:
    """Be a simulation whose every line is listened to; fulfils `labctl.sim.server.Servable`."""

    def __init__(self, simulation: Simulation, log: Log) -> None:
        self.clock = simulation.clock
        self.sdks = {name: TappedSdk(name, sdk, self) for name, sdk in simulation.sdks.items()}
        self._simulation = simulation
        self._log = log
        self._taps = {name: Tap(name, simulation.faults(name), self) for name in self.names}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._simulation.names)

    def faults(self, name: str) -> Tap:
        return self._taps[name]

    def note(self, name: str, what: str, now_s: float) -> None:
        self._log.add(s=round(now_s, 4), to=name, what=what, open=self.open_shutters(now_s))

    def open_shutters(self, now_s: float) -> list[str]:
        shutters = self._simulation.ports.shutters
        return [beam for beam, shutter in shutters.items() if shutter.is_open(now_s)]

    def state(self) -> dict[str, list[str]]:
        """Return what is true at this moment."""
        now_s, ports = self.clock.monotonic_s(), self._simulation.ports
        return {
            "open": self.open_shutters(now_s),
            "emitting": [name for name, laser in ports.lasers.items() if laser.emission],
            "moving": [name for name, axis in ports.axes.items() if axis.is_moving(now_s)],
        }


class TappedServer(ServedTable):
    """Serve a table as `labctl sim serve` does, with the taps in between."""

    def __init__(self, station_file: Path, speed: float, log: Log) -> None:
        self.clock = ScaledClock(speed)
        self._station_file = station_file
        self.table = TappedTable(simulation_of(station_file, self.clock), log)
        self._servers = serve(
            self.table, "127.0.0.1", extra=dict.fromkeys(self.table.sdks, SdkServer)
        )


def main(station_file: str, speed: str, log_file: str) -> None:
    log = Log(Path(log_file))
    with TappedServer(Path(station_file), float(speed), log) as server:
        print(json.dumps({"station": server.station_text()}), flush=True)
        for line in sys.stdin:
            log.add(mark=line.strip())
            print(json.dumps(server.table.state()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
