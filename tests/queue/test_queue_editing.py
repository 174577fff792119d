"""Edits of the queue: order, undo, what must not be touched."""

import pytest
from queue_items import NIGHT, labels, make_item

from labctl.core.errors import UsageError
from labctl.core.items import Conditions, ItemState
from labctl.service.queue import Examined, Queue, StationDatabase


def fill(queue, text="abcde"):
    return {item.label: item.id for item in queue.add([make_item(letter) for letter in text])}


def test_items_run_in_the_order_in_which_they_were_added(queue):
    fill(queue, "ab")
    queue.add([make_item("c"), make_item("d")], at=1)
    assert labels(queue) == list("acdb")
    assert [item.added_utc for item in queue.list()] == [NIGHT.isoformat()] * 4


@pytest.mark.parametrize(
    ("moved", "to", "expected"),
    [
        ("e", 0, "eabcd"),
        ("a", 4, "bcdea"),
        ("db", 1, "adbce"),
        ("a", 99, "bcdea"),
        ("c", 2, "abcde"),
    ],
)
def test_a_move_puts_items_in_front_of_another(queue, moved, to, expected):
    ids = fill(queue)
    queue.move([ids[letter] for letter in moved], to)
    assert labels(queue) == list(expected)
    queue.undo()
    assert labels(queue) == list("abcde")


def test_places_count_waiting_items_only(queue):
    ids = fill(queue)
    queue.finish(queue.claim().id, ItemState.FINISHED)
    queue.claim()
    queue.move([ids["e"]], 0)
    assert labels(queue) == list("abecd")


def test_moves_into_the_same_gap_never_run_out_of_room(queue):
    ids = fill(queue, "ab" + "cdefgh")
    for _ in range(12):
        for letter in "cdefgh":
            queue.move([ids[letter]], 1)
    assert labels(queue) == list("ahgfedcb")
    while "undo works through new numbers":
        try:
            queue.undo()
        except UsageError:
            break
    assert labels(queue) == []


def test_every_edit_can_be_undone_after_a_restart(path, clock):
    with StationDatabase(path) as database:
        queue = Queue(database, clock)
        ids = fill(queue, "abc")
        queue.edit(ids["a"], label="A", parameters={"region": "mono"})
        queue.duplicate(ids["b"])
        queue.move([ids["c"]], 0)
        queue.insert_pause(1, "lunch")
        queue.remove([ids["a"]])
        queue.clear()
        assert labels(queue) == []
    with StationDatabase(path) as database:
        queue = Queue(database, clock)
        seen = []
        for _ in range(6):
            queue.undo()
            seen.append(labels(queue))
        assert seen == [
            ["c", "lunch", "b", "b"],
            ["c", "lunch", "A", "b", "b"],
            ["c", "A", "b", "b"],
            ["A", "b", "b", "c"],
            ["A", "b", "c"],
            ["a", "b", "c"],
        ]
        assert queue.get(ids["a"]).parameters == {}
        assert queue.undo().command == "add 3 items"
        with pytest.raises(UsageError, match="nothing to undo"):
            queue.undo()


def test_undo_leaves_what_has_begun_alone(queue):
    ids = fill(queue, "ab")
    queue.claim()
    undone = queue.undo()
    assert undone.kept == (ids["a"],)
    assert "1 left alone" in undone.summary
    assert [(item.label, item.state) for item in queue.list()] == [("a", ItemState.RUNNING)]


def test_undo_of_an_edit_keeps_the_attempts_made_since(queue):
    ids = fill(queue, "a")
    queue.edit(ids["a"], label="A")
    queue.claim()
    queue.finish(ids["a"], ItemState.FAILED, "0001_x", "lamp", retry_in_s=0.0)
    queue.undo()
    item = queue.get(ids["a"])
    assert (item.label, item.attempts, item.runs) == ("a", 1, ("0001_x",))
    assert queue.claim().attempts == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda queue, item: queue.edit(item, label="x"),
        lambda queue, item: queue.move([item], 0),
        lambda queue, item: queue.remove([item]),
        lambda queue, item: queue.requeue(item),
    ],
)
def test_a_running_item_is_not_touched(queue, change):
    ids = fill(queue, "ab")
    queue.claim()
    before = queue.list()
    with pytest.raises(UsageError, match=rf"{ids['a']} .* is running"):
        change(queue, ids["a"])
    queue.change_state(ids["a"], ItemState.PAUSED)
    with pytest.raises(UsageError, match="is paused"):
        change(queue, ids["a"])
    queue.change_state(ids["a"], ItemState.RUNNING)
    assert queue.list() == before


def test_an_item_that_has_ended_is_not_edited_but_can_be_removed(queue):
    ids = fill(queue, "a")
    queue.finish(queue.claim().id, ItemState.FINISHED)
    for change in (lambda: queue.edit(ids["a"], label="x"), lambda: queue.move([ids["a"]], 0)):
        with pytest.raises(UsageError, match="is finished"):
            change()
    queue.clear()
    assert labels(queue) == ["a"]
    queue.clear(ended=True)
    assert labels(queue) == []


def test_unknown_items_and_changes_are_named(queue):
    ids = fill(queue, "a")
    with pytest.raises(UsageError, match="no item 'ffffffffffff'"):
        queue.get("ffffffffffff")
    with pytest.raises(UsageError, match="did you mean 'label'"):
        queue.edit(ids["a"], lable="x")
    with pytest.raises(UsageError, match="did you mean 'deadline'"):
        queue.edit(ids["a"], conditions={"deadlin": None})
    with pytest.raises(UsageError, match="zone is missing"):
        queue.edit(ids["a"], conditions={"deadline": "2026-01-01T00:00:00"})
    with pytest.raises(UsageError, match="first place is 0"):
        queue.move([ids["a"]], -1)
    with pytest.raises(UsageError, match="already"):
        queue.add([queue.get(ids["a"])])


def test_conditions_name_items_that_exist(queue):
    ids = fill(queue, "ab")
    queue.edit(ids["b"], conditions={"after": ids["a"]})
    with pytest.raises(UsageError, match="waits for itself"):
        queue.edit(ids["a"], conditions={"after": ids["b"]})
    with pytest.raises(UsageError, match="not in the queue"):
        queue.add([make_item("c", after="f" * 12)])
    with pytest.raises(UsageError, match="waits for"):
        queue.remove([ids["a"]])
    queue.remove([ids["a"], ids["b"]])
    assert labels(queue) == []


def test_an_invalid_item_is_refused_when_it_is_added_and_nothing_is_added(database, clock):
    def examine(item, *, thorough=True):
        return Examined(("too hot",)) if item.label == "b" else Examined((), 60.0, 3)

    queue = Queue(database, clock, examine)
    with pytest.raises(UsageError, match=r"item 2 \(spectrum \[b\].*too hot"):
        fill(queue, "abc")
    assert labels(queue) == []
    item = queue.add([make_item("a")])[0]
    assert (item.estimate_s, item.points) == (60.0, 3)
    with pytest.raises(UsageError, match="too hot"):
        queue.edit(item.id, label="b")
    assert labels(queue) == ["a"]


def test_many_different_items_are_walked_through_only_in_part(database, clock):
    walked = []

    def examine(item, *, thorough=True):
        walked.append(thorough)
        return Examined()

    Queue(database, clock, examine).add(
        [make_item(parameters={"seed": seed % 250}) for seed in range(500)]
    )
    assert walked.count(True) == 200


def test_duplicates_wait_behind_their_original(queue):
    ids = fill(queue, "ab")
    queue.edit(ids["a"], conditions=Conditions(on_failure="stop"))
    copy = queue.duplicate(ids["a"])
    assert labels(queue) == ["a", "a", "b"]
    assert copy.id != ids["a"]
    assert copy.conditions.on_failure == "stop"
