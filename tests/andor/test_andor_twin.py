"""The physics of the simulated table reaches the driver through the C interface unchanged."""

import numpy as np
import pytest

from drivers.andor.sdk2 import AndorCamera
from drivers.andor.sdk2_api import METHODS
from labctl.core.clock import VirtualClock
from labctl.sim.parameters import TwinParameters
from labctl.sim.twin import build_table
from labctl.sim.wire.andor_sdk2 import AndorSdk2

BAND = [(188, 211)]


def build():
    """Return a table whose probe beam is on the sample, and its clock."""
    table, clock = build_table(TwinParameters(), "A", 7), VirtualClock()
    laser = table.lasers["probe"]
    laser.power_setpoint_w, laser.emission = laser.max_power_w, True
    table.shutters["probe"].command(True, 0.0)
    clock.sleep(10)
    return table, clock


@pytest.mark.parametrize("rows", [BAND, [(0, 399)], None, [(100, 120), (188, 211)]])
def test_twin_gives_the_same_counts_through_the_c_library_and_the_emulator(make_stub, rows):
    table, clock = build()
    through_c = AndorCamera(make_stub(table.camera, clock).sdk, clock=clock)
    table2, clock2 = build()
    emulated = AndorCamera(AndorSdk2(table2.camera, clock2), clock=clock2)
    first = through_c.acquire(2.0, 2, rows)
    second = emulated.acquire(2.0, 2, rows)
    assert first.shape == (2, 400 if rows is None else len(rows), 1340)
    assert first.mean() > through_c.acquire_dark(2.0, 1, rows).mean()
    np.testing.assert_array_equal(first, second)


def test_emulator_exports_what_the_driver_s_protocol_asks_for():
    assert AndorSdk2.exports == METHODS
