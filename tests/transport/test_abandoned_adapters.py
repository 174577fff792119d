import gc

from labctl.core.clock import VirtualClock
from labctl.core.link import LinkSettings
from labctl.sim import build_simulation
from labctl.transport import open_adapter, opening
from labctl.transport.adapter import release_abandoned


def open_one(backends, clock):
    return open_adapter(
        "sim://sc10_probe", LinkSettings(), name="x", clock=clock, backends=backends
    )


def test_the_garbage_collector_never_waits_for_a_lock_and_the_port_is_given_back():
    clock = VirtualClock()
    simulation = build_simulation({"override": {"ccd.rows": 212, "ccd.columns": 2}}, clock)
    backends = {"sim": simulation.backend}
    gc.collect()  # what other tests dropped is not counted
    release_abandoned()
    before = len(opening._entries)
    adapter = open_one(backends, clock)
    with opening._entries_lock:  # as when a collection starts in the middle of opening a port
        del adapter
        gc.collect()
    assert len(opening._entries) == before + 1
    again = open_one(backends, clock)
    again.close()
    assert len(opening._entries) == before
