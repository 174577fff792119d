"""Simulate the optical table behind the wire.

`build_simulation(settings, clock)` gives the whole table; `serve` offers it on TCP ports.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labctl.sim.server import RunningServers, serve
    from labctl.sim.simulation import Simulation, build_simulation

__all__ = ["RunningServers", "Simulation", "build_simulation", "serve"]

_HOMES = {
    "RunningServers": "labctl.sim.server",
    "serve": "labctl.sim.server",
    "Simulation": "labctl.sim.simulation",
    "build_simulation": "labctl.sim.simulation",
}


def __getattr__(name: str) -> Any:
    # the twin imports numpy and more: whoever only wants an emulator need not wait for it
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
