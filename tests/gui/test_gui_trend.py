"""Drive the trend: what it draws, against what, with which errors, in bounded memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_frames import frame

from labctl.core.results import Condition, Temperature
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views.trend import TrendView
from labctl.gui.views.trend_data import Against, Samples, Series, from_temperatures, swept_by
from labctl.gui.views.trend_plot import TrendPlot

pytest_plugins = ["views_fixtures"]


def temperature(power_w, value_k, region="mono", thermometer="AS/S", cryostat_k=298.0):
    condition = Condition(power_w, 0.0, cryostat_k)
    return Temperature(region, condition, thermometer, value_k, 2.0, (value_k - 6, value_k + 6))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30_000))
def test_samples_stay_bounded_and_keep_first_and_last(count):
    samples = Samples("cryostat", "K", most=2048)
    for number in range(count):
        samples.add(float(number), 298.0)
    drawn = samples.series(Against.TIME)
    assert len(samples) <= 2048
    assert drawn.x[0] == 0.0
    assert samples.last_s == count - 1
    assert np.all(np.diff(drawn.x) > 0)


def test_results_are_drawn_by_thermometer_and_region_with_their_errors():
    found = from_temperatures(
        [temperature(2e-4, 310.0), temperature(1e-4, 304.0), temperature(1e-4, 270.0, "strong")]
    )
    assert set(found) == {"AS/S mono", "AS/S strong"}
    drawn = found["AS/S mono"].series(Against.POWER)
    np.testing.assert_allclose(drawn.x, [100.0, 200.0])
    np.testing.assert_allclose(drawn.y, [304.0, 310.0])
    np.testing.assert_allclose(drawn.sigma, [2.0, 2.0])
    assert not found["AS/S mono"].series(Against.TIME).x.size


def test_a_trend_is_drawn_against_what_was_swept():
    powers = from_temperatures([temperature(p * 1e-5, 300.0) for p in (1, 5, 9)])
    cryostat = from_temperatures([temperature(1e-4, k, cryostat_k=k) for k in (200.0, 300.0)])
    assert swept_by(powers) is Against.POWER
    assert swept_by(cryostat) is Against.CRYOSTAT
    assert swept_by(from_temperatures([temperature(1e-4, 300.0)])) is Against.POINT


@pytest.mark.parametrize("against", Against)
def test_every_axis_carries_its_quantity_and_unit(themed, qtbot, against):
    plot = TrendPlot()
    qtbot.addWidget(plot)
    line = Series("a", "K", np.arange(3.0), np.arange(3.0), np.ones(3))
    plot.show_series([line], against, "K")
    assert plot.getAxis("bottom").labelText == against.label
    assert plot.getAxis("left").labelText == "Temperature (K)"


def lines_named(*names):
    return [Series(name, "K", np.arange(3.0), np.arange(3.0), np.ones(3)) for name in names]


def test_the_legend_covers_no_data(themed, qtbot):
    plot = TrendPlot()
    qtbot.addWidget(plot)
    plot.show()
    qtbot.waitExposed(plot)
    plot.show_series(lines_named("cryostat", "camera", "a", "b", "c"), Against.POINT, "K")
    legend = plot.getPlotItem().legend
    qtbot.waitUntil(lambda: legend.geometry().height() > 30)
    plot.grab()
    assert legend.sceneBoundingRect().bottom() <= plot.getViewBox().sceneBoundingRect().top()


def test_series_still_differ_after_one_was_left_out(themed, qtbot):
    plot = TrendPlot()
    qtbot.addWidget(plot)
    plot.show_series(lines_named("cryostat", "camera"), Against.POINT, "K")
    plot.show_series(lines_named("camera", "AS/S mono"), Against.POINT, "K")
    pens = [plot._curves[name].opts["pen"] for name in ("camera", "AS/S mono")]
    assert pens[0].color() != pens[1].color()
    assert pens[0].style() != pens[1].style()


def test_series_differ_by_mark_and_line_and_not_by_colour_alone(themed, qtbot):
    plot = TrendPlot()
    qtbot.addWidget(plot)
    lines = [
        Series(name, "K", np.arange(3.0), np.arange(3.0), np.full(3, np.nan)) for name in "abc"
    ]
    plot.show_series(lines, Against.POINT, "K")
    curves = [plot._curves[name] for name in "abc"]
    assert len({curve.opts["symbol"] for curve in curves}) == 3
    assert len({curve.opts["pen"].style() for curve in curves}) == 3
    plot.show_series(lines[:1], Against.POINT, "K")
    assert list(plot.names) == ["a"]


def test_the_sensors_of_the_table_are_followed(served, seen, qtbot):
    served.wait(lambda: served.table.status().interactive, "the table is open")
    view = seen(TrendView)
    qtbot.waitUntil(lambda: len(view._sensors["cryostat"]) >= 2, timeout=40_000)
    view._painter.flush()
    assert "cryostat" in view.plot.names
    _, kelvin = view.plot.points_of("cryostat")
    assert kelvin[-1] == pytest.approx(298.0, abs=1.0)


def test_spectra_with_light_become_temperatures_with_errors(calibrated, seen, qtbot):
    view = seen(TrendView)
    view._link.frame.disconnect(view.show_frame)
    qtbot.waitUntil(lambda: bool(view._calibrations.by_kind), timeout=10_000)
    view.show_frame(frame(run="0031_power-series", point=4))
    qtbot.waitUntil(lambda: len(view._raman) == 1, timeout=10_000)
    drawn = view._raman.series(Against.POWER)
    assert drawn.x[0] == pytest.approx(100.0)
    assert abs(drawn.y[0] - 300.0) < 4 * drawn.sigma[0]


def test_exposures_without_a_temperature_leave_no_value(calibrated, seen, qtbot):
    view = seen(TrendView)
    view._link.frame.disconnect(view.show_frame)
    view.show_frame(frame(beams=()))
    view.show_frame(frame(np.full(1340, 600.0)))
    qtbot.waitUntil(lambda: view._background.is_idle, timeout=10_000)
    qtbot.wait(50)
    assert not len(view._raman)


def test_a_run_of_the_past_is_drawn_against_what_it_swept(old_runs, light, seen, qtbot):
    view = seen(TrendView)
    name = next(run["run"] for run in old_runs.table.runs() if "thermometry" in run["run"])
    run = OpenedRun(light.link, name, view)
    with qtbot.waitSignal(run.complete, timeout=20_000):
        pass
    view.show_run(run)
    view._painter.flush()
    assert view.against.currentText() in (Against.POWER, Against.CRYOSTAT)
    x, y = view.plot.points_of("cryostat")
    assert x.size == y.size == 8
    view.follow()
    assert view.against.currentText() == Against.TIME
