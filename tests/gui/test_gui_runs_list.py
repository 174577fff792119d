"""The list of runs: what its columns say, how wide they are, and what stays chosen."""

import pytest
from qtpy import QtCore

from labctl.gui.queue.desk import desk_of
from labctl.gui.runs.index import RunIndex
from labctl.gui.runs.model import BEGUN, RESULT, STATE, TAGS, RunsFilter, RunsModel
from labctl.gui.runs.view import RunsView

LINE = {"run": "0127_power-series_flake-7", "procedure": "power_series", "label": "flake-7",
        "state": "finished", "points": 20, "start_utc": "2026-11-23T12:10:00+00:00"}  # fmt: skip
PROBLEM = "  the camera is too warm\n    Remedy: wait until it is locked"


FAILED = LINE | {"run": "0128_x", "state": "failed", "problem": PROBLEM}


@pytest.fixture
def listed(link, qtbot):
    """A list of two runs that is as wide as the smallest window leaves it."""
    runs = RunIndex(link, desk_of(link))
    view = RunsView(RunsFilter(RunsModel(runs, runs)))
    runs._take([FAILED, LINE])
    qtbot.addWidget(view)
    view.resize(985, 200)
    view.show()
    return runs, view


def test_a_result_is_told_in_a_line_and_as_a_whole_in_the_tip(listed):
    _, view = listed
    cell = view.model().index(0, RESULT)
    assert cell.data() == "the camera is too warm"
    assert "Remedy: wait until it is locked" in cell.data(QtCore.Qt.ItemDataRole.ToolTipRole)


def test_all_columns_are_in_sight_in_the_smallest_window(listed):
    _, view = listed
    header = view.horizontalHeader()
    last = header.sectionViewportPosition(TAGS) + header.sectionSize(TAGS)
    assert last <= view.viewport().width()
    for column in (STATE, BEGUN):
        assert view.sizeHintForColumn(column) <= header.sectionSize(column)
    before = header.sectionSize(RESULT)
    view.resize(1545, 200)
    assert header.sectionSize(RESULT) - before == 1545 - 985


def test_a_new_run_leaves_the_choice_as_it_was(listed):
    runs, view = listed
    view.selectRow(1)
    runs._take([LINE | {"run": "0129_y"}, FAILED, LINE])
    assert view.chosen() == [LINE["run"]]
    # the list has an end, at which runs fall out
    runs._take([FAILED])
    assert view.chosen() == []
