"""Drive the spectrum view: axes, cursor, regions, temperature, what is saved and what is not."""

import json
import threading

import numpy as np
import pytest
from qtpy import QtCore
from shown_frames import AXIS_NM, LASER_NM, frame, raman_counts

from labctl.core.spectra import HC_EV_NM
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views.axes import AxisUnit, SpectralScale, from_nm, to_nm
from labctl.gui.views.background import Background
from labctl.gui.views.markers import find_peaks, shown_counts
from labctl.gui.views.spectrum import SpectrumView
from labctl.gui.views.spectrum_plot import MOST_PINS, Heights, SpectrumPlot
from labctl.gui.views.thermometer import Thermometry

pytest_plugins = ["views_fixtures"]
POWER_W = 33.3e-6
"""At this power the monolayer of the simulated table is at 300 K (0.06 K/µW above 298 K)."""


@pytest.fixture
def plot(themed, qtbot):
    plot = SpectrumPlot()
    qtbot.addWidget(plot)
    plot.resize(800, 400)
    plot.show_scale(SpectralScale(AxisUnit.CM1, LASER_NM))
    plot.show_spectrum(AXIS_NM, raman_counts(2e4, 300.0))
    return plot


@pytest.fixture
def view(seen, calibrated, qtbot):
    view = seen(SpectrumView)
    qtbot.waitUntil(lambda: bool(view._calibrations.by_kind), timeout=10_000)
    # what the service shows meanwhile must not come between
    view._link.frame.disconnect(view.show_frame)
    return view


def show(view, *frames):
    for one in frames:
        view.show_frame(one)
    view._painter.flush()


def await_readout(view, qtbot, state):
    qtbot.waitUntil(lambda: view.readout.state is state, timeout=10_000)
    return view.readout


# ---- axes and cursor


@pytest.mark.parametrize("unit", AxisUnit)
def test_6_the_cursor_at_a_known_wavelength_reads_every_unit_to_1e_3(plot, unit):
    plot.show_scale(SpectralScale(unit, LASER_NM))
    plot.set_cursor(539.2)
    found = plot.cursor_reading()
    assert found.wavelength_nm == pytest.approx(539.2, abs=1e-3)
    assert found.energy_ev == pytest.approx(HC_EV_NM / 539.2, abs=1e-6)
    assert found.shift_cm1 == pytest.approx(1e7 / LASER_NM - 1e7 / 539.2, abs=1e-3)
    words = found.text.split()
    assert float(words[words.index("nm") - 1]) == pytest.approx(539.2, abs=1e-3)
    assert float(words[words.index("eV") - 1]) == pytest.approx(HC_EV_NM / 539.2, abs=1e-5)
    expected = 1e7 / LASER_NM - 1e7 / 539.2
    assert float(words[words.index("cm⁻¹") - 1]) == pytest.approx(expected, abs=1e-3)


def test_6_the_cursor_stays_at_its_wavelength_when_the_unit_changes(plot):
    plot.set_cursor(539.2)
    for unit in (*AxisUnit, *AxisUnit):
        plot.show_scale(SpectralScale(unit, LASER_NM))
        assert plot.cursor_reading().wavelength_nm == pytest.approx(539.2, abs=1e-6)


def test_6_u_cycles_the_units_of_both_axes(view, qtbot):
    show(view, frame())
    view.show_unit(AxisUnit.NM)
    seen = []
    for _ in range(3):
        qtbot.keyClick(view.window(), QtCore.Qt.Key.Key_U)
        scale = view.plot.scale_shown
        seen.append((scale.shown, scale.second))
        assert scale.shown.value in view.plot.getAxis("bottom").labelText
    assert seen == [
        (AxisUnit.EV, AxisUnit.CM1),
        (AxisUnit.CM1, AxisUnit.NM),
        (AxisUnit.NM, AxisUnit.CM1),
    ]


def test_6_another_laser_moves_the_axis_of_shifts(view):
    show(view, frame())
    view.show_unit(AxisUnit.CM1)
    before = view.plot.live.item.getOriginalDataset()[0]
    view.bar.offer_beams(["probe", "pump"])
    view.bar.beam_chosen.emit("pump")
    after = view.plot.live.item.getOriginalDataset()[0]
    np.testing.assert_allclose(after - before, 1e7 / 730.0 - 1e7 / 532.0, atol=1e-3)
    view.bar.beam_chosen.emit("")
    np.testing.assert_allclose(view.plot.live.item.getOriginalDataset()[0], before, atol=1e-6)


@pytest.mark.parametrize("unit", AxisUnit)
def test_every_unit_converts_there_and_back(unit):
    there = from_nm(AXIS_NM, unit, LASER_NM)
    back = [to_nm(float(value), unit, LASER_NM) for value in there]
    np.testing.assert_allclose(back, AXIS_NM, rtol=1e-12)


@pytest.mark.parametrize("unit", AxisUnit)
def test_every_axis_ascends_and_carries_its_unit_without_a_prefix(plot, unit):
    plot.show_scale(SpectralScale(unit, LASER_NM))
    x, _ = plot.live.item.getOriginalDataset()
    assert np.all(np.diff(x) > 0)
    bottom = plot.getAxis("bottom")
    assert unit.value in bottom.labelText
    assert not bottom.autoSIPrefix


def test_the_upper_axis_marks_the_same_wavelengths(plot):
    top = plot.getAxis("top")
    ((_, places),) = top.tickValues(*plot.getViewBox().viewRange()[0], 800)
    for place, text in zip(places, top.tickStrings(places, 1.0, 1.0), strict=True):
        assert plot.scale_shown.nm(place) == pytest.approx(float(text), abs=1e-6)


def test_anti_stokes_lies_on_the_negative_side(plot):
    x, y = plot.live.item.getOriginalDataset()
    assert x[np.argmax(y)] == pytest.approx(250.0, abs=1.5)
    assert x[0] < -300


# ---- regions


def test_dragging_the_anti_stokes_region_moves_its_mirror_image(plot):
    plot.regions.item(-1).setRegion((-300.0, -220.0))
    assert plot.regions.window_cm1 == pytest.approx((220.0, 300.0), abs=1e-6)
    assert plot.regions.item(1).getRegion() == pytest.approx((220.0, 300.0), abs=1e-6)


@pytest.mark.parametrize("unit", AxisUnit)
def test_regions_stay_where_they_are_in_every_unit(plot, unit):
    plot.regions.set_windows((230.0, 300.0))
    plot.show_scale(SpectralScale(unit, LASER_NM))
    edges = [1e7 / (1e7 / LASER_NM - shift) for shift in (230.0, 300.0)]
    expected = sorted(plot.scale_shown.of_one(edge) for edge in edges)
    assert plot.regions.item(1).getRegion() == pytest.approx(expected)
    plot.regions.item(1).setRegion(expected)
    assert plot.regions.window_cm1 == pytest.approx((230.0, 300.0), abs=1e-6)


def test_regions_can_be_typed_and_taken_back(view, qtbot):
    show(view, frame())
    before = view.plot.regions.stokes_cm1
    view.bar.low.lineEdit().setText("225")
    view.bar.low.lineEdit().textEdited.emit("225")
    view.bar.low.commit()
    assert view.plot.regions.window_cm1 == pytest.approx((225.0, before[1]))
    view.undo_region()
    assert view.plot.regions.stokes_cm1 == pytest.approx(before)


def test_regions_that_are_no_mirror_images_give_a_reason(view, qtbot):
    show(view, frame())
    view.bar.mirror.setChecked(False)
    view.plot.regions.item(-1).setRegion((-330.0, -205.0))
    assert view.plot.regions.window_cm1 is None
    readout = await_readout(view, qtbot, Thermometry.REFUSED)
    assert "mirror" in readout.text
    view.bar.mirror.setChecked(True)
    await_readout(view, qtbot, Thermometry.GOOD)


def test_the_name_of_a_region_stands_inside_it(shown):
    box = shown.getViewBox()
    for unit in AxisUnit:
        shown.show_scale(SpectralScale(unit, LASER_NM))
        for side in (1, -1):
            item = shown.regions.item(side)
            left, right = (box.mapViewToScene(QtCore.QPointF(x, 0)).x() for x in item.getRegion())
            name = item.name_label.sceneBoundingRect()
            assert left <= name.left() < name.right() <= right


# ---- what stands around the data


@pytest.fixture
def shown(plot, qtbot):
    plot.show()
    qtbot.waitExposed(plot)
    return plot


def test_the_names_of_pinned_spectra_cover_no_data(shown, qtbot):
    before = shown.getViewBox().height()
    for number in range(MOST_PINS + 1):
        shown.pin(f"0002·{number} 12:34:56")
    legend = shown.getPlotItem().legend
    qtbot.waitUntil(lambda: shown.getViewBox().height() < before)
    assert len(legend.items) == MOST_PINS
    assert legend.sceneBoundingRect().bottom() <= shown.getAxis("top").sceneBoundingRect().top()
    shown.clear_pins()
    qtbot.waitUntil(lambda: shown.getViewBox().height() == before)


def test_a_label_that_changed_stands_in_the_middle_of_its_axis(shown):
    for laser_nm in (None, LASER_NM):
        shown.show_scale(SpectralScale(AxisUnit.CM1, laser_nm))
        axis = shown.getAxis("bottom")
        middle = axis.label.sceneBoundingRect().center().x()
        assert middle == pytest.approx(axis.sceneBoundingRect().center().x(), abs=1.5)


# ---- temperature


def test_6_a_simulated_300_k_gives_a_temperature_within_3_sigma(calibrated, seen, qtbot):
    from labctl.service.simulator import true_state

    truth_k = true_state(calibrated.station, None, "mono", POWER_W, 0.0, 298.0).t_wse2_k
    assert truth_k == pytest.approx(300.0, abs=0.1)
    table = calibrated.table
    calibrated.wait(lambda: table.status().interactive, "the table is open")
    table.set("stage.position", "mono")
    table.set("spectrometer.window", "raman")
    table.set("probe.power", POWER_W)
    view = seen(SpectrumView)
    table.start_live(20.0, beams=["probe"])
    try:
        qtbot.waitUntil(lambda: len(view._pooling) >= 4, timeout=30_000)
        readout = await_readout(view, qtbot, Thermometry.GOOD)
    finally:
        table.stop_live()
    found = readout.temperature
    assert abs(found.value_k - truth_k) < 3 * found.sigma_k
    assert found.sigma_k < 10
    assert view.header.mode.text() == "LIVE – NOT SAVED"
    stored = json.loads(next((calibrated.data / "calibrations").glob("therm*")).read_text())
    assert stored["identity"] in found.calibrations


def test_6_saturation_gives_a_banner_and_no_number(view, qtbot):
    show(view, frame())
    await_readout(view, qtbot, Thermometry.GOOD)
    show(view, frame(np.minimum(60.0 * raman_counts(2e4, 300.0), 65535.0), seq=2, exposure_s=60.0))
    readout = await_readout(view, qtbot, Thermometry.SATURATED)
    assert readout.temperature is None
    assert not any(sign in view.header.temperature.whole for sign in ("±", "="))
    assert view.header.banner.isVisible()
    assert "SATURATED" in view.header.banner.text()
    assert view.footer.well.is_too_high
    show(view, frame(seq=3))
    await_readout(view, qtbot, Thermometry.GOOD)
    assert not view.header.banner.isVisible()


def test_a_failed_computation_leaves_no_old_temperature(view, qtbot):
    show(view, frame())
    await_readout(view, qtbot, Thermometry.GOOD)
    view._background.failed.emit("unexpected")
    assert view.readout.state is Thermometry.REFUSED
    assert view.readout.temperature is None


def test_temperatures_are_computed_off_the_gui_thread_and_at_most_five_times_per_second(
    link, qtbot
):
    parent = QtCore.QObject()
    background = Background(link, parent)
    threads, last = [], []
    background.done.connect(last.append)
    timer = QtCore.QElapsedTimer()
    timer.start()

    def work(number):
        threads.append(threading.get_ident())
        return number

    for number in range(60):
        background.ask(lambda number=number: work(number))
        qtbot.wait(15)
    qtbot.waitUntil(lambda: background.is_idle, timeout=5_000)
    assert threading.get_ident() not in threads
    assert len(threads) <= timer.elapsed() / 200 + 2
    assert last[-1] == 59


# ---- what is saved, what is kept


def test_what_is_live_and_what_is_recorded_is_said_in_words(view, qtbot):
    show(view, frame(run="0127_power-series", point=13))
    assert view.header.mode.text() == "REC 0127 point 13"
    show(view, frame(seq=2))
    assert "NOT SAVED" in view.header.mode.text()


def test_a_snap_on_the_table_is_marked_as_recorded(calibrated, seen, qtbot):
    table = calibrated.table
    calibrated.wait(lambda: table.status().interactive, "the table is open")
    view = seen(SpectrumView)
    table.run_now("snap", exposure_s=1.0, beams=[], powers=[], dark=False)
    qtbot.waitUntil(lambda: view.header.mode.text().startswith("REC 0"), timeout=30_000)
    calibrated.wait(lambda: table.status().run is None, "the run ends")


@pytest.fixture
def past_run(old_runs, light, qtbot):
    name = next(run["run"] for run in old_runs.table.runs() if "thermometry" in run["run"])
    run = OpenedRun(light.link, name, light.link)
    qtbot.waitUntil(lambda: run.is_complete, timeout=20_000)
    return run


def test_a_run_of_the_past_is_stepped_through_and_left_again(view, past_run, qtbot):
    show(view, frame(seq=1))
    view.show_run(past_run)
    qtbot.waitUntil(lambda: view.header.mode.text().endswith("RECORDED"), timeout=10_000)
    number = past_run.name.split("_")[0]
    assert view.header.mode.text() == f"RUN {number} point 1 – RECORDED"
    readout = await_readout(view, qtbot, Thermometry.GOOD)
    assert view.header.temperature.whole.endswith("(point 1)")
    assert 195 < readout.temperature.value_k < 355
    view.past.show_point(2)
    qtbot.waitUntil(lambda: "point 2" in view.header.mode.text(), timeout=10_000)
    # what is measured meanwhile does not take its place
    show(view, frame(seq=2))
    assert "point 2" in view.header.mode.text()
    view.past.leave()
    view._painter.flush()
    np.testing.assert_array_equal(view.plot.live.counts, frame(seq=2).counts)
    assert "NOT SAVED" in view.header.mode.text()


def test_no_point_is_named_while_the_live_spectrum_is_shown(view, past_run, qtbot):
    show(view, frame(seq=1))
    view.show_run(past_run)
    assert "NOT SAVED" in view.header.mode.text()
    assert not view.past.point.isVisible()
    assert view.past.name.text() == f"{past_run.name}: reading …"
    qtbot.waitUntil(view.past.point.isVisible, timeout=10_000)
    assert view.past.point.text() == f"1 (0–{past_run.total - 1})"
    assert view.past.name.text() == past_run.name
    view.past.leave()
    assert not view.past.isVisible()


def test_a_run_that_the_window_let_go_of_is_left(view, past_run, qtbot):
    show(view, frame(seq=1))
    view.show_run(past_run)
    qtbot.waitUntil(view.past.point.isVisible, timeout=10_000)
    past_run.close()
    past_run.deleteLater()
    qtbot.waitUntil(lambda: not view.past.isVisible())
    view._painter.flush()
    np.testing.assert_array_equal(view.plot.live.counts, frame(seq=1).counts)


def test_before_an_exposure_was_examined_nothing_is_said_of_the_light(seen):
    assert seen(SpectrumView).header.temperature.whole == "T: not computed yet"


def test_temperatures_of_a_past_run_are_those_of_its_cryostat(view, past_run, qtbot):
    series = past_run.main
    cryostat_k = dict(zip(series.numbers, series.columns["cryostat_k"].values, strict=True))
    power_w = dict(zip(series.numbers, series.columns["power_w"].values, strict=True))
    view.show_run(past_run)
    pulls = []
    for number in (1, 4, 7):
        view.past.show_point(number)
        label = f"(point {number})"
        qtbot.waitUntil(
            lambda label=label: (
                view.header.temperature.whole.endswith(label)
                and view.readout.state is Thermometry.GOOD
            ),
            timeout=10_000,
        )
        found = view.readout.temperature
        truth_k = cryostat_k[number] + 0.06e6 * power_w[number]
        pulls.append((found.value_k - truth_k) / found.sigma_k)
    assert np.max(np.abs(pulls)) < 3


def test_a_frozen_view_keeps_what_it_shows_and_goes_on_with_the_newest(view, qtbot):
    show(view, frame(seq=1))
    kept = view.plot.live.counts.copy()
    qtbot.keyClick(view.window(), QtCore.Qt.Key.Key_Space)
    show(view, frame(seq=2), frame(seq=3))
    np.testing.assert_array_equal(view.plot.live.counts, kept)
    assert view.header.mode.text() == "FROZEN – NOT FOLLOWING"
    view.toggle_freeze()
    view._painter.flush()
    np.testing.assert_array_equal(view.plot.live.counts, frame(seq=3).counts)


def test_pinned_spectra_stay_for_comparison(view):
    show(view, frame(seq=1))
    view.pin_trace()
    show(view, frame(seq=2))
    (pin,) = view.plot.pins
    np.testing.assert_array_equal(pin.counts, frame(seq=1).counts)
    view.plot.clear_pins()
    assert not view.plot.pins


def test_a_dark_can_be_subtracted_once_there_is_one_that_fits(view):
    show(view, frame(seq=1))
    assert not view.bar.toggles["dark"].isEnabled()
    dark = np.full(AXIS_NM.size, 600.0)
    show(view, frame(dark, seq=2, beams=(), exposure_s=5.0), frame(seq=3))
    assert not view.bar.toggles["dark"].isEnabled()
    show(view, frame(dark, seq=4, beams=()), frame(seq=5))
    view.bar.toggles["dark"].setChecked(True)
    view._painter.flush()
    np.testing.assert_allclose(view.plot.live.counts, frame(seq=5).counts - 600.0)
    view.bar.toggles["dark"].setChecked(False)


def test_the_response_cannot_be_applied_without_a_calibration_of_it(view):
    show(view, frame())
    assert not view.bar.toggles["response"].isEnabled()
    assert "no response calibration" in view.bar.toggles["response"].toolTip()


def test_cosmic_rays_are_hidden_in_what_is_shown_only():
    counts = raman_counts(2e4, 300.0, rays=3)
    raw = counts.copy()
    shown = shown_counts(counts, without_cosmics=True, bias=600.0)
    assert shown.max() < 2600 < counts.max()
    np.testing.assert_array_equal(counts, raw)


def test_peaks_are_labelled_but_noise_and_the_notch_are_not():
    counts = raman_counts(2e4, 300.0)
    counts[np.abs(AXIS_NM - 532.0) < 0.05] += 5000
    found = [peak.wavelength_nm for peak in find_peaks(AXIS_NM, counts, (530.3, 533.7))]
    shifts = [1e7 / LASER_NM - 1e7 / place for place in found]
    assert shifts == pytest.approx([-250.0, 250.0], abs=0.5)
    assert not find_peaks(AXIS_NM, raman_counts(0.0, 300.0))


def test_the_notch_band_is_hatched_where_the_table_says(view):
    low, high = view._link.description["notch_nm"]
    view.show_unit(AxisUnit.NM)
    assert view.plot._notch.isVisible()
    assert view.plot._notch.getRegion() == pytest.approx((low, high))
    assert view.plot._notch.brush.style() is QtCore.Qt.BrushStyle.DiagCrossPattern


def test_logarithmic_counts_survive_a_subtracted_dark(plot):
    plot.set_heights(Heights.LOG)
    plot.show_spectrum(AXIS_NM, raman_counts(1e3, 300.0) - 620.0)
    _, y = plot.live.item.getData()
    assert np.all(np.isfinite(y))


def test_fixed_counts_keep_the_axis(plot):
    plot.set_heights(Heights.FIXED)
    before = plot.getViewBox().viewRange()[1]
    plot.show_spectrum(AXIS_NM, 50 * raman_counts(1e3, 300.0))
    assert plot.getViewBox().viewRange()[1] == before


def test_the_mean_of_live_exposures_is_shown_when_asked_for(view):
    frames = [frame(seq=seq) for seq in range(1, 5)]
    show(view, *frames)
    view.bar.toggles["average"].setChecked(True)
    view._painter.flush()
    expected = np.mean([one.counts for one in frames], axis=0)
    np.testing.assert_allclose(view.plot.live.counts, expected, rtol=1e-5)
    assert view.footer.exposures.text() == "Mean of 4 exposures"
    view.bar.toggles["average"].setChecked(False)


def test_exposures_faster_than_the_eye_are_not_all_drawn(view, qtbot, monkeypatch):
    drawn = []
    show_spectrum = view.plot.show_spectrum
    monkeypatch.setattr(view.plot, "show_spectrum", lambda *a: (drawn.append(1), show_spectrum(*a)))
    timer = QtCore.QElapsedTimer()
    timer.start()
    frames = [frame(seq=seq) for seq in range(20)]
    for number in range(200):
        view.show_frame(frames[number % 20])
        qtbot.wait(1)
    assert 0 < len(drawn) <= timer.elapsed() / 33 + 2


def test_a_region_that_was_typed_is_there_in_the_next_window(view, state):
    view.plot.regions.set_windows((220.0, 310.0))
    assert state.get("spectrum.region_cm1", [], list) == [220.0, 310.0]
