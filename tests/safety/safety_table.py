"""Serve a simulated table in a process of its own and stamp all that reaches an instrument.

Run as a program with the speed of its clock. It prints its resources as one line of JSON and
then carries out the lines of its standard input, answering each with one line of JSON. It ends
with its input.
"""

import json
import sys
import threading

from labctl.core.clock import RealClock, ScaledClock
from labctl.sim import build_simulation, serve
from labctl.transport.sdk_remote import SdkServer


class Tap:
    """Stamp what a client writes to one instrument, then pass it on."""

    def __init__(self, name, script, table):
        self._name, self._script, self._table = name, script, table

    @property
    def drops(self):
        return self._script.drops

    def feed(self, data, now_s):
        self._table.note(self._name, data)
        self._script.feed(data, now_s)

    def take(self, now_s):
        return self._script.take(now_s)

    def next_due_s(self):
        return self._script.next_due_s()


class Table:
    """Be a simulation that listens; stamps are monotonic seconds of the machine."""

    def __init__(self, speed):
        self.clock = RealClock() if speed == 1 else ScaledClock(speed)
        self.simulation = build_simulation({}, self.clock)
        self.sdks = self.simulation.sdks
        self._taps = {name: Tap(name, self.simulation.faults(name), self) for name in self.names}
        self._watch = RealClock()
        self._log = []
        self._lock = threading.Lock()

    @property
    def names(self):
        return self.simulation.names

    def faults(self, name):
        return self._taps[name]

    def note(self, name, data):
        with self._lock:
            self._log.append((self._watch.monotonic_s(), name, data.decode("latin-1")))

    # -- what the tests ask for

    def log(self):
        """Return what was written since the last time, as (monotonic s, to, bytes)."""
        with self._lock:
            log, self._log = self._log, []
        return log

    def truth(self):
        """Return where blades and emissions are, by the twin and not by any read-back."""
        now_s, ports = self.clock.monotonic_s(), self.simulation.ports
        return {
            "open": sorted(n for n, one in ports.shutters.items() if one.is_open(now_s)),
            "emits": sorted(n for n, one in ports.lasers.items() if one.emission),
        }

    def stick(self, beam, stuck):
        """Let the blade of a beam stick where it is, or free it."""
        self.simulation.emulators[f"sc10_{beam}"].stuck = stuck

    def free_blade(self, beam):
        """Push a blade shut by hand."""
        self.simulation.ports.shutters[beam].command(False, self.clock.monotonic_s())

    def interlock(self, beam, closed):
        """Open or close the interlock of a laser; returns when."""
        self.simulation.ports.lasers[beam].interlock_closed = closed
        if closed:
            self.simulation.emulators[f"cobolt_{beam}"]._fault = 0
        return self._watch.monotonic_s()

    def fault(self, name, kind, count):
        """Spoil the next replies of an instrument."""
        self.simulation.faults(name).at(1, kind, count=count)

    def heal(self, name):
        """End all faults of an instrument."""
        self.simulation.faults(name).clear()


def main():
    table = Table(float(sys.argv[1]))
    with serve(table, extra=dict.fromkeys(table.sdks, SdkServer)) as servers:
        print(json.dumps(dict(servers.resources)), flush=True)
        for line in sys.stdin:
            name, *values = json.loads(line)
            print(json.dumps(getattr(table, name)(*values)), flush=True)


if __name__ == "__main__":
    main()
