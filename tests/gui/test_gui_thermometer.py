"""What the live thermometer says, and when it says nothing."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shown_frames import CALIBRATIONS, frame, raman_counts

from labctl.core.readings import Quality
from labctl.gui.views.axes import format_uncertain
from labctl.gui.views.exposures import Pooling, pool_of
from labctl.gui.views.thermometer import Thermometer, Thermometry, electrons_of, full_well_part

NUMBER = re.compile(r"\d ± [\d.]+ K")
THERMOMETER = Thermometer((212.0, 322.0), CALIBRATIONS)


def measure(*frames, thermometer=THERMOMETER):
    return thermometer.measure(pool_of(list(frames)))


def frames_of(count, stokes_e, temperature_k, **changes):
    return [
        frame(raman_counts(stokes_e, temperature_k, seed, rays=2), seq=seed, **changes)
        for seed in range(1, count + 1)
    ]


@pytest.mark.parametrize("temperature_k", [220.0, 300.0, 360.0])
def test_pooled_exposures_give_the_temperature_within_three_sigma(temperature_k):
    found = measure(*frames_of(8, 1e4, temperature_k)).temperature
    assert abs(found.value_k - temperature_k) < 3 * found.sigma_k
    assert found.sigma_k < 10


def test_the_error_shrinks_while_the_spectrum_builds_up():
    few = measure(*frames_of(4, 1e4, 300.0)).temperature
    many = measure(*frames_of(32, 1e4, 300.0)).temperature
    assert many.sigma_k == pytest.approx(few.sigma_k / np.sqrt(8), rel=0.15)


def test_a_mean_of_accumulations_has_the_error_of_all_of_them():
    singles = frames_of(9, 1e4, 300.0)
    mean = frame(np.mean([one.counts for one in singles], axis=0), accumulations=9)
    one, other = measure(*singles).temperature, measure(mean).temperature
    assert other.sigma_k == pytest.approx(one.sigma_k, rel=0.1)


def test_pulls_of_means_are_those_of_a_normal_distribution():
    pulls = []
    for seed in range(40):
        counts = [raman_counts(3e3, 300.0, 100 * seed + n) for n in range(4)]
        found = measure(frame(np.mean(counts, axis=0), accumulations=4)).temperature
        pulls.append((found.value_k - 300.0) / found.sigma_k)
    assert abs(np.mean(pulls)) < 0.6
    assert 0.7 < np.std(pulls) < 1.4


def test_a_temperature_names_the_calibration_it_rests_on():
    found = measure(*frames_of(4, 1e4, 300.0))
    assert CALIBRATIONS["thermometry.probe"].identity in found.temperature.calibrations
    assert CALIBRATIONS["thermometry.probe"].identity in found.detail


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (lambda: measure(frame(beams=())), Thermometry.WAITING),
        (lambda: measure(frame(raman_counts(60, 300.0))), None),
        (lambda: measure(frame(raman_counts(900, 90.0))), Thermometry.LOW),
        (lambda: measure(frame(), thermometer=Thermometer()), Thermometry.UNCALIBRATED),
        (
            lambda: measure(frame(axis_nm=np.linspace(535.0, 560.0, 1340))),
            Thermometry.OUTSIDE,
        ),
        (
            lambda: measure(frame(np.minimum(60.0 * raman_counts(2e4, 300.0), 65535.0))),
            Thermometry.SATURATED,
        ),
        (
            lambda: measure(frame(quality=Quality.INVALID, reason="shutter")),
            Thermometry.REFUSED,
        ),
        (lambda: measure(frame(beams=("probe", "pump"))), Thermometry.REFUSED),
        (
            lambda: measure(frame(), thermometer=Thermometer(None, CALIBRATIONS)),
            Thermometry.REFUSED,
        ),
        (
            lambda: measure(frame(), thermometer=Thermometer((300.0, 340.0), CALIBRATIONS)),
            Thermometry.REFUSED,
        ),
        (lambda: measure(frame(laser_nm=633.0)), None),
    ],
)
def test_where_there_is_no_temperature_a_reason_stands_and_no_number(found, state):
    readout = found()
    assert readout.temperature is None
    assert state is None or readout.state is state
    assert readout.state is not Thermometry.GOOD
    assert readout.text
    assert "±" not in readout.text


def test_what_is_not_calibrated_says_what_to_do_in_few_words():
    readout = measure(frame(), thermometer=Thermometer())
    assert readout.text == "not calibrated: run 'thermometry_calibration'"
    assert "thermometry.probe" in readout.detail


@settings(max_examples=30, deadline=None)
@given(stokes_e=st.floats(0, 1e5), temperature_k=st.floats(20, 900), seed=st.integers(0, 10_000))
def test_there_is_never_a_number_without_its_error(stokes_e, temperature_k, seed):
    readout = measure(frame(raman_counts(stokes_e, temperature_k, seed)))
    assert (readout.temperature is not None) == bool(NUMBER.search(readout.text))
    if readout.temperature is not None:
        assert readout.temperature.sigma_k > 0


def test_exposures_of_one_condition_are_pooled():
    pooling = Pooling()
    for one in frames_of(5, 1e4, 300.0):
        pooling.add(one)
    assert len(pooling) == 5


@pytest.mark.parametrize(
    "changed",
    [
        {"power_w": 1.2e-4},
        {"exposure_s": 2.0},
        {"beams": ("pump",)},
        {"run": "0001_map", "point": 3},
        {"laser_nm": 633.0},
    ],
)
def test_exposures_of_different_conditions_are_never_pooled(changed):
    pooling = Pooling()
    for one in frames_of(3, 1e4, 300.0):
        pooling.add(one)
    pooling.add(frame(seq=9, **changed))
    assert len(pooling) == 1


def test_points_of_a_run_are_never_pooled():
    pooling = Pooling()
    for point in range(3):
        pooling.add(frame(seq=point, run="0001_map", point=point))
    assert len(pooling) == 1


@pytest.mark.parametrize(
    ("moved", "count"),
    [
        ({"stage.x": 30.2, "cryostat.temperature": 299.0}, 4),
        ({"stage.x": 31.0, "cryostat.temperature": 298.0}, 1),
        ({"stage.x": 30.0, "cryostat.temperature": 250.0}, 1),
    ],
)
def test_exposures_of_another_place_or_temperature_are_never_pooled(moved, count):
    pooling = Pooling()
    for one in frames_of(3, 1e4, 300.0):
        pooling.enter({"stage.x": 30.0, "cryostat.temperature": 298.0})
        pooling.add(one)
    pooling.enter(moved)
    pooling.add(frame(seq=9))
    assert len(pooling) == count


def test_a_slow_drift_does_not_hide_in_small_steps():
    pooling = Pooling()
    for seq in range(1, 12):
        pooling.enter({"stage.x": 0.2 * seq})
        pooling.add(frame(seq=seq))
    assert len(pooling) <= 3


def test_the_same_exposure_is_never_counted_twice():
    pooling = Pooling()
    for _ in range(3):
        pooling.add(frame(seq=7))
    assert len(pooling) == 1


def test_what_is_collected_is_bounded():
    pooling = Pooling(most=10)
    for one in frames_of(25, 1e3, 300.0):
        pooling.add(one)
    assert len(pooling) == 10


def test_electrons_of_a_mean_are_those_of_all_accumulations():
    electrons = electrons_of(pool_of([frame(accumulations=6)]), ())
    single = electrons_of(pool_of([frame()]), ())
    np.testing.assert_allclose(electrons.signal_e, 6 * single.signal_e)
    assert electrons.accumulations == 6


def test_the_full_range_is_what_converter_or_register_holds():
    from labctl.core.spectra import Detector

    detector = Detector(1.0, 4.0, 600.0, 1e6, 20.0)
    assert full_well_part(np.array([65535.0]), detector, 65535) == pytest.approx(1.0)
    assert full_well_part(np.array([65535.0]), detector) < 0.1


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (298.43, 2.14, "298.4 ± 2.1 K"),
        (298.43, 0.214, "298.43 ± 0.21 K"),
        (298.43, 21.4, "298 ± 21 K"),
        (298.43, 214.0, "298 ± 214 K"),
    ],
)
def test_an_error_is_written_with_two_digits(value, sigma, text):
    assert format_uncertain(value, sigma, "K") == text


@pytest.mark.parametrize("sigma", [0.0, -1.0, float("nan"), float("inf")])
def test_a_value_without_a_usable_error_is_not_written(sigma):
    with pytest.raises(ValueError, match="no measured value"):
        format_uncertain(300.0, sigma, "K")
