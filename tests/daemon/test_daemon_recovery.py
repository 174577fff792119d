import pytest
from daemon_rig import item

from labctl.core.clock import RealClock
from labctl.core.items import ItemState
from labctl.service.daemon import recovery
from labctl.service.daemon.owner import run_of, write_owner
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue
from labctl.store.writer import RunWriter


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def begun(data, owner):
    with_run = RunWriter.create(data, "power_series", clock=RealClock())
    with_run.release()
    if owner:
        write_owner(with_run.path, owner)
    return with_run.run


def cut(data, **changes):
    """Leave an item behind as a service does that is killed while it runs."""
    with StationDatabase(data / "station" / "station.sqlite") as database:
        queue = Queue(database, RealClock())
        queue.add([item(**changes)])
        return queue.claim().id


def found(data):
    with StationDatabase(data / "station" / "station.sqlite") as database:
        recovery.adopt_runs(database, data)
        queue = Queue(database, RealClock())
        (left,) = recovery.recovered(queue)
        return left, queue.held


def test_a_run_that_the_service_did_not_learn_of_is_gone_on_with(data):
    one = cut(data)
    begun(data, "0123456789ab")
    run = begun(data, one)
    begun(data, "")
    left, held = found(data)
    assert (left.runs, left.resumes, left.state) == ((run,), run, ItemState.INTERRUPTED)
    assert held == ""


def test_an_item_without_a_run_begins_anew(data):
    cut(data)
    left, _ = found(data)
    assert (left.runs, left.resumes) == ((), "")


def test_nothing_starts_before_somebody_has_decided_on_an_item_that_asks(data):
    cut(data, on_recovery="ask")
    left, held = found(data)
    assert left.state is ItemState.INTERRUPTED
    assert held == recovery.CUT


def test_the_owner_of_a_run_may_be_unreadable(data):
    one = cut(data)
    begun(data, one)
    (path,) = data.glob("*/*/*/*/item.json")
    for text in ("", "[]", "{", '{"item": 5}'):
        path.write_text(text)
        assert run_of(data, one) == ""


def test_epochs_grow_over_restarts(data):
    seen = []
    for _ in range(3):
        with StationDatabase(data / "station" / "station.sqlite") as database:
            seen += [recovery.next_epoch(database), recovery.next_epoch(database)]
    assert seen == [1, 2, 3, 4, 5, 6]
