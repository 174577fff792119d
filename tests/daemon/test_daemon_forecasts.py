"""Durations of items that were added while the table was closed."""

import pytest
from daemon_rig import POINTS, POWER_SERIES, check_run, item

from labctl.core.items import ItemState
from labctl.service.daemon.forecasts import MOST_ITEMS


@pytest.fixture
def closed(rig):
    """The rig with a table that is closed, and a queue that is held."""
    rig.await_open()
    rig.daemon.queue.hold("not yet")
    rig.daemon.release()
    rig.await_that(lambda: not rig.daemon.status().interactive)
    yield rig
    rig.daemon.queue.clear(ended=True)
    rig.daemon.attach()


def estimates(rig, ids):
    return [rig.daemon.queue.get(one).estimate_s for one in ids]


def test_what_was_added_to_a_closed_table_is_estimated_when_it_opens(closed):
    wrong = item(parameters=POWER_SERIES | {"powers": [0.5]})
    longer = item(parameters=POWER_SERIES | {"exposure_s": 10.0})
    ids = closed.add(wrong, *(item() for _ in range(MOST_ITEMS + 5)), longer)
    assert estimates(closed, ids) == [None] * len(ids)
    revision = closed.daemon.database.revision
    closed.daemon.attach()
    # one that cannot be estimated keeps none of the others from it
    closed.await_that(lambda: None not in estimates(closed, ids[1:]))
    refused, *equal, long_s = estimates(closed, ids)
    assert refused is None
    assert len(set(equal)) == 1
    assert long_s > equal[0] > 0
    assert closed.daemon.queue.get(ids[1]).points == POINTS
    # many at a time: whoever shows the queue fetches it anew for each
    assert closed.daemon.database.revision - revision < MOST_ITEMS / 2
    assert closed.daemon.status().queue.left_s is None
    closed.daemon.queue.remove([ids[0]])
    assert closed.daemon.status().queue.left_s == pytest.approx(sum(equal) + long_s)


def test_the_table_stays_at_hand_while_items_are_estimated(closed):
    exposures_s = [1.0 + number / 10 for number in range(10)]
    ids = closed.add(*(item(parameters=POWER_SERIES | {"exposure_s": s}) for s in exposures_s))
    closed.daemon.attach()
    assert closed.daemon.read_channel("probe.power")["unit"] == "W"
    closed.await_that(lambda: None not in estimates(closed, ids))
    found = estimates(closed, ids)
    assert found == sorted(found)


def test_a_finished_item_tells_how_many_points_it_led_to(closed):
    (one,) = closed.add(item())
    closed.daemon.start_queue()
    done = closed.await_end(one)
    check_run(closed, done)
    assert closed.daemon.queue.get(one).points == POINTS
    assert done.state is ItemState.FINISHED
