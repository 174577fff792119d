"""The browser of runs: found, looked at, compared, used again, annotated, saved."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qtpy import QtCore

from labctl.gui.runs.model import RESULT
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.runs.reading import COARSE, Rows, read_points, spread, temperatures_of
from labctl.gui.runs.saving import FORMS
from labctl.gui.runs.search import Entry, fits, parse_query
from labctl.gui.runs.words import result_words, with_sigma

pytest_plugins = ["views_fixtures"]
pytestmark = pytest.mark.timeout(180)
SERIES = {"powers": [5e-5, 1e-4, 2e-4], "windows": ["raman"], "regions": ["mono"],
          "exposure_s": 2.0, "accumulations": 3, "refocus": False}  # fmt: skip
LINE = {"run": "0127_power-series_flake-7", "procedure": "power_series", "label": "flake-7",
        "state": "finished", "points": 20, "start_utc": "2026-11-23T12:10:00+00:00"}  # fmt: skip
TEMPERATURE = {
    "region": "mono", "condition": {"power_w": 5e-5, "pump_power_w": 0.0, "cryostat_k": 298.0},
    "thermometer": "AS/S", "value_k": 298.44, "sigma_k": 2.07, "interval_k": [292.0, 305.0],
    "calibrations": ["sha256:0123456789abcdef"], "remark": "",
}  # fmt: skip


# ---- finding


def entry(**notes):
    detail = {"procedure": "power_series", "parameters": SERIES, "result": {}}
    return Entry(LINE, detail, notes, {"powers": "W", "exposure_s": "s"})


@pytest.mark.parametrize(
    "query",
    [
        "flake", "sample:flake-7", "procedure:power date:2026-11-23", "state:finished mono",
        "powers>100uW", "exposure_s=2s", "exposure_s<3", "regions:mono", "points>=20",
        "rating>=3 tag:good", '"0127_power"', "after:2026-11-20 before:2026-12",
    ],
)  # fmt: skip
def test_a_run_is_found(query):
    assert fits(entry(rating=4, tags=["good"]), parse_query(query))


@pytest.mark.parametrize(
    "query",
    ["flake-8", "sample:other", "date:2025", "powers>1mW", "exposure_s=3", "rating>3",
     "flake tag:bad", "after:2026-12", "unknown:thing", "powers>soon"],
)  # fmt: skip
def test_a_run_is_not_found(query):
    assert not fits(entry(), parse_query(query))


@given(st.text(max_size=40))
def test_any_query_can_be_typed(text):
    assert fits(entry(), parse_query(text)) in (True, False)


def test_a_result_is_told_with_its_error():
    assert result_words({"temperatures": [TEMPERATURE]}) == "T 298.4 ± 2.1 K"
    assert with_sigma(0.03125, 0.00042) == "0.03125 ± 0.00042"
    assert with_sigma(412.0, 25.0) == "412 ± 25"
    assert temperatures_of({"temperatures": [TEMPERATURE, {"value_k": 3}]})[0].value_k == 298.44


@given(st.integers(0, 300_000), st.integers(1, 5000))
def test_a_run_of_any_length_is_read_coarsely_first_and_in_bounds(total, most):
    steps = list(spread(total, most)) if total else []
    numbers = [number for step in steps for number in step]
    assert len(numbers) == len(set(numbers)) <= most
    assert all(0 <= number < total for number in numbers)
    assert not steps or (len(steps[0]) <= COARSE and steps[0][0] == 0)


# ---- reading


def write_run(folder, points):
    from labctl.core.clock import VirtualClock
    from labctl.core.journal import RunStart, RunState, StateChange
    from labctl.core.messages import Point
    from labctl.core.readings import Reading
    from labctl.core.spectra import Detector, Spectrum
    from labctl.store.writer import RunWriter

    clock = VirtualClock(datetime(2026, 1, 31, tzinfo=UTC))
    writer = RunWriter.create(folder, "series", clock=clock, label="x", margin_bytes=0)
    stamp = clock.utc().isoformat()
    writer.begin(RunStart("series", {}, "", "0", {"name": "s"}, {}, stamp, 0.0))
    axis_nm = np.linspace(500, 560, 100)
    detector = Detector(1.0, 4.0, 600.0, 65535.0, 20.0)
    for number in range(points):
        counts = np.full((2, 100), number, np.float32)
        laser = None if number == 0 else 532.0
        spectrum = Spectrum(
            counts=counts, wavelength_nm=axis_nm, exposure_s=1.0, laser_nm=laser,
            beams=("probe",) if laser else (), detector=detector, utc=clock.utc(), monotonic_s=0.0,
        )  # fmt: skip
        data = {"region": "mono", "power_w": Reading.good(1e-6 * number, "W", clock),
                "spectrum": spectrum}  # fmt: skip
        if number == 2:
            data["power_w"] = Reading.invalid("the meter was silent", "W", clock)
        kind = "dark" if number == 0 else "measurement"
        writer.commit(Point(number, kind, data, clock.utc(), 0.0), ())
    writer.flush()
    writer.close(StateChange(RunState.FINISHED, stamp, 1.0), (), {})
    return writer.path


def test_arrays_have_units_and_an_invalid_reading_is_no_number(tmp_path):
    from labctl.store import RunReader

    with RunReader(write_run(tmp_path, 5)) as reader:
        rows = read_points(reader, range(5))
    (series,) = rows.series()
    assert series.spectra.shape == (5, 100)
    assert series.spectra.dtype == np.float32
    assert list(series.numbers) == [0, 1, 2, 3, 4]
    assert series.laser_nm == 532.0
    assert list(series.rows_of("dark")) == [0]
    power = series.columns["power_w"]
    assert power.unit == "W"
    assert np.isnan(power.values[2])
    assert power.values[3] == 3e-6
    assert series.words["region"] == ("mono",) * 5


def test_a_long_run_keeps_no_more_rows_than_a_screen_shows(tmp_path):
    from labctl.store import RunReader

    with RunReader(write_run(tmp_path, 60)) as reader:
        rows = Rows()
        for numbers in spread(60, 20):
            rows.merge(read_points(reader, numbers))
    rows.thin(20)
    assert len(rows.series()[0].numbers) <= 20


# ---- with the service


@pytest.fixture
def taken(calibrated, served, window):
    """The name of a run with temperatures."""
    known = [one for one in served.table.runs(1000) if one["label"] == "browsed"]
    if known:
        return known[0]["run"]
    served.table.start()
    return served.table.queue.add("power_series", SERIES, label="browsed").wait(50.0).name


@pytest.fixture
def browser(window, taken, qtbot):
    window.show_dock("runs")
    browser = window.dock("runs")
    browser.index.refresh()
    qtbot.waitUntil(lambda: browser.choose(taken), timeout=20_000)
    qtbot.waitUntil(lambda: bool(browser.index.entries[taken].detail), timeout=20_000)
    qtbot.waitUntil(lambda: browser.index.picture(taken) is not None, timeout=20_000)
    return browser


def test_a_run_is_shown_with_picture_result_parameters_and_history(browser, taken, qtbot):
    row = browser.model.row_of(taken)
    assert not browser.model.index(row, 0).data(QtCore.Qt.ItemDataRole.DecorationRole).isNull()
    assert "K" in browser.model.index(row, RESULT).data()
    table = browser.detail.temperatures.model
    assert table.rowCount() >= 3
    for shown in range(table.rowCount()):
        assert "±" in table.index(shown, 5).data()
    # powers as they were measured
    powers_uw = [float(table.index(shown, 1).data().removesuffix(" µW"))
                 for shown in range(table.rowCount())]  # fmt: skip
    assert min(powers_uw) == pytest.approx(50.0, rel=0.02)
    texts = [browser.detail.parameters.item(at, 1).text()
             for at in range(browser.detail.parameters.rowCount())]  # fmt: skip
    assert "50 µW, 100 µW, 200 µW" in texts
    assert browser.detail.history.rowCount() >= 2


def test_nothing_is_shown_beside_the_list_while_no_run_is_chosen(browser, qtbot):
    qtbot.waitUntil(lambda: browser.detail.isVisibleTo(browser), timeout=5_000)
    browser.view.clearSelection()
    assert not browser.detail.isVisibleTo(browser)


def test_the_search_finds_by_parameter_and_says_how_many(browser, taken, qtbot):
    browser.search.setText("sample:browsed powers>150uW")
    qtbot.waitUntil(lambda: browser.shown.rowCount() == 1, timeout=20_000)
    browser.search.setText("powers>1W")
    qtbot.waitUntil(lambda: browser.shown.rowCount() == 0, timeout=20_000)
    qtbot.waitUntil(lambda: browser.count.text().startswith("0 of"), timeout=20_000)


def test_parameters_are_loaded_into_the_form(browser, window, taken, qtbot):
    window.registry.trigger("runs.load")
    form = window.dock("form")
    qtbot.waitUntil(lambda: form.label.text() == "browsed", timeout=20_000)
    qtbot.waitUntil(lambda: form.fields["powers"].value() == [5e-5, 1e-4, 2e-4], timeout=5_000)
    assert form.values()["refocus"] is False


def test_a_run_is_measured_again(browser, window, served, taken, qtbot):
    served.table.pause()
    window.registry.trigger("runs.requeue")
    qtbot.waitUntil(lambda: len(served.table.queue.list()) > 0, timeout=20_000)
    again = served.table.queue.list()[-1]
    assert again.procedure == "power_series"
    assert again.label == "browsed"
    assert again.parameters["powers"] == SERIES["powers"]


def test_notes_tags_and_rating_are_kept_beside_the_record(browser, served, taken, qtbot):
    notes = browser.detail.notes
    notes.text.setPlainText("drifted at the end")
    notes.tags.setText("good, drift")
    notes.rating.setCurrentIndex(4)
    notes.save()
    qtbot.waitUntil(lambda: served.table.notes(taken)["rating"] == 4, timeout=20_000)
    kept = served.table.notes(taken)
    assert kept["text"] == "drifted at the end"
    assert kept["tags"] == ["good", "drift"]
    browser.search.setText("tag:drift")
    qtbot.waitUntil(lambda: browser.shown.rowCount() == 1, timeout=20_000)


def test_a_run_is_saved_in_every_form(browser, taken, qtbot, tmp_path):
    for form in FORMS.values():
        path = tmp_path / f"saved_{form.id}{form.ending}"
        browser.export(form.id, path)
        qtbot.waitUntil(path.exists, timeout=40_000)
        qtbot.wait(50)
    import h5py

    with h5py.File(tmp_path / "saved_nexus.nxs") as file:
        assert file.attrs["default"] == "entry"
    assert len(list((tmp_path / "saved_text").glob("*.txt"))) == 5
    assert (tmp_path / "saved_csv.csv").read_text().count("\n") == 6
    picture = (tmp_path / "saved_figure.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert b"Calibrations" in picture
    header = (tmp_path / "saved_temperatures.csv").read_text().splitlines()[0]
    assert "T (K)" in header
    assert "sigma_k" in header


def test_runs_are_compared_and_let_go(browser, taken, window, qtbot):
    from labctl.gui.runs.compare import CompareWindow

    window.registry.trigger("runs.compare")
    qtbot.waitUntil(lambda: browser.findChild(CompareWindow) is not None, timeout=5_000)
    compare = browser.findChild(CompareWindow)
    qtbot.waitUntil(lambda: all(run.is_complete for run in compare.runs), timeout=20_000)
    assert len(compare.spectra.getPlotItem().listDataItems()) == 1
    assert compare.table.rowCount() >= 5
    runs = compare.runs
    compare.close()
    assert all(run.series == () for run in runs)


def test_an_opened_run_has_its_arrays_and_its_temperatures(link, taken, qtbot):
    run = OpenedRun(link, taken)
    with qtbot.waitSignal(run.complete, timeout=20_000):
        pass
    assert run.total == 5
    assert run.spectra.shape == (5, len(run.axis_nm))
    assert run.columns["power_w"].unit == "W"
    assert len(run.temperatures) >= 3
    assert run.procedure == "power_series"
    assert json.dumps(run.parameters)
    run.close()
    assert run.spectra.size == 0


def test_a_run_that_is_on_is_followed_point_by_point(window, served, qtbot):
    served.table.start()
    job = served.table.queue.add("power_series", SERIES | {"exposure_s": 8.0}, label="followed")
    qtbot.waitUntil(lambda: bool(job.item.runs), timeout=40_000)
    run = OpenedRun(window.link, job.item.runs[0])
    sizes = []
    run.changed.connect(lambda: sizes.append(len(run.spectra)))
    qtbot.waitUntil(lambda: run.state == "finished" and len(run.spectra) == 5, timeout=90_000)
    assert sizes == sorted(sizes)
    assert len(set(sizes)) >= 2
    run.close()


def test_a_run_that_begins_comes_to_each_view_as_soon_as_it_has_enough_points(
    window, served, qtbot
):
    served.table.start()
    job = served.table.queue.add("power_series", SERIES | {"exposure_s": 8.0}, label="begun")
    qtbot.waitUntil(lambda: bool(job.item.runs), timeout=40_000)
    (name,) = job.item.runs
    qtbot.waitUntil(
        lambda: window.showing.run is not None and window.showing.run.name == name, timeout=20_000
    )
    waterfall = window.view("waterfall")
    qtbot.waitUntil(lambda: waterfall._opened is window.showing.run, timeout=90_000)
    qtbot.waitUntil(lambda: window.showing.run.state == "finished", timeout=90_000)


def test_one_run_after_the_other_is_shown_in_every_view(window, served, qtbot):
    paths = [write_run(served.data, 6), write_run(served.data, 9)]
    for path, points in zip([*paths, paths[0]], (6, 9, 6), strict=True):
        with qtbot.waitSignal(window.showing.opened, timeout=20_000):
            window.open_run(path.name)
        # the event loop runs, and the run before is deleted
        qtbot.waitUntil(lambda: window.showing.run.is_complete, timeout=20_000)
        waterfall = window.view("waterfall")
        assert waterfall._opened is window.showing.run
        assert window.showing.run.total == points
