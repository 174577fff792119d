"""Alarms stay until somebody acknowledges them; the log is filtered; nothing stands in the way."""

import pytest
from gui_bench import Bench
from gui_faulty import FaultyService
from qtpy import QtWidgets
from table_process import station_file

import labctl
from labctl.client import Event
from labctl.core.journal import RunState
from labctl.core.status import Alarm
from labctl.gui.alarms import AlarmsAndLog
from labctl.gui.diagnostics import diagnostics
from labctl.gui.link import Link
from labctl.gui.log_page import EVERYTHING, KEPT, TRIMMED, Entry
from labctl.gui.theme import themes
from labctl.store import RunReader

SPEED = 20.0
SLOW_MS = 60_000
SERIES = {
    "powers": ["50 uW", "100 uW", "200 uW"], "windows": ["raman"], "regions": ["mono"],
    "exposure_s": 4.0, "accumulations": 2, "refocus": False,
}  # fmt: skip


def alarm(number, level="alarm", text="the vacuum is gone", seen="", **more):
    fields = {"id": number, "utc": f"2026-11-23T20:00:{number:02d}+00:00", "level": level,
              "text": text, "source": "table", "remedy": "check pump and valves"}  # fmt: skip
    if seen:
        fields |= {"acknowledged_by": seen, "acknowledged_utc": "2026-11-23T20:05:00+00:00"}
    return Alarm(**{**fields, **more})


@pytest.fixture
def bench(served, link, state, qtbot):
    bench = Bench(link, state)
    qtbot.addWidget(bench)
    bench.page = bench.add(AlarmsAndLog)
    yield bench
    served.settle()


def show(bench, *alarms):
    status = bench.link.status.model_copy(update={"alarms": alarms})
    bench.page.alarms.show_status(status)
    return status


def rows(table):
    model = table.model()
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


# -- alarms


def test_alarms_that_nobody_saw_stand_on_top_with_remedy_and_are_counted(bench):
    show(bench, alarm(1, seen="ann"), alarm(2, "warning", "the camera is warm"), alarm(3))
    found = rows(bench.page.alarms.table)
    assert [row[1] for row in found] == ["alarm", "warning", "alarm"]
    assert found[0][3:5] == ["the vacuum is gone", "check pump and valves"]
    assert found[0][5] == "not yet"
    assert found[2][5] == "ann, 2026-11-23 20:05:00"
    assert bench.page.tabText(0) == "Alarms (2)"
    assert "2 messages are not acknowledged" in bench.page.alarms.summary.text()
    assert bench.context.actions.get("alarms.acknowledge").isEnabled()


def test_an_alarm_is_put_up_as_a_banner_once(bench):
    bench.notices.clear()
    show(bench, alarm(11))
    show(bench, alarm(11))
    assert bench.notices == [("error", "the vacuum is gone – check pump and valves")]
    show(bench, alarm(11), alarm(12, "info", "somebody opened the door"))
    assert len(bench.notices) == 1


def test_without_alarms_there_is_nothing_to_acknowledge(bench):
    show(bench)
    assert not bench.context.actions.get("alarms.acknowledge").isEnabled()
    assert bench.page.tabText(0) == "Alarms"


def test_diagnostics_hold_versions_values_alarms_and_log_but_no_token(bench, served):
    bench.link.status = show(bench, alarm(21))
    bench.page.log.add(Entry("2026-11-23T20:00:00", "info", "station", "something happened"))
    bench.page.copy_diagnostics()
    text = QtWidgets.QApplication.clipboard().text()
    for part in ("labctl", "pyqtgraph", "probe.power", "the vacuum is gone", "something happened"):
        assert part in text, part
    token = served.table._connection.address.token
    assert not token or token not in text
    assert "Python" in diagnostics(bench.link)


# -- log


def test_the_log_is_filtered_by_level_instrument_and_words(bench):
    log = bench.page.log
    log.model.beginResetModel()
    log.model.entries.clear()
    log.model.endResetModel()
    for entry in (
        Entry("2026-11-23T20:00:00", "info", "station", "idle"),
        Entry("2026-11-23T20:00:01", "warning", "camera", "it is warm"),
        Entry("2026-11-23T20:00:02", "alarm", "cryostat", "it boils"),
    ):
        log.add(entry)
    assert len(rows(log.table)) == 3
    log.level.setCurrentText("warnings and alarms")
    assert [row[2] for row in rows(log.table)] == ["camera", "cryostat"]
    log.source.setCurrentText("camera")
    assert [row[3] for row in rows(log.table)] == ["it is warm"]
    log.source.setCurrentText(EVERYTHING)
    log.words.setText("BOILS")
    assert [row[2] for row in rows(log.table)] == ["cryostat"]
    log.copy()
    assert QtWidgets.QApplication.clipboard().text().endswith("\tit boils")


def test_the_log_tells_of_states_runs_notes_and_lost_connections(bench):
    log = bench.page.log
    before = len(log.model.entries)
    for event in (
        Event("state", {"state": "failed", "reason": "no safety"}),
        Event("run", {"run": "0127_x", "procedure": "power_series"}),
        Event("run", {"run": "0127_x", "ended": "aborted", "reason": "by hand"}),
        Event("note", {"run": "0127_x", "text": "cosmic"}),
        Event("safety", {"laser_off_by": "ann", "unconfirmed": ["probe"]}),
        Event("point", {"run": "0127_x"}),
    ):
        log._hear(event)
    log._note_loss("gone")
    found = [(one.level, one.source, one.text) for one in log.model.entries[before:]]
    assert found == [
        ("alarm", "station", "failed: no safety"),
        ("info", "0127_x", "power_series begins"),
        ("warning", "0127_x", "aborted: by hand"),
        ("info", "0127_x", "cosmic"),
        ("warning", "safety", "LASER OFF by ann: NOT CONFIRMED: probe"),
        ("alarm", "service", "connection lost: gone"),
    ]


def test_the_log_is_bounded(bench):
    log = bench.page.log
    for number in range(KEPT + 10):
        log.model.add(Entry("", "info", "station", str(number)))
    assert KEPT - TRIMMED <= len(log.model.entries) <= KEPT
    assert log.model.entries[-1].text == str(KEPT + 9)


def test_every_theme_paints_alarms_without_a_word_lost(bench, themed):
    from labctl.gui import theme

    show(bench, alarm(31), alarm(32, "warning"))
    for name in themes():
        theme.apply(themed, name)
        assert {row[1] for row in rows(bench.page.alarms.table)} == {"alarm", "warning"}
        assert not bench.page.grab().isNull()


# -- check 9


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A service on a table whose sensor can be broken."""
    folder = tmp_path_factory.mktemp("faulty")
    with FaultyService(folder, station_file(folder, procedures=("procedures",)), SPEED) as service:
        yield service


def test_9_a_cryostat_fault_raises_an_alarm_without_a_box_and_keeps_the_data(
    faulty, themed, state, qtbot
):
    link = Link(labctl.connect(faulty.data))
    with qtbot.waitSignal(link.status_changed, timeout=SLOW_MS):
        link.start()
    bench = Bench(link, state)
    qtbot.addWidget(bench)
    page = bench.add(AlarmsAndLog)
    job = faulty.table.run_now("power_series", SERIES)

    def has_points():
        assert link.status.run is not None
        assert link.status.run.point >= 2

    qtbot.waitUntil(has_points, timeout=SLOW_MS)
    run = link.status.run.name
    faulty.faulty.break_sensor(500.0)
    # the fixture of the folder fails the test if any box that waits for an answer is opened
    qtbot.waitUntil(lambda: bool(page.alarms.waiting), timeout=SLOW_MS)
    waiting = page.alarms.waiting[-1]
    assert "cryostat.temperature is 500.0 K" in waiting.text
    qtbot.waitUntil(lambda: any("500.0 K" in text for _, text in bench.notices), timeout=SLOW_MS)
    assert QtWidgets.QApplication.activeModalWidget() is None
    qtbot.waitUntil(lambda: job.item.state.is_end, timeout=SLOW_MS)
    (folder,) = faulty.data.rglob(run)
    with RunReader(folder) as reader:
        assert len(list(reader.points())) >= 2
        assert reader.damaged() == []
        assert reader.state is not RunState.FINISHED
    page.alarms.acknowledge_all()
    qtbot.waitUntil(lambda: not page.alarms.waiting, timeout=SLOW_MS)
    found = rows(page.alarms.table)
    assert all(row[5] != "not yet" for row in found)
    link.close()
