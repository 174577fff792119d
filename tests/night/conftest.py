import contextlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

# the storm is also a script
sys.path.append(str(Path(__file__).parent))


@pytest.fixture
def storm_table():
    from storm_table import StormTable

    return StormTable(seed=5)


@pytest.fixture
def evening(storm_table, tmp_path):
    """Return a function that opens table, database and queue as one process of the service."""
    from night_storm import station_file

    from labctl.service.queue.database import StationDatabase
    from labctl.service.queue.examination import DryRuns
    from labctl.service.queue.queue import Queue

    file, output = station_file(tmp_path), tmp_path / "data"

    @contextlib.contextmanager
    def evening():
        number = sum(1 for _ in (output / "transcripts").glob("*"))
        folder = output / "transcripts" / str(number)
        with contextlib.ExitStack() as stack:
            session = stack.enter_context(storm_table.process(file, output, folder))
            database = stack.enter_context(StationDatabase(output / "station.sqlite"))
            storm_table.database = database
            queue = Queue(database, storm_table.clock, DryRuns(session))
            yield SimpleNamespace(
                session=session, database=database, queue=queue, table=storm_table,
                clock=storm_table.clock, output=output, transcripts=folder,
            )  # fmt: skip

    return evening


@pytest.fixture
def item():
    from labctl.core.items import QueueItem, new_item_id

    def item(procedure="spectrum", label="", parameters=None, **conditions):
        short = {"exposure_s": 2.0, "accumulations": 3}
        return QueueItem(
            id=new_item_id(), procedure=procedure, label=label, conditions=conditions,
            parameters=short | (parameters or {}),
        )  # fmt: skip

    return item
