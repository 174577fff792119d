"""Drive the waterfall: order of the rows, bounded memory, live and past runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_frames import AXIS_NM, LASER_NM, frame

from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views.axes import AxisUnit, SpectralScale
from labctl.gui.views.stack import INDEX, EvenRows, SpectrumStack, in_words
from labctl.gui.views.waterfall import WaterfallView
from labctl.gui.views.waterfall_plot import WaterfallPlot

pytest_plugins = ["views_fixtures"]
SCALE = SpectralScale(AxisUnit.CM1, LASER_NM)


def stack_of(powers_w, pixels=64):
    stack = SpectrumStack()
    axis = np.linspace(521.0, 543.0, pixels)
    for number, power_w in enumerate(powers_w):
        conditions = {"power_w": (power_w, "W"), "cryostat_k": (298.0 + 1e-3 * number, "K")}
        stack.add(axis, np.full(pixels, 1e6 * power_w), number, conditions)
    return stack


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-6, 1e-3), min_size=1, max_size=60))
def test_rows_are_sorted_by_what_was_swept(powers_w):
    stack = stack_of(powers_w)
    order = stack.order("power_w")
    assert sorted(order.tolist()) == list(range(len(powers_w)))
    assert np.all(np.diff(stack.values("power_w")[order]) >= 0)


def test_what_hardly_changed_was_not_swept():
    assert stack_of([1e-4, 2e-4, 3e-4]).swept() == ["power_w", INDEX]
    assert stack_of([1e-4, 1e-4]).swept() == [INDEX]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 500), st.integers(2, 40))
def test_a_stack_stays_bounded_and_evenly_spread(count, most):
    stack = SpectrumStack(most=most)
    for number in range(count):
        stack.add(AXIS_NM[:8], np.zeros(8), number, {})
    assert 0 < len(stack) <= most
    steps = set(np.diff(stack.numbers).tolist())
    assert stack.numbers[0] == 0
    assert len(steps) <= 1


def test_spectra_on_another_axis_begin_a_new_stack():
    stack = stack_of([1e-4, 2e-4])
    stack.add(np.linspace(700.0, 800.0, 64), np.zeros(64), 2, {})
    assert stack.numbers == [2]


@pytest.mark.parametrize("unit", AxisUnit)
def test_rows_are_drawn_at_their_true_place_in_every_unit(unit):
    stack = SpectrumStack()
    counts = np.exp(-(((AXIS_NM - 539.2) / 0.05) ** 2))
    stack.add(AXIS_NM, counts, 0, {})
    scale = SpectralScale(unit, LASER_NM)
    image, first, last = EvenRows().image(stack, scale)
    place = first + (last - first) * np.argmax(image[0]) / (image.shape[1] - 1)
    pixel = (last - first) / image.shape[1]
    assert place == pytest.approx(scale.of_one(539.2), abs=1.5 * pixel)


def test_a_stack_that_grows_is_not_resampled_from_the_start():
    stack, even = stack_of([1e-4] * 5), EvenRows()
    even.image(stack, SCALE)
    kept = even._rows[0]
    stack.add(stack.axis_nm, np.ones(64), 5, {})
    image, *_ = even.image(stack, SCALE)
    assert even._rows[0] is kept
    assert image.shape == (6, 64)


def test_rows_carry_their_value_with_its_unit(themed, qtbot):
    plot = WaterfallPlot()
    qtbot.addWidget(plot)
    plot.show_stack(stack_of([3e-4, 1e-4, 2e-4]), "power_w", SCALE)
    assert list(plot.labels) == ["100 µW", "200 µW", "300 µW"]
    axis = plot.getAxis("left")
    ((_, places),) = axis.tickValues(0.0, 3.0, 300.0)
    assert axis.tickStrings(places, 1.0, 1.0) == ["100 µW", "200 µW", "300 µW"]
    assert "Power" in axis.labelText


@pytest.mark.parametrize(
    ("name", "words"),
    [("pump_power_w", "pump power"), ("cryostat_k", "cryostat"), ("stage.x", "stage x")],
)
def test_quantities_are_named_in_words(name, words):
    assert in_words(name) == words


def test_the_run_that_is_measured_is_stacked_and_the_live_view_apart(seen):
    view = seen(WaterfallView)
    view._link.frame.disconnect(view.show_frame)
    for point, power_w in enumerate((1e-4, 3e-4, 2e-4)):
        view.show_frame(frame(run="0031_power-series", point=point, power_w=power_w, seq=point))
    view.show_frame(frame(beams=(), run="0031_power-series", point=3, seq=3))
    view._painter.flush()
    assert view.name.whole.startswith("0031_power-series: 3 spectra, sorted by probe power")
    assert list(view.plot.labels) == ["100 µW", "200 µW", "300 µW"]
    view.show_frame(frame(seq=9))
    view._painter.flush()
    assert view.name.whole.startswith("Live view (not saved): 1 spectra")


def test_a_click_shows_the_row_by_itself(seen):
    view = seen(WaterfallView)
    view._link.frame.disconnect(view.show_frame)
    for point in range(3):
        view.show_frame(frame(run="0031_power-series", point=point, seq=point))
    view._painter.flush()
    view.plot.picked.emit(1)
    np.testing.assert_allclose(view.single.live.counts, frame(seq=1).counts)
    assert view.which.whole == "Counts per exposure of point 1"


def test_the_spectrum_below_says_which_row_it_is_and_the_row_is_marked(seen):
    view = seen(WaterfallView)
    view._link.frame.disconnect(view.show_frame)
    for point, power_w in enumerate((1e-4, 3e-4, 2e-4)):
        view.show_frame(frame(run="0031_power-series", point=point, power_w=power_w, seq=point))
    view._painter.flush()
    assert view.which.whole == "Counts per exposure of point 2, probe power 200 µW"
    assert view.plot._marker.isVisible()
    assert view.plot._marker.value() == 1.5
    view.plot.picked.emit(0)
    assert view.which.whole == "Counts per exposure of point 0, probe power 100 µW"
    assert view.plot._marker.value() == 0.5


def test_colours_say_which_counts_they_mean(themed, qtbot):
    plot = WaterfallPlot()
    qtbot.addWidget(plot)
    assert not plot._bar.isVisible()
    plot.show_stack(stack_of([1e-4, 2e-4]), "power_w", SCALE)
    assert plot._bar.getAxis("right").labelText == "Counts per exposure"
    assert plot._bar.levels() == tuple(plot._image.levels)
    plot.show_stack(SpectrumStack(), INDEX, SCALE)
    assert not plot._bar.isVisible()


def test_a_run_of_the_past_is_shown_and_left_again(old_runs, light, seen, qtbot):
    view = seen(WaterfallView)
    name = next(run["run"] for run in old_runs.table.runs() if "thermometry" in run["run"])
    run = OpenedRun(light.link, name, view)
    with qtbot.waitSignal(run.complete, timeout=20_000):
        pass
    view.show_run(run)
    view._painter.flush()
    assert view.name.whole.startswith(f"{name}: 8 spectra, sorted by")
    assert "dark" not in view.plot.labels
    view.follow()
    view.show_frame(frame(seq=5))
    view._painter.flush()
    assert view.name.whole.startswith("Live view")
