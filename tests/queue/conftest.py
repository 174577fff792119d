from datetime import UTC, datetime

import pytest

from labctl.core.clock import VirtualClock
from labctl.core.items import Conditions, QueueItem, new_item_id
from labctl.service.queue import Queue, StationDatabase

NIGHT = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)


def make_item(label="", procedure="spectrum", parameters=None, **conditions) -> QueueItem:
    return QueueItem(
        id=new_item_id(),
        procedure=procedure,
        parameters=parameters or {},
        label=label,
        conditions=Conditions.model_validate(conditions),
    )


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NIGHT)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "station" / "station.sqlite"


@pytest.fixture
def database(path):
    with StationDatabase(path) as opened:
        yield opened


@pytest.fixture
def queue(database, clock) -> Queue:
    return Queue(database, clock)


def labels(queue, *states) -> list[str]:
    return [item.label for item in queue.list(states)]
