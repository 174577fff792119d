import sys
from pathlib import Path

import pytest

from labctl.core.clock import VirtualClock
from labctl.service.queue import Queue, StationDatabase

sys.path.insert(0, str(Path(__file__).parent))

from queue_items import NIGHT


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
