"""The path of a newcomer, from a dark window to an exported temperature table."""

import pytest
from qtpy import QtCore, QtTest

pytest_plugins = ["views_fixtures"]


class Person:
    """Count what a person does with hand and key."""

    def __init__(self, window) -> None:
        self._window = window
        self.actions: list[str] = []

    def press(self, action_id):
        self.actions.append(action_id)
        assert self._window.registry.get(action_id).isEnabled(), action_id
        self._window.registry.trigger(action_id)

    def do(self, what, slot, *arguments):
        self.actions.append(what)
        return slot(*arguments)


@pytest.mark.timeout(400)
def test_a_newcomer_gets_from_the_start_to_a_temperature_table(
    calibrated, window, served, qtbot, tmp_path
):
    person = Person(window)
    form, browser = window.dock("form"), window.dock("runs")
    qtbot.waitUntil(lambda: bool(form.fields), timeout=60_000)
    served.table.start()
    frames = []
    window.link.frame.connect(frames.append)

    setter = _power_setter(window)
    qtbot.waitUntil(setter.box.isEnabled, timeout=60_000)
    person.do("set 50 µW at the sample", _type, setter, "50 uW")
    qtbot.waitUntil(lambda: _power_w(window) == pytest.approx(5e-5, rel=0.2), timeout=90_000)
    person.press("acquire.live")
    qtbot.waitUntil(lambda: len(frames) > 1, timeout=90_000)
    person.press("acquire.record")
    qtbot.waitUntil(lambda: bool(_runs(served)), timeout=90_000)

    person.press("queue.form")
    person.do("type the sample", form.label.setText, "first-flake")
    person.do("type the regions", form.fields["regions"].editor.setText, "mono")
    person.do("type the powers", form.fields["powers"].editor.setText, "50 uW, 100 uW, 200 uW")
    person.do("type the windows", form.fields["windows"].editor.setText, "raman")
    person.do("type the exposure", form.fields["exposure_s"].editor.setText, "2 s")
    person.do("no focus search", form.fields["refocus"].editor.setChecked, False)
    qtbot.waitUntil(lambda: "ends" in form.estimate_line.text(), timeout=60_000)
    assert form.problem_line.text() == ""
    with qtbot.waitSignal(form.added, timeout=60_000):
        person.press("queue.add")

    qtbot.waitUntil(lambda: bool(_runs(served, "first-flake")), timeout=90_000)
    name = _runs(served, "first-flake")[0]
    qtbot.waitUntil(lambda: name in browser.index.entries, timeout=30_000)
    window.show_dock("runs")
    person.do("choose the run", browser.choose, name)
    person.press("runs.open")
    table = browser.detail.temperatures.model
    qtbot.waitUntil(lambda: table.rowCount() >= 3, timeout=60_000)
    assert all("±" in table.index(row, 5).data() for row in range(table.rowCount()))
    path = tmp_path / "first.csv"
    person.do("export the temperatures", browser.export, "temperatures", path)
    qtbot.waitUntil(path.exists, timeout=30_000)
    assert len(person.actions) <= 15, person.actions


def _power_setter(window):
    from labctl.gui.panels.fields import Setter

    found = [one for one in window.dock("instruments").findChildren(Setter)
             if one.box.accessibleName().startswith("probe power at the sample")]  # fmt: skip
    return found[0]


def _type(setter, text):
    setter.box.lineEdit().selectAll()
    QtTest.QTest.keyClicks(setter.box.lineEdit(), text)
    QtTest.QTest.keyClick(setter.box, QtCore.Qt.Key.Key_Return)


def _power_w(window):
    value = window.link.status.values.get("probe.power")
    return None if value is None else value.value


def _runs(served, label=""):
    ended = [one for one in served.table.runs() if one["state"] == "finished"]
    return [one["run"] for one in ended if label in one["label"]]
