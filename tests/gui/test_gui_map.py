"""Drive the map: grids, values, crosshair, moves within the soft limits, plans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qtpy import QtCore
from shown_frames import AXIS_NM, LASER_NM, raman_counts

from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views.map import MapView
from labctl.gui.views.map_grid import filled, grid_of, raster_path
from labctl.gui.views.map_plot import MapPlot
from labctl.gui.views.map_reader import coarse_to_fine
from labctl.gui.views.map_values import MapValue, integrals, positions

pytest_plugins = ["views_fixtures"]
SHIFT_CM1 = 1e7 / LASER_NM - 1e7 / AXIS_NM


def serpentine(columns, rows, step_um=1.0, noise_um=0.0, seed=1):
    path = [
        (column, row)
        for row in range(rows)
        for column in (range(columns) if row % 2 == 0 else range(columns - 1, -1, -1))
    ]
    place = np.array(path, float) * step_um
    place += np.random.default_rng(seed).normal(0.0, noise_um, place.shape)
    return place[:, 0], place[:, 1], np.array(path)


@pytest.fixture
def map_run(old_runs, light, qtbot):
    (name,) = [run["run"] for run in old_runs.table.runs() if run["procedure"] == "map"]
    run = OpenedRun(light.link, name, light.link)
    qtbot.waitUntil(lambda: run.is_complete, timeout=20_000)
    return run


@pytest.fixture
def view(seen, calibrated, qtbot):
    view = seen(MapView)
    qtbot.waitUntil(lambda: view.plot.limits is not None, timeout=10_000)
    qtbot.waitUntil(lambda: bool(view._calibrations.by_kind), timeout=10_000)
    return view


def show(view, run, qtbot, value=None):
    view.show_run(run)
    qtbot.waitUntil(lambda: not view._reader.is_reading, timeout=20_000)
    if value is not None:
        view.value.setCurrentText(value)
        view._compute()
        qtbot.waitUntil(lambda: view._reader.left == 0, timeout=30_000)
    view._painter.flush()


# ---- grids


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(2, 12), st.floats(0.2, 5.0), st.integers(0, 99))
def test_a_grid_is_found_from_the_places_alone(columns, rows, step_um, seed):
    x, y, path = serpentine(columns, rows, step_um, noise_um=0.03 * step_um, seed=seed)
    grid = grid_of(x, y)
    assert grid.shape == (rows, columns)
    image = grid.image(np.arange(len(x), dtype=float))
    for number, (column, row) in enumerate(path):
        assert image[row, column] == number


def test_a_map_that_is_being_measured_has_empty_spots():
    x, y, path = serpentine(5, 4)
    part = slice(0, 13)
    grid = grid_of(x[part], y[part], path[part, 1].astype(float), path[part, 0].astype(float))
    image = grid.image(np.ones(13))
    assert grid.shape == (3, 5)
    assert int(np.isnan(image).sum()) == 2


def test_places_that_make_no_grid_give_none():
    rng = np.random.default_rng(1)
    assert grid_of(rng.uniform(0, 100, 200), rng.uniform(0, 100, 200)) is None
    assert grid_of(np.array([np.nan, 1.0]), np.array([1.0, 2.0])) is None


def test_a_click_finds_the_spot_under_it():
    x, y, _ = serpentine(4, 3, 2.0)
    grid = grid_of(x, y)
    assert grid.point_at(6.4, 0.3) == 3
    assert grid.point_at(6.4, 2.3) == 4
    assert grid.point_at(60.0, 0.0) is None


def test_only_gaps_between_known_spots_are_bridged_in_a_preview():
    image = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan], [7.0, np.nan, np.nan]])
    assert not np.isnan(filled(image)).any()
    nothing = np.full((2, 2), np.nan)
    assert np.isnan(filled(nothing)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 500), st.integers(0, 3000))
def test_coarse_to_fine_reads_every_point_once(first, count):
    read = [number for part in coarse_to_fine(first, first + count) for number in part]
    assert sorted(read) == list(range(first, first + count))


# ---- values


def test_an_integral_is_of_the_light_above_the_background():
    spectra = np.stack([raman_counts(area, 300.0, level=level) for area, level in
                        ((2e4, 600.0), (4e4, 600.0), (2e4, 5000.0))])  # fmt: skip
    found = integrals(SHIFT_CM1, spectra, (225.0, 275.0))
    assert found[1] / found[0] == pytest.approx(2.0, rel=0.05)
    assert found[2] == pytest.approx(found[0], rel=0.05)
    assert found[0] == pytest.approx(2e4, rel=0.1)


def test_a_peak_position_is_found_to_a_fraction_of_a_pixel_or_not_at_all():
    spectra = np.stack([raman_counts(2e4, 300.0, seed) for seed in range(5)])
    np.testing.assert_allclose(positions(SHIFT_CM1, spectra, (225.0, 275.0)), 250.0, atol=0.2)
    empty = np.stack([raman_counts(0.0, 300.0, seed) for seed in range(20)])
    assert np.isnan(positions(SHIFT_CM1, empty, (225.0, 275.0))).mean() > 0.9


def test_a_region_outside_of_the_frame_gives_no_value():
    spectra = raman_counts(2e4, 300.0)[None]
    assert np.isnan(integrals(SHIFT_CM1, spectra, (900.0, 950.0))).all()
    assert np.isnan(positions(SHIFT_CM1, spectra, (900.0, 950.0))).all()


def test_a_map_shows_where_the_sample_ends(view, map_run, qtbot):
    show(view, map_run, qtbot, MapValue.INTEGRAL)
    image = view._grid.image(view._reader.values[view._known])
    assert image.shape == (5, 5)
    # the monolayer ends at x = 40 µm and y = 10 µm
    assert image[:3, :3].min() > 10 * np.abs(image[-1]).max()
    assert "25 known" in view.name.whole


def test_a_map_of_temperatures_has_errors_and_leaves_out_what_has_none(view, map_run, qtbot):
    show(view, map_run, qtbot, MapValue.TEMPERATURE)
    reader = view._reader
    known = np.isfinite(reader.values)
    assert 9 <= known.sum() < 25
    assert np.all(reader.sigmas[known] > 0)
    pulls = (reader.values[known] - 304.0) / reader.sigmas[known]
    assert np.abs(np.median(pulls)) < 2
    view.plot.put_crosshair(36.0, 6.0)
    assert "±" in view.here.whole
    assert "K" in view.here.whole
    view.plot.put_crosshair(42.0, 12.0)
    assert "not known" in view.here.whole


def test_neither_axes_nor_colour_bar_put_a_prefix_on_their_unit(themed, qtbot):
    plot = MapPlot()
    qtbot.addWidget(plot)
    x, y, _ = serpentine(4, 3)
    plot.show_map(grid_of(x, y), np.full((3, 4), 1e-4) * np.arange(4), MapValue.INTEGRAL.label)
    axes = [plot.getAxis("bottom"), plot.getAxis("left"), plot._bar.getAxis("right")]
    assert not any(axis.autoSIPrefix for axis in axes)
    assert [axis.labelText for axis in axes] == ["x (µm)", "y (µm)", "Integral (counts)"]


def test_without_a_map_there_is_no_scale_of_colours(themed, qtbot):
    plot = MapPlot()
    qtbot.addWidget(plot)
    assert not plot._bar.isVisible()
    x, y, _ = serpentine(4, 3)
    plot.show_map(grid_of(x, y), np.full((3, 4), np.nan), MapValue.TEMPERATURE.label)
    assert not plot._bar.isVisible()
    plot.show_map(grid_of(x, y), np.ones((3, 4)), MapValue.INTEGRAL.label)
    assert plot._bar.isVisible()


def test_without_a_map_all_places_and_the_stage_are_seen(view):
    view.plot.setRange(xRange=(0.0, 1.0), yRange=(0.0, 1.0))
    view.reset_view()
    seen = view.plot.getViewBox().viewRect()
    places = [(one["x"], one["y"]) for one in view._link.description["positions"].values()]
    assert len(places) > 2
    for x_um, y_um in (*places, *zip(*view.plot._here.getData(), strict=True)):
        assert seen.contains(QtCore.QPointF(x_um, y_um))
    assert view.here.whole.startswith("Click: ")


def test_the_stage_covers_no_name(themed, qtbot):
    plot = MapPlot()
    qtbot.addWidget(plot)
    plot.show()
    qtbot.waitExposed(plot)
    plot.show_places({"mono": (30.0, 0.0)})
    plot.show_here(30.0, 0.0)
    plot.grab()
    (name,) = plot._names
    assert plot._stage.toPlainText() == "stage"
    assert not name.sceneBoundingRect().intersects(plot._stage.sceneBoundingRect())


# ---- moves


def test_a_click_puts_the_crosshair_and_reads_the_spot(view, map_run, qtbot):
    show(view, map_run, qtbot)
    view.plot.put_crosshair(36.1, 5.9)
    assert view.plot.crosshair_um == pytest.approx((36.1, 5.9))
    assert view.here.whole.startswith("x 36.10 µm  |  y 5.90 µm  |  point ")
    assert view.here.whole.endswith("counts")


def test_double_click_moves_the_stage_there(served, view, qtbot):
    served.wait(lambda: served.table.status().interactive, "the table is open")
    with qtbot.waitSignal(view._link.notice, timeout=30_000) as told:
        view.plot.go_to.emit(33.0, -2.0)
    assert told.args == ["info", "stage at (33.00, -2.00) µm"]
    assert served.table.read("stage.x")["value"] == pytest.approx(33.0, abs=0.1)
    assert served.table.read("stage.y")["value"] == pytest.approx(-2.0, abs=0.1)


def test_a_place_beyond_the_soft_limits_is_refused_before_anything_moves(view, qtbot):
    channels = {one["name"]: one for one in view._link.description["channels"]}
    x, y = (channels[name] for name in ("stage.x", "stage.y"))
    assert view.plot.limits == ((x["low"], x["high"]), (y["low"], y["high"]))
    asked = []
    with qtbot.waitSignal(view._link.notice) as told:
        view._link.ask = lambda *a, **k: asked.append(a)
        view.go_to(5000.0, 0.0)
    assert told.args[0] == "warning"
    assert "soft limits" in told.args[1]
    assert not asked


def test_the_menu_offers_moves_within_the_limits_only(view):
    inside, outside = view.plot.menu_at(10.0, 10.0), view.plot.menu_at(2000.0, 10.0)
    assert inside.actions()[0].isEnabled()
    assert not outside.actions()[0].isEnabled()
    assert "soft limits" in outside.actions()[0].text()


def test_without_limits_nothing_moves(themed, qtbot):
    plot = MapPlot()
    qtbot.addWidget(plot)
    assert not plot.is_allowed(0.0, 0.0)


# ---- plans


@settings(max_examples=40, deadline=None)
@given(st.floats(0.5, 50.0), st.floats(0.5, 50.0), st.floats(0.2, 5.0))
def test_the_previewed_path_stays_in_its_rectangle_and_never_jumps(width, height, step_um):
    path = np.array(raster_path((0.0, width), (0.0, height), step_um))
    assert path.min() >= 0
    assert path[:, 0].max() <= width + 1e-6
    assert path[:, 1].max() <= height + 1e-6
    between_rows = np.abs(np.diff(path, axis=0))[1::2]
    assert np.all(between_rows[:, 0] < 1e-9)
    assert np.all(between_rows[:, 1] < step_um * 1.001)


def test_a_planned_map_fills_in_the_form_of_the_queue(view, qtbot):
    from labctl.gui.queue.desk import desk_of

    view.plan.setChecked(True)
    view.plot.set_plan(10.0, -5.0, 4.0, 3.0)
    assert view.name.whole.startswith("Planned: 20 spots")
    with qtbot.waitSignal(desk_of(view._link).wanted) as asked:
        view.ask()
    procedure, parameters, _, _ = asked.args
    assert procedure == "map"
    assert parameters == {
        "x_low_um": 10.0,
        "x_high_um": 14.0,
        "y_low_um": -5.0,
        "y_high_um": -2.0,
        "step_um": 1.0,
    }
