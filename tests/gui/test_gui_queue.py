"""Check 7: the queue is added to, duplicated, reordered, edited, undone, paused and aborted."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from qtpy import QtCore, QtWidgets

from labctl.core.items import Conditions, ItemState, QueueItem, new_item_id
from labctl.core.status import RunStatus, StationStatus
from labctl.gui.queue.model import ENDS, PROGRESS, STATE, QueueModel, Snapshot
from labctl.gui.queue.timeline import Timeline, show_duration
from labctl.gui.queue.view import QueueView

pytestmark = pytest.mark.timeout(180)
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SERIES = {"powers": [5e-5, 1e-4, 2e-4], "windows": ["raman"], "regions": ["mono"],
          "exposure_s": 2.0, "accumulations": 3, "refocus": False}  # fmt: skip


def item(estimate_s=60.0, state=ItemState.WAITING, **changes):
    fields = {"procedure": "power_series", "parameters": SERIES, "estimate_s": estimate_s}
    return QueueItem(id=new_item_id(), state=state, **(fields | changes))


def status(run=None):
    return StationStatus(station="s", simulated=True, utc=NOW.isoformat(), run=run)


# ---- when things end


def ends(items, run=None):
    timeline = Timeline(items)
    found = [timeline.ending(row, status(run)) for row in range(len(items))]
    return [None if one is None else (one.utc - NOW).total_seconds() for one in found]


def test_each_item_ends_after_those_before_it_and_the_present_run():
    run = RunStatus(name="0001_x", left_s=30.0)
    running = item(state=ItemState.RUNNING)
    assert ends([running, item(60.0), item(40.0)], run) == [None, 90.0, 130.0]


def test_an_earliest_start_delays_what_follows():
    later = item(60.0, conditions=Conditions(not_before=NOW + timedelta(hours=1)))
    assert ends([item(10.0), later, item(40.0)]) == [10.0, 3660.0, 3700.0]


def test_an_end_behind_something_unknown_is_told_as_a_least_one():
    pause = QueueItem(id=new_item_id(), kind="pause")
    timeline = Timeline([item(10.0), pause, item(20.0)])
    first, _, last = (timeline.ending(row, status()) for row in range(3))
    assert not first.is_least
    assert last.is_least
    assert (last.utc - NOW).total_seconds() == 30.0
    assert timeline.is_vague()


def test_durations_read_as_people_say_them():
    shown = [show_duration(value) for value in (0.4, 59.6, 250, 21900, None)]
    assert shown == ["0 s", "1 min 00 s", "4 min 10 s", "6 h 05 min", ""]


# ---- ten thousand items


def test_ten_thousand_items_paint_in_100_ms(themed, qtbot):
    model = QueueModel()
    view = QueueView(model)
    qtbot.addWidget(view)
    view.resize(1300, 700)
    view.show()
    model.show(Snapshot.of([item() for _ in range(10_000)]))
    model.follow(status())
    view.grab()
    taken = []
    for row in (0, 9_999, 5_000, 1_234):
        view.scrollTo(model.index(row, 0))
        # time of this thread: other processes do not count
        begun_s = time.thread_time()
        model.follow(status())
        view.grab()
        taken.append(time.thread_time() - begun_s)
    assert min(taken) < 0.1, taken


def test_rows_keep_their_selection_when_the_order_changes(themed, qtbot):
    model = QueueModel()
    view = QueueView(model)
    qtbot.addWidget(view)
    items = [item() for _ in range(5)]
    model.show(Snapshot.of(items))
    view.select([items[3].id])
    model.show(Snapshot.of([items[3], *items[:3], items[4]]))
    assert [one.id for one in view.selected()] == [items[3].id]


def test_progress_and_time_left_are_those_of_the_run(themed):
    running = item(100.0, ItemState.RUNNING)
    model = QueueModel()
    model.show(Snapshot.of([running]))
    eta = (NOW + timedelta(minutes=2)).isoformat()
    model.follow(status(RunStatus(name="0001_x", item=running.id, point=3, total=5, left_s=25.0,
                                  eta_utc=eta)))  # fmt: skip
    assert model.index(0, PROGRESS).data() == "3/5"
    assert model.index(0, PROGRESS).data(QtCore.Qt.ItemDataRole.UserRole + 1) == 0.75
    assert model.index(0, ENDS).data() == "12:02"


# ---- with the service


@pytest.fixture
def queue(window, qtbot):
    """The panel, on a queue that does not begin by itself."""
    window.show_dock("queue")
    panel = window.dock("queue")
    window.link.table.pause()
    qtbot.waitUntil(lambda: panel.desk.snapshot.revision >= 0, timeout=20_000)
    return panel


def add(table, *labels, **changes):
    return [table.queue.add("power_series", {**SERIES, **changes}, label=one) for one in labels]


def labels(panel):
    return [one.label for one in panel.desk.snapshot.items]


def wait_for(qtbot, panel, *wanted):
    qtbot.waitUntil(lambda: labels(panel) == list(wanted), timeout=20_000)


def press(window, qtbot, action):
    """Do what an action does, once it can be done."""
    qtbot.waitUntil(window.registry.get(action).isEnabled, timeout=20_000)
    window.registry.trigger(action)


def choose(panel, *wanted):
    panel.view.select([one.id for one in panel.desk.snapshot.items if one.label in wanted])


def test_7_items_are_added_duplicated_moved_edited_and_undone(queue, window, qtbot):
    trigger = window.registry.trigger
    add(window.link.table, "a", "b", "c")
    wait_for(qtbot, queue, "a", "b", "c")
    choose(queue, "b")
    trigger("queue.duplicate")
    wait_for(qtbot, queue, "a", "b", "b", "c")
    choose(queue, "c")
    trigger("queue.up")
    trigger("queue.up")
    wait_for(qtbot, queue, "a", "c", "b", "b")
    choose(queue, "a")
    trigger("queue.down")
    wait_for(qtbot, queue, "c", "a", "b", "b")
    trigger("queue.undo")
    wait_for(qtbot, queue, "a", "c", "b", "b")
    choose(queue, "c")
    trigger("queue.edit")
    form = window.dock("form")
    qtbot.waitUntil(lambda: form.item != "", timeout=5_000)
    assert form.add_button.text() == "Save changes"
    form.label.setText("changed")
    form.fields["exposure_s"].show_value("3 s")
    with qtbot.waitSignal(form.added, timeout=20_000):
        form.add()
    wait_for(qtbot, queue, "a", "changed", "b", "b")
    assert queue.desk.snapshot.items[1].parameters["exposure_s"] == 3.0
    trigger("queue.undo")
    wait_for(qtbot, queue, "a", "c", "b", "b")
    choose(queue, "b")
    trigger("queue.remove")
    wait_for(qtbot, queue, "a", "c")
    trigger("queue.undo")
    wait_for(qtbot, queue, "a", "c", "b", "b")
    trigger("queue.clear")
    wait_for(qtbot, queue)
    trigger("queue.undo")
    wait_for(qtbot, queue, "a", "c", "b", "b")


def test_7_items_are_dragged_to_another_place(queue, window, qtbot):
    add(window.link.table, "a", "b", "c", "d")
    wait_for(qtbot, queue, "a", "b", "c", "d")
    rows = [queue.model.index(row, 0) for row in (0, 1)]
    data = queue.model.mimeData(rows)
    move = QtCore.Qt.DropAction.MoveAction
    assert not queue.model.dropMimeData(data, move, 3, 0, QtCore.QModelIndex())
    wait_for(qtbot, queue, "c", "a", "b", "d")


def test_a_pause_is_inserted_in_front_of_the_chosen_item(queue, window, qtbot):
    add(window.link.table, "a", "b")
    wait_for(qtbot, queue, "a", "b")
    choose(queue, "b")
    window.registry.trigger("queue.pause")
    wait_for(qtbot, queue, "a", "look at the sample", "b")
    assert queue.desk.snapshot.items[1].kind == "pause"


def test_the_end_action_stays_behind_what_is_added(queue, window, qtbot):
    add(window.link.table, "a")
    wait_for(qtbot, queue, "a")
    queue.ending.chooser.activated.emit(1)
    wait_for(qtbot, queue, "a", "end of queue")
    form = window.dock("form")
    qtbot.waitUntil(lambda: bool(form.fields), timeout=20_000)
    form.fill("power_series", SERIES, "b", "")
    with qtbot.waitSignal(form.added, timeout=20_000):
        form.add()
    wait_for(qtbot, queue, "a", "b", "end of queue")
    queue.ending.chooser.activated.emit(0)
    wait_for(qtbot, queue, "a", "b")


def test_a_queue_is_saved_and_opened_again(queue, window, qtbot, tmp_path):
    add(window.link.table, "a", "b")
    wait_for(qtbot, queue, "a", "b")
    file = tmp_path / "night.toml"
    queue.store(file)
    qtbot.waitUntil(file.exists, timeout=20_000)
    window.registry.trigger("queue.clear")
    wait_for(qtbot, queue)
    queue.load(file)
    wait_for(qtbot, queue, "a", "b")
    assert all(one.state is ItemState.WAITING for one in queue.desk.snapshot.items)


def test_a_queue_file_that_is_wrong_is_told_with_its_line(queue, window, qtbot, tmp_path):
    file = tmp_path / "night.toml"
    file.write_text('[[item]]\nprocedure = "power_series"\nlabe = "x"\n')
    with qtbot.waitSignal(window.link.notice, timeout=20_000) as caught:
        queue.load(file)
    level, text = caught.args
    assert level == "error"
    assert "night.toml:3" in text
    assert "label" in text


def test_7_the_predicted_end_is_right_within_a_tenth(queue, window, served, qtbot):
    table = window.link.table
    (job,) = add(table, "timed", exposure_s=10.0)
    wait_for(qtbot, queue, "timed")
    before = queue.desk.snapshot.items[0]
    press(window, qtbot, "run.continue")
    qtbot.waitUntil(lambda: _state(queue, job.id) is ItemState.RUNNING, timeout=40_000)
    qtbot.waitUntil(lambda: _run(window) is not None and _run(window).point >= 1, timeout=60_000)
    left_s, moment = _run(window).left_s, datetime.fromisoformat(window.link.status.utc)
    assert queue.model.index(0, STATE).data() == "running"
    assert "/5" in queue.model.index(0, PROGRESS).data()
    qtbot.waitUntil(lambda: _state(queue, job.id) is ItemState.FINISHED, timeout=50_000)
    detail = table.run(table.queue.get(job.id).runs[0]).detail
    took_s = _took_s(detail, "running")
    assert took_s == pytest.approx(before.estimate_s, rel=0.1)
    end = datetime.fromisoformat(detail["states"][-1]["utc"])
    error_s = (moment + timedelta(seconds=left_s) - end).total_seconds()
    # two seconds of this machine, between its processes, are forty of the simulated table
    allowed_s = 0.1 * took_s + 2.0 * served.speed
    assert abs(error_s) < allowed_s, (error_s, left_s, took_s, before.estimate_s)


def test_7_a_run_is_paused_continued_and_aborted(queue, window, qtbot):
    table = window.link.table
    (job,) = add(table, "long", exposure_s=15.0)
    wait_for(qtbot, queue, "long")
    press(window, qtbot, "run.continue")
    qtbot.waitUntil(lambda: _run(window) is not None and _run(window).point >= 1, timeout=60_000)
    assert all(queue.flow.buttons[name].isEnabled() for name in queue.flow._halts)
    press(window, qtbot, "run.pause")
    qtbot.waitUntil(lambda: queue.flow.word.text() == "paused", timeout=60_000)
    press(window, qtbot, "run.continue")
    qtbot.waitUntil(lambda: queue.flow.word.text() == "running", timeout=40_000)
    press(window, qtbot, "run.stop")
    qtbot.waitUntil(lambda: queue.flow.word.text() == "stopping after run", timeout=40_000)
    press(window, qtbot, "run.abort")
    # asked in place: nothing is blocked, and nothing has happened yet
    assert queue.flow.question.isVisibleTo(queue)
    assert _run(window) is not None
    queue.flow.abort_now()
    qtbot.waitUntil(lambda: _state(queue, job.id) is ItemState.ABORTED, timeout=60_000)
    choose(queue, "long")
    press(window, qtbot, "queue.requeue")
    qtbot.waitUntil(lambda: _state(queue, job.id) is ItemState.WAITING, timeout=20_000)


def test_an_item_can_be_estimated_while_a_run_is_on(queue, window, qtbot):
    table = window.link.table
    add(table, "long", exposure_s=15.0)
    press(window, qtbot, "run.continue")
    qtbot.waitUntil(lambda: _run(window) is not None and _run(window).point >= 1, timeout=60_000)
    found = table.estimate("power_series", SERIES)
    assert found["points"] == 5
    (job,) = add(table, "next")
    assert job.item.estimate_s == pytest.approx(found["total_s"])
    assert _run(window) is not None


def _state(panel, one):
    found = [item for item in panel.desk.snapshot.items if item.id == one]
    return found[0].state if found else None


def _run(window):
    return window.link.status.run


def _took_s(detail, first):
    stamps = {one["state"]: datetime.fromisoformat(one["utc"]) for one in detail["states"]}
    return (stamps["finished"] - stamps[first]).total_seconds()


def test_every_button_of_the_queue_says_what_it_does(queue):
    for button in queue.findChildren(QtWidgets.QToolButton):
        if button.defaultAction() is not None:
            assert button.toolTip()
            assert button.accessibleName()
