"""What the queue and its form say: times with their zone, units, counts, and what is not known."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.items import ItemState, QueueItem, new_item_id
from labctl.core.status import QueueStatus, RunStatus, StationState, StationStatus
from labctl.gui import theme
from labctl.gui.plural import counted
from labctl.gui.queue.conditions import read_moment
from labctl.gui.queue.fields import Field
from labctl.gui.queue.flow import onward
from labctl.gui.queue.model import ENDS, PROGRESS, TAKES, QueueModel, Snapshot
from labctl.gui.queue.parameters import Parameter, unit_in
from labctl.gui.queue.timeline import Ending, Timeline, show_moment
from labctl.gui.queue.toolbar import ActionBar
from labctl.gui.queue.words import conditions_of, time_of, what_of
from labctl.gui.runs.words import when_words

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SERIES = {"powers": [2e-5, 5e-5, 1e-4, 2e-4], "exposure_s": 10.0, "accumulations": 3}


def item(estimate_s=60.0, state=ItemState.WAITING, **changes):
    fields = {"procedure": "power_series", "parameters": SERIES, "estimate_s": estimate_s}
    return QueueItem(id=new_item_id(), state=state, **(fields | changes))


def cells(items, column, run=None):
    model = QueueModel()
    model.show(Snapshot.of(items))
    model.follow(StationStatus(station="s", simulated=True, utc=NOW.isoformat(), run=run))
    return [model.index(row, column).data() for row in range(len(items))]


# ---- what is not known


def test_nothing_is_told_of_the_end_while_no_duration_is_known(themed):
    pause = QueueItem(id=new_item_id(), kind="pause")
    items = [item(None), pause, item(60.0), item(None)]
    assert cells(items, TAKES) == ["?", "", "1 min 00 s", "?"]
    assert cells(items, ENDS) == ["", "", "≥ 12:01", "≥ 12:01"]
    timeline = Timeline(items)
    assert [timeline.is_blind(row) for row in range(4)] == [True, True, False, False]


def test_what_has_ended_tells_how_long_it_took_and_its_points(themed):
    stamps = {"started_utc": NOW.isoformat(),
              "ended_utc": (NOW + timedelta(seconds=90)).isoformat()}  # fmt: skip
    ended = [item(60.0, state, points=5, **stamps)
             for state in (ItemState.FINISHED, ItemState.ABORTED, ItemState.WAITING)]  # fmt: skip
    assert cells(ended, TAKES) == ["1 min 30 s", "1 min 30 s", "1 min 00 s"]
    # a run that was cut short has not the points that were planned
    assert cells(ended, PROGRESS) == ["5 points", "", "5 points"]
    # what is tried again has ended once, and ends again
    assert cells(ended, ENDS) == ["12:01", "12:01", "12:01"]
    assert cells([item(600.0, points=1, **stamps)], ENDS) == ["12:10"]


def test_a_count_has_its_noun():
    assert [counted(count, "run") for count in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


# ---- times and units


@pytest.fixture
def abroad(monkeypatch):
    """A machine that is nine hours ahead."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("abroad")
def test_times_are_in_utc_whatever_the_zone_of_the_machine():
    stamp = NOW.isoformat()
    assert time_of(stamp) == "12:00"
    assert when_words(stamp) == "2026-01-31 12:00"
    assert show_moment(Ending(NOW), NOW) == "12:00 UTC"
    assert show_moment(Ending(NOW, is_least=True), NOW - timedelta(days=1)) == (
        "≥ Sat 31 Jan 12:00 UTC"
    )
    assert read_moment("22:00", NOW) == NOW + timedelta(hours=10)
    assert read_moment("2026-02-01 07:00", NOW) == NOW + timedelta(hours=19)
    later = item(conditions={"not_before": "2026-01-31T22:00:00+09:00"})
    assert conditions_of(later) == "not before 31 Jan 13:00 UTC"


def test_units_are_told_before_the_procedures_are_known():
    shown = "powers 20 µW … 200 µW (4), exposure 10 s, accumulations 3"
    assert what_of(item(), {}) == f"power_series  {shown}"
    names = ("pl_exposure_s", "line_cm1", "end_temperature", "step_um", "s", "order", "seeds")
    assert [unit_in(name) for name in names] == ["s", "cm⁻¹", "K", "µm", "", "", ""]


# ---- what can be done


def status(state, run=None, **queue):
    return StationStatus(station="s", simulated=True, state=state, run=run,
                         queue=QueueStatus(**queue))  # fmt: skip


def held(reason):
    return {"active": False, "paused": True, "reason": reason, "next_item": "x"}


@pytest.mark.parametrize(
    ("shown", "order"),
    [
        (status(StationState.IDLE, active=True), ""),
        (status(StationState.RUNNING, RunStatus(name="0001_x"), active=True), ""),
        (status(StationState.PAUSED, RunStatus(name="0001_x"), active=True), "run.continue"),
        (status(StationState.PAUSED, **held("paused by the operator")), "run.continue"),
        (status(StationState.PAUSED, active=True), "run.continue"),
        (status(StationState.PAUSED, **held("stopped after the run")), "run.start"),
        (status(StationState.PAUSED, **held("laser off by operator")), "run.start"),
        (status(StationState.RUNNING, RunStatus(name="0001_x"), **held("stopped after the run")),
         "run.continue"),
    ],
)  # fmt: skip
def test_one_order_at_most_makes_the_station_go_on(shown, order):
    assert onward(shown) == order


def test_as_many_buttons_have_words_as_there_is_room_for(themed, qtbot):
    actions = {name: QtGui.QAction(theme.icon("up"), name) for name in ("first", "second", "third")}
    bar = ActionBar(actions, ("first",), ("third", "first", "second"))
    qtbot.addWidget(bar)
    bar.show()
    narrow = bar.sizeHint().width()
    worded = []
    for width in (2000, narrow, narrow + 60, 2000):
        bar.resize(width, 30)
        worded.append([
            name for name, button in bar.buttons.items()
            if button.toolButtonStyle() == QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        ])  # fmt: skip
    everything = ["first", "second", "third"]
    assert worded == [everything, [], ["third"], everything]


# ---- the form


def test_a_long_value_is_shown_from_its_beginning(themed, qtbot):
    field = Field(Parameter("powers", "list", "W"))
    qtbot.addWidget(field)
    field.resize(120, 60)
    field.show()
    field.show_value([3e-5, 1e-4, 2e-4, 3e-4])
    assert field.editor.cursorPosition() == 0
    field.editor.setFocus()
    field.editor.end(False)
    losing = QtGui.QFocusEvent(QtCore.QEvent.Type.FocusOut, QtCore.Qt.FocusReason.TabFocusReason)
    QtWidgets.QApplication.sendEvent(field.editor, losing)
    assert field.editor.cursorPosition() == 0


@pytest.fixture
def form(window, qtbot):
    """The form, with fields, beside a queue that does not begin by itself."""
    window.show_dock("form")
    window.link.table.pause()
    found = window.dock("form")
    qtbot.waitUntil(lambda: bool(found.fields), timeout=20_000)
    return found


def test_all_fields_begin_at_the_same_place_and_are_as_wide(form, window, qtbot):
    form.more.setChecked(True)
    editors = [field.editor for field in form.fields.values()]

    def begins():
        shown = [form.chooser, form.label, *editors, form.conditions.not_before]
        return {one.mapTo(form, QtCore.QPoint()).x() for one in shown}

    qtbot.waitUntil(lambda: len(begins()) == 1, timeout=5_000)
    assert len({editor.width() for editor in editors}) == 1


def test_the_end_follows_the_clock(form, window, qtbot):
    qtbot.waitUntil(lambda: "ends" in form.estimate_line.text(), timeout=40_000)
    before = form.estimate_line.text()
    assert "UTC" in before
    qtbot.waitUntil(lambda: form.estimate_line.text() != before, timeout=20_000)
    assert "ends" in form.estimate_line.text()
