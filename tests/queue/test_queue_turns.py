"""Claims: conditions, pauses, retries, recovery, quarantine."""

import sqlite3
import threading
from datetime import timedelta

import pytest
from queue_items import NIGHT, labels, make_item

from labctl.core.errors import StorageError, UsageError
from labctl.core.items import ItemState
from labctl.service.queue import Examined, Queue, StationDatabase
from labctl.service.queue.rows import CLAIMABLE

HOUR = timedelta(hours=1)
FINISHED, FAILED = ItemState.FINISHED, ItemState.FAILED


def claimed(queue) -> str | None:
    item = queue.claim()
    return None if item is None else item.label


def finish(queue, state=FINISHED, **more) -> None:
    (item,) = queue.list((ItemState.RUNNING, ItemState.PAUSED))
    queue.finish(item.id, state, **more)


def test_one_item_runs_at_a_time(queue):
    queue.add([make_item("a"), make_item("b")])
    assert claimed(queue) == "a"
    assert queue.claim() is None
    finish(queue)
    assert claimed(queue) == "b"
    finish(queue)
    assert queue.claim() is None


def test_a_claim_stores_state_attempt_and_start_in_one(queue, clock, database):
    queue.add([make_item("a")])
    clock.sleep(60)
    item = queue.claim()
    assert (item.state, item.attempts) == (ItemState.RUNNING, 1)
    assert item.started_utc == (NIGHT + timedelta(minutes=1)).isoformat()
    assert queue.get(item.id) == item
    with database.reading() as db:
        (row,) = db.execute("SELECT item, attempt, state FROM runs").fetchall()
    assert row == (item.id, 1, "running")


def test_the_same_attempt_is_never_stored_twice(queue, database):
    queue.add([make_item("a")])
    item = queue.claim()
    with pytest.raises(StorageError), database.transaction() as db:
        db.execute(
            "INSERT INTO runs(item, attempt, procedure, state, started_utc) VALUES (?,1,'','','')",
            (item.id,),
        )


def test_not_before_lets_others_pass(queue, clock):
    queue.add([make_item("late", not_before=NIGHT + HOUR), make_item("now")])
    assert claimed(queue) == "now"
    finish(queue)
    assert queue.claim() is None
    assert queue.next_start_utc() == NIGHT + HOUR
    clock.sleep(3600)
    assert queue.next_start_utc() is None
    assert claimed(queue) == "late"


def test_an_item_past_its_deadline_is_skipped_with_the_reason(queue, clock):
    queue.add([make_item("a", deadline=NIGHT + HOUR), make_item("b")])
    clock.sleep(3601)
    assert claimed(queue) == "b"
    (skipped,) = queue.list((ItemState.SKIPPED,))
    assert skipped.label == "a"
    assert "deadline" in skipped.reason


@pytest.mark.parametrize(
    ("only_if", "end", "expected"),
    [
        ("finished", FINISHED, "second"),
        ("finished", FAILED, None),
        ("any", FAILED, "second"),
        ("any", ItemState.ABORTED, "second"),
    ],
)
def test_an_item_waits_for_the_end_of_another(queue, only_if, end, expected):
    first = make_item("first", not_before=NIGHT)
    queue.add([make_item("second", after=first.id, only_if=only_if), first])
    assert claimed(queue) == "first"
    finish(queue, end)
    assert claimed(queue) == expected
    if expected is None:
        assert "ended as failed" in queue.list((ItemState.SKIPPED,))[0].reason


def test_a_chain_behind_a_failure_is_skipped_at_once(queue):
    a = make_item("a")
    b = make_item("b", after=a.id)
    c = make_item("c", after=b.id)
    queue.add([a, b, c, make_item("d")])
    queue.claim()
    finish(queue, FAILED)
    assert claimed(queue) == "d"
    finish(queue)
    assert queue.claim() is None
    assert labels(queue, ItemState.SKIPPED) == ["b", "c"]


def test_nothing_starts_behind_a_pause_and_it_waits_for_what_is_before_it(queue, clock):
    queue.add([make_item("late", not_before=NIGHT + HOUR)])
    queue.insert_pause(label="look")
    queue.add([make_item("behind")])
    assert queue.claim() is None
    clock.sleep(3600)
    assert claimed(queue) == "late"
    finish(queue)
    pause = queue.claim()
    assert (pause.kind, pause.state) == ("pause", ItemState.PAUSED)
    assert queue.claim() is None
    queue.finish(pause.id, FINISHED)
    assert claimed(queue) == "behind"


def test_a_pause_does_not_wait_for_items_that_wait_for_one_behind_it(queue):
    behind = make_item("behind")
    first = make_item("first", after=behind.id)
    second = make_item("second", after=first.id)
    queue.add([first, second, behind])
    queue.insert_pause(2, "look")
    assert claimed(queue) == "look"


def test_a_failed_attempt_is_tried_again_after_its_pause(queue, clock):
    queue.add([make_item("a", retry={"most": 1, "wait_s": 300})])
    queue.claim()
    finish(queue, FAILED, run="0001_a", reason="no reply", retry_in_s=300.0)
    (item,) = queue.list()
    assert (item.state, item.reason, item.runs) == (ItemState.WAITING, "no reply", ("0001_a",))
    assert queue.claim() is None
    clock.sleep(300)
    again = queue.claim()
    assert (again.attempts, again.resumes, again.reason) == (2, "", "")


def test_a_held_queue_starts_nothing_also_after_a_restart(path, clock):
    with StationDatabase(path) as database:
        queue = Queue(database, clock)
        queue.add([make_item("a")])
        queue.hold("laser service")
        assert queue.claim() is None
    with StationDatabase(path) as database:
        queue = Queue(database, clock)
        assert queue.held == "laser service"
        assert queue.claim() is None
        queue.release()
        assert claimed(queue) == "a"


@pytest.mark.parametrize(
    ("policy", "next_label", "held"), [("skip", "b", False), ("stop", None, True)]
)
def test_an_item_is_examined_again_when_it_is_to_start(database, clock, policy, next_label, held):
    limit = ["none"]

    def examine(item, *, thorough=True):
        return Examined(("above the limit",)) if item.label == limit[0] else Examined((), 5.0, 1)

    queue = Queue(database, clock, examine)
    queue.add([make_item("a", on_failure=policy), make_item("b")])
    limit[0] = "a"
    assert claimed(queue) == next_label
    (refused,) = queue.list((FAILED,))
    assert "above the limit" in refused.reason
    assert refused.attempts == 0
    assert bool(queue.held) is held


def test_an_edit_during_the_examination_is_not_lost(database, clock):
    queue = Queue(database, clock)
    _, b = queue.add([make_item("a"), make_item("b")])
    moved = []

    def examine(item, *, thorough=True):
        if not moved:
            moved.append(queue.move([b.id], 0))
        return Examined()

    assert Queue(database, clock, examine).claim().label == "b"


def test_two_threads_never_claim_the_same_item(queue):
    queue.add([make_item(str(number)) for number in range(60)])
    got = []

    def work():
        # a claim gives nothing while another thread's item is running
        while len(got) < 60:
            item = queue.claim()
            if item is not None:
                got.append(item.label)
                queue.finish(item.id, FINISHED)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == len(set(got)) == 60


# ---- Recovery -----------------------------------------------------------------------------------


def crash(path, clock) -> Queue:
    """Open the database as after a crash."""
    return Queue(StationDatabase(path), clock)


@pytest.mark.parametrize(
    ("policy", "state", "next_label"),
    [
        ("resume", ItemState.INTERRUPTED, "a"),
        ("ask", ItemState.INTERRUPTED, "b"),
        ("skip", ItemState.SKIPPED, "b"),
    ],
)
def test_an_interrupted_item_follows_its_policy(path, clock, policy, state, next_label):
    queue = crash(path, clock)
    queue.add([make_item("a", on_recovery=policy), make_item("b")])
    item = queue.claim()
    queue.attach_run(item.id, "0007_spectrum")
    queue.database.close()
    queue = crash(path, clock)
    found = queue.get(item.id)
    assert (found.state, found.crashes) == (state, 1)
    assert queue.recovered == [item.id]
    after = queue.claim()
    assert after.label == next_label
    if policy == "resume":
        assert (after.resumes, after.attempts) == ("0007_spectrum", 2)
    queue.database.close()


def test_an_item_that_was_to_be_asked_about_resumes_when_approved(path, clock):
    queue = crash(path, clock)
    queue.add([make_item("a")])
    item = queue.claim()
    queue.attach_run(item.id, "0007_spectrum")
    queue.database.close()
    queue = crash(path, clock)
    queue.requeue(item.id)
    assert queue.claim().resumes == "0007_spectrum"
    queue.database.close()


def test_approval_may_ask_for_a_new_run(queue):
    queue.add([make_item("a")])
    item = queue.claim()
    queue.finish(item.id, ItemState.INTERRUPTED, "0001_x", "worker died")
    assert queue.requeue(item.id, resume=False).resumes == ""
    assert queue.claim().attempts == 2


def test_an_item_that_goes_on_with_a_run_keeps_its_parameters(queue):
    queue.add([make_item("a")])
    item = queue.claim()
    queue.finish(item.id, ItemState.INTERRUPTED, "0001_x", "worker died")
    queue.requeue(item.id)
    with pytest.raises(UsageError, match="its parameters are fixed"):
        queue.edit(item.id, parameters={"region": "weak"})
    assert queue.edit(item.id, label="b").label == "b"


def test_an_item_that_killed_its_worker_twice_is_quarantined(queue):
    queue.add([make_item("a", on_recovery="resume"), make_item("b")])
    for _ in range(2):
        item = queue.claim()
        assert item.label == "a"
        queue.finish(item.id, ItemState.INTERRUPTED, reason="worker died: signal 11")
    found = queue.get(item.id)
    assert found.state is ItemState.QUARANTINED
    assert "2 times" in found.reason
    assert "signal 11" in found.reason
    assert claimed(queue) == "b"
    finish(queue)
    queue.requeue(item.id)
    assert queue.claim().crashes == 0


def test_a_pause_survives_a_crash_as_a_pause(path, clock):
    queue = crash(path, clock)
    queue.insert_pause(label="look")
    queue.claim()
    queue.database.close()
    queue = crash(path, clock)
    assert queue.claim().label == "look"
    queue.database.close()


def test_only_the_first_queue_of_a_process_recovers(queue, database, clock):
    queue.add([make_item("a")])
    item = queue.claim()
    assert Queue(database, clock).get(item.id).state is ItemState.RUNNING


def test_the_end_of_an_attempt_is_checked(queue):
    (item,) = queue.add([make_item("a")])
    with pytest.raises(UsageError, match="is not running"):
        queue.finish(item.id, FINISHED)
    queue.claim()
    with pytest.raises(UsageError, match="no end"):
        queue.finish(item.id, ItemState.WAITING)
    queue.finish(item.id, FAILED, reason="bad \udcff name")
    assert queue.get(item.id).reason == "bad ? name"
    with pytest.raises(UsageError, match="no run to go on with"):
        queue.requeue(item.id, resume=True)


# ---- Database -----------------------------------------------------------------------------------


def test_the_claim_is_answered_from_an_index(queue, database):
    queue.add([make_item(str(number)) for number in range(50)])
    with database.reading() as db:
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {CLAIMABLE}")]
        active = db.execute(
            "EXPLAIN QUERY PLAN SELECT 1 FROM items WHERE state IN ('running', 'paused')"
        ).fetchall()
    assert plan == ["SCAN items USING INDEX items_claimable"]
    assert "USING COVERING INDEX items_by_state" in active[0][3]


def test_the_database_is_durable_by_its_settings(database):
    with database.reading() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_second_writer_is_refused_and_a_reader_is_not(database, path, clock, queue):
    queue.add([make_item("a")])
    with pytest.raises(StorageError, match="is being written by process"):
        StationDatabase(path)
    with StationDatabase(path, read_only=True) as reader:
        other = Queue(reader, clock)
        assert labels(other) == ["a"]
        with pytest.raises(StorageError, match="opened for reading"):
            other.clear()


def test_a_transaction_is_taken_back_as_a_whole(database, queue):
    revision = database.revision

    def add_and_fail():
        with database.transaction() as db:
            queue.add([make_item("a")])
            db.execute("INSERT INTO settings VALUES ('x', NULL)")

    with pytest.raises(StorageError, match="NOT NULL"):
        add_and_fail()
    assert labels(queue) == []
    assert database.revision == revision
    queue.add([make_item("a")])
    assert database.revision == revision + 1
    assert queue.claim() is not None
    queue.claim()
    assert database.revision == revision + 2


def test_damaged_foreign_and_newer_files_are_refused(path):
    path.parent.mkdir()
    path.write_bytes(b"not a database, but a text that is long enough to be read as one" * 20)
    with pytest.raises(StorageError):
        StationDatabase(path)
    path.unlink()
    with StationDatabase(path), sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StorageError, match="format 99"):
        StationDatabase(path)


def test_a_full_disk_is_told_and_nothing_half_done_remains(database, queue):
    queue.add([make_item("a")])
    with database.reading() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StorageError, match="full"):
        queue.add([make_item("x" * 90) for _ in range(500)])
    assert labels(queue) == ["a"]
    assert claimed(queue) == "a"
