"""What happens to a worker closes the table on the wire.

These run on machines that are shared with anything: the guard has more patience than in the lab,
and times are held to the order of magnitude. `safety_bench.py` holds them to the documented bounds.
"""

import pytest
from safety_scenarios import SCENARIOS, measure

QUICK_S = 1.5


@pytest.mark.parametrize("name", SCENARIOS)
def test_shutter_and_laser_are_closed_on_the_wire_after(rig, name):
    times = measure(rig, name)
    assert max(times.values()) < QUICK_S, times
