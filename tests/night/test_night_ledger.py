"""What a spot of the sample has seen: dose, thermal cycles, reference signals."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.core.messages import Acquire
from labctl.engine import PointCommitted
from labctl.service.night.ledger import Entry, Ledger, count_reversals, spot_name
from labctl.service.night.meter import DoseMeter
from labctl.service.night.runner import QueueRunner
from labctl.service.night.settings import LedgerSettings
from labctl.service.queue.database import StationDatabase

PLACES = {"mono": {"x_um": 30.0, "y_um": 0.0}, "substrate": {"x_um": 0.0, "y_um": 0.0}}


@pytest.fixture
def ledger(tmp_path):
    with StationDatabase(tmp_path / "station.sqlite") as database:
        settings = LedgerSettings(
            spot_radius_um=1.0, dose_limit_j_per_cm2=1e6, cycles_limit=2, cycle_k=30.0
        )
        yield Ledger(database, settings)


def dose(value, spot="mono (30, 0) µm", point=0, run="0001_spectrum", beam="probe"):
    return Entry(spot, "dose", value, "J", run, point, "2026-01-01T00:00:00+00:00", beam)


def test_doses_of_one_point_and_beam_add_up_and_divide_by_the_area_of_the_spot(ledger):
    ledger.add([dose(0.01), dose(0.02, beam="pump")])
    ledger.add([dose(0.01)])
    assert ledger.dose_j("mono (30, 0) µm") == {"probe": 0.02, "pump": 0.02}
    (spot,) = ledger.spots()
    assert spot.total_j_per_cm2 == pytest.approx(0.04 / (math.pi * 1e-8))


def test_a_limit_is_warned_of_before_it_is_exceeded(ledger):
    limit_j = 1e6 * math.pi * 1e-8
    ledger.add([dose(0.9 * limit_j)])
    assert ledger.warnings({"mono (30, 0) µm": {"probe": 0.05 * limit_j}}) == []
    (warning,) = ledger.warnings({"mono (30, 0) µm": {"probe": 0.2 * limit_j}})
    assert "1.1e+06 J/cm²" in warning
    assert ledger.warnings({"elsewhere": {"probe": 0.2 * limit_j}}) == []


def test_the_ledger_survives_the_process(tmp_path):
    path = tmp_path / "station.sqlite"
    with StationDatabase(path) as database:
        Ledger(database, LedgerSettings()).add([dose(0.5)])
    with StationDatabase(path, read_only=True) as database:
        assert Ledger(database, LedgerSettings()).dose_j("mono (30, 0) µm") == {"probe": 0.5}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([298.0], 0), ([298.0, 80.0], 1), ([298.0, 80.0, 298.0], 2),
        ([298.0, 270.0, 298.0], 0), ([298.0, 250.0, 270.0, 250.0, 200.0, 298.0], 2),
        ([298, 280, 260, 240, 260, 280, 298, 250], 3), ([], 0),
    ],
)  # fmt: skip
def test_thermal_half_cycles_are_counted_with_hysteresis(values, expected):
    assert count_reversals(values, 30.0) == expected


@given(st.lists(st.floats(4.0, 400.0), max_size=60))
def test_small_wiggles_never_count_as_thermal_cycles(values):
    coarse = count_reversals(values, 30.0)
    doubled = [value for value in values for _ in range(2)]
    assert count_reversals(doubled, 30.0) == coarse
    assert count_reversals([298.0 + value / 100.0 for value in values], 30.0) == 0
    assert count_reversals(values[::-1], 30.0) == coarse


def test_cycles_of_the_sample_are_warned_of(ledger):
    for point, value in enumerate([298.0, 80.0, 298.0, 80.0, 298.0]):
        entry = Entry("sample", "temperature", value, "K", "0001_x", point, "2026-01-01T00:00:00")
        ledger.add([entry])
    assert ledger.thermal_cycles() == 2.0
    assert "2 thermal cycles" in ledger.warnings({})[0]


@pytest.mark.parametrize(
    ("x_um", "y_um", "name"),
    [
        (30.4, -0.3, "mono (30, 0) µm"),
        (31.2, 0.0, "(31, 0) µm"),
        (-0.2, 0.1, "substrate (0, 0) µm"),
    ],
)
def test_a_spot_is_a_place_to_one_micrometre(x_um, y_um, name):
    assert spot_name(x_um, y_um, PLACES) == name


def test_the_meter_counts_what_the_sample_gets_and_also_what_broke_off(evening, item):
    with evening() as night:
        night.queue.add([item(parameters={"power": 100e-6, "exposure_s": 4.0})])
        runner = QueueRunner(night.session, night.queue)
        runner.run().check()
        true_j = sum(
            frame["power_w"]["probe"] * frame["open"]["probe"] * frame["exposure_s"]
            for frame in night.table.truth.exposures
        )
        whole = runner.ledger.dose_j("mono (30, 0) µm")["probe"]
        assert whole == pytest.approx(true_j, rel=0.03)

        meter = DoseMeter(night.session.station, runner.ledger)
        meter.count_broken("mono (30, 0) µm", Acquire("spectrometer", 10.0, 3, ("probe",)), 7.0)
        meter.flush()
        # no power was asked of this meter: the most that is allowed is assumed
        broken = runner.ledger.dose_j("mono (30, 0) µm")["probe"] - whole
        assert broken == pytest.approx(0.002 * 7.0)


def test_an_exposure_from_which_nothing_came_counts_as_dose_all_the_same(evening, item):
    with evening() as night:
        faults = night.table.simulation.sdks["andor"].faults
        night.queue.add([item(parameters={"power": 100e-6, "exposure_s": 4.0})])

        def spoil(event):
            if isinstance(event, PointCommitted):
                faults.zero_frames = True

        runner = QueueRunner(night.session, night.queue, observer=spoil)
        runner.run()
        true_j = sum(
            frame["power_w"]["probe"] * frame["open"]["probe"] * frame["exposure_s"]
            for frame in night.table.truth.exposures
        )
        counted_j = runner.ledger.dose_j("mono (30, 0) µm")["probe"]
        assert true_j > 1e-3
        assert 0.97 * true_j <= counted_j <= 1.5 * true_j


def test_references_of_a_run_are_entered_with_their_signal(evening, item):
    parameters = {
        "regions": ["mono"], "powers": [300e-6], "windows": ["raman"], "refocus": False,
        "reference_every": 1, "exposure_s": 10.0,
    }  # fmt: skip
    with evening() as night:
        night.queue.add([item("power_series", parameters=parameters)] * 1)
        runner = QueueRunner(night.session, night.queue)
        runner.run().check()
        (entry,) = runner.ledger.entries("reference raman")
        assert entry.spot == "mono (30, 0) µm"
        assert entry.unit == "e/s/W"
        assert 0 < entry.sigma < 0.1 * entry.value
