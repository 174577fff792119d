"""Be a worker that has both beams on when something happens to it."""

import ctypes
import os
import signal
from types import SimpleNamespace

from drivers.cobolt.laser import CoboltLaser
from drivers.thorlabs.sc10 import Sc10
from labctl.core.clock import RealClock
from labctl.service.guarded import GuardAddress, SafetyClient
from labctl.service.heartbeat import Heartbeat
from labctl.transport import open_adapter

CLOCK = RealClock()
DEADLINE_S = 0.3


def beams_on(place, wire, end, names=("probe",)):
    """Acquire the lease, switch the laser on, open the shutter, tell, and then end somehow."""
    clock = CLOCK
    client = SafetyClient(place)
    backend = client.acquire(f"victim of {end}")
    station = SimpleNamespace(clock=clock, channels={}, acquirers={})
    with Heartbeat(client, station) as heartbeat:
        heartbeat.begin_step(30.0, 30.0)
        for name in names:
            laser = connect(CoboltLaser, f"{name}_laser", backend, clock, wavelength_nm=532.0)
            laser.power_setpoint_w = 0.02
            laser.emission = True
            connect(Sc10, f"{name}_shutter", backend, clock).is_open = True
        ENDS[end](wire, heartbeat)


def connect(make, name, backend, clock, **options):
    adapter = open_adapter(
        f"guard://{name}",
        make.link,
        proofs=make.proofs,
        name=name,
        clock=clock,
        backends={"guard": backend},
    )
    return make(adapter, name, clock=clock, **options)


def wait_for_the_end(wire, heartbeat):
    wire.send(CLOCK.monotonic_s())
    CLOCK.sleep(60)


def segfault(wire, heartbeat):
    wire.send(CLOCK.monotonic_s())
    ctypes.string_at(0)


def hang_with_the_gil(wire, heartbeat):
    wire.send(CLOCK.monotonic_s())
    ctypes.PyDLL(None).sleep(60)


def hang_without_the_gil(wire, heartbeat):
    start_s = CLOCK.monotonic_s()
    heartbeat.begin_step(DEADLINE_S, 30.0)
    wire.send(start_s + DEADLINE_S)
    ctypes.CDLL(None).sleep(60)


def expose_for_too_long(wire, heartbeat):
    # the next step finds a shutter that has been open for longer than it allows
    start_s = CLOCK.monotonic_s()
    heartbeat.begin_step(30.0, DEADLINE_S)
    wire.send(start_s)
    CLOCK.sleep(60)


def stop(wire, heartbeat):
    wire.send(CLOCK.monotonic_s())
    os.kill(os.getpid(), signal.SIGSTOP)


ENDS = {
    "waiting": wait_for_the_end,
    "segfault": segfault,
    "gil": hang_with_the_gil,
    "hang": hang_without_the_gil,
    "exposed": expose_for_too_long,
    "stop": stop,
}


def work(place, wire, end):
    """Run in a process of its own."""
    beams_on(GuardAddress(*place), wire, end)
