"""Connect drivers to the emulators of one small simulated table on the virtual clock."""

import pytest

from labctl.core.clock import VirtualClock
from labctl.sim import build_simulation
from labctl.transport import open_adapter


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def table(clock):
    return build_simulation({"override": {"ccd.rows": 212, "ccd.columns": 2}}, clock)


@pytest.fixture
def connect(table, clock):
    """Return a function that connects a driver to `sim://NAME`."""
    adapters = []

    def connect_to(driver, resource, name):
        adapter = open_adapter(
            f"sim://{resource}",
            driver.link,
            proofs=driver.proofs,
            name=name,
            clock=clock,
            backends={"sim": table.backend},
        )
        adapters.append(adapter)
        return driver(adapter, name, clock=clock)

    yield connect_to
    for adapter in adapters:
        adapter.close()
