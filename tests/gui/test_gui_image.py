"""Drive the view of the CCD image: rows, binned spectrum, hot pixels, live images."""

import numpy as np
import pytest
from qtpy import QtCore
from shown_frames import AXIS_NM, frame

from labctl.gui.live_bar import LiveBar
from labctl.gui.views.image import ImageView
from labctl.gui.views.image_plot import ImagePlot, hot_pixels

pytest_plugins = ["views_fixtures"]


def chip(seed=1, signal=50.0):
    """Return an image of the chip with light on rows 188 to 211, column 1000."""
    counts = np.random.default_rng(seed).normal(600.0, 4.0, (400, 1340))
    counts[188:212, 998:1003] += signal
    return counts.astype(np.uint16)


@pytest.fixture
def plot(themed, qtbot):
    plot = ImagePlot()
    qtbot.addWidget(plot)
    plot.resize(800, 500)
    plot.show_image(chip())
    return plot


def test_the_spectrum_below_is_the_sum_of_the_band(plot):
    plot.set_rows(188, 211)
    assert plot.rows == (188, 211)
    expected = chip()[188:212].sum(axis=0, dtype=float)
    np.testing.assert_allclose(plot.binned_counts, expected)
    assert np.argmax(plot.binned_counts) in range(998, 1003)


def test_dragging_the_band_changes_the_spectrum(plot):
    told = []
    plot.rows_changed.connect(lambda *rows: told.append(rows))
    plot._band.setRegion((10.2, 34.4))
    assert told[-1] == plot.rows == (10, 33)
    assert plot.binned_counts[1000] == pytest.approx(24 * 600, rel=0.02)


@pytest.mark.parametrize("region", [(-50.0, 20.0), (390.0, 900.0), (200.0, 200.0)])
def test_a_band_is_never_empty_nor_off_the_chip(plot, region):
    plot._band.setRegion(region)
    first, last = plot.rows
    assert 0 <= first <= last <= 399
    assert plot.binned_counts.shape == (1340,)


def test_hot_pixels_are_masked_in_what_is_shown_only(plot):
    counts = chip()
    counts[50, 300] = counts[200, 700] = 20_000
    plot.mask_hot(True)
    plot.show_image(counts)
    plot.mask_hot(True)
    assert plot.hot_pixels == 2
    plot.set_rows(40, 60)
    assert plot.binned_counts.max() < 21 * 660
    assert plot.counts[50, 300] == 20_000


def test_a_line_of_light_is_no_hot_pixel():
    assert not hot_pixels(chip(signal=3000.0)).any()


def test_levels_do_not_follow_one_bright_pixel_nor_flicker(plot):
    before = plot.levels
    counts = chip(seed=2)
    counts[5, 5] = 65535
    plot.show_image(counts)
    assert plot.levels == before


def test_fixed_levels_stay(plot):
    plot.set_levels(0.0, 1000.0)
    plot.show_image(chip() * 3)
    assert plot.levels == (0.0, 1000.0)


def test_rows_can_be_typed_dragged_and_taken_back(seen):
    view = seen(ImageView)
    view.show_frame(frame(chip()))
    view._painter.flush()
    for box, text in ((view.first, "100"), (view.last, "120")):
        box.lineEdit().setText(text)
        box.lineEdit().textEdited.emit(text)
        box.commit()
    assert view.plot.rows == (100, 120)
    view.undo_region()
    assert view.plot.rows != (100, 120)
    view._use_bands()
    assert view.plot.rows == (188, 211)
    assert view._context.state.get("image.rows", [], list) == [188, 211]


def test_the_pixel_under_the_mouse_is_read_with_units(seen):
    view = seen(ImageView)
    view.show_frame(frame(chip()))
    view._painter.flush()
    view.plot.pixel_read.emit(200, 1000, 650.0)
    assert view.pixel.whole == (
        f"row 200  |  column 1000  |  {AXIS_NM[1000]:.3f} nm  |  650 counts"
    )


def test_colours_say_which_counts_they_mean(themed, qtbot):
    plot = ImagePlot()
    qtbot.addWidget(plot)
    assert not plot._bar.isVisible()
    plot.show_image(chip())
    assert plot._bar.isVisible()
    assert plot._bar.levels() == plot.levels == tuple(plot._image.levels)
    plot.set_levels(0.0, 1000.0)
    assert plot._bar.levels() == tuple(plot._image.levels) == (0.0, 1000.0)


def test_nothing_around_the_image_is_cut_or_written_over(plot, qtbot):
    # what a window of 1366 by 768 leaves of it
    plot.resize(980, 350)
    plot.show()
    qtbot.waitExposed(plot)
    plot.grab()
    axes = [plot.chip.getAxis("left"), plot.binned.getAxis("left"), plot._bar.getAxis("right")]
    for axis in axes:
        text = axis.label.document()
        assert text.idealWidth() - 2 * text.documentMargin() <= axis.size().height()
    upper, lower = (one.getViewBox().sceneBoundingRect() for one in (plot.chip, plot.binned))
    assert lower.top() - upper.bottom() >= plot.fontMetrics().capHeight()
    assert lower.right() == pytest.approx(upper.right(), abs=1)


def test_the_view_says_whether_there_is_a_connection(seen, qtbot):
    view = seen(ImageView)
    view._link._lose("gone")
    assert view.mode.text() == "NO CONNECTION"
    qtbot.waitUntil(lambda: view.mode.text().startswith("NO IMAGE YET"), timeout=10_000)


def test_images_of_a_run_are_marked_as_recorded(seen):
    view = seen(ImageView)
    view.show_frame(frame(chip(), run="0031_snap", point=0))
    view._painter.flush()
    assert view.mode.text() == "REC 0031 point 0"


def test_a_frozen_image_stays(seen):
    view = seen(ImageView)
    view.show_frame(frame(chip(1)))
    view._painter.flush()
    view.toggle_freeze()
    view.show_frame(frame(chip(2), seq=2))
    view._painter.flush()
    np.testing.assert_array_equal(view.plot.counts, chip(1))


def test_live_images_come_from_the_table(served, seen, qtbot):
    served.wait(lambda: served.table.status().interactive, "the table is open")
    view = seen(ImageView)
    bar = LiveBar(view._context, view)
    view._context.exposing.choose(exposure_s=2.0, beams=())
    qtbot.mouseClick(view.live, QtCore.Qt.MouseButton.LeftButton)
    try:
        qtbot.waitUntil(lambda: view.plot.counts.shape == (400, 1340), timeout=30_000)
        qtbot.waitUntil(lambda: view.mode.text() == bar.word.text, timeout=10_000)
    finally:
        view._context.exposing.choose(mode="spectrum")
        served.settle()
    assert "NOT SAVED" in view.mode.text()
    assert np.median(view.plot.counts) == pytest.approx(600.0, abs=5.0)
