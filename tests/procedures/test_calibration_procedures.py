"""What calibrations of axis, laser and power find on a simulated table whose truth is known."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from labctl.core.errors import UsageError
from labctl.core.messages import Acquire
from labctl.service import Session
from labctl.station.power import PowerCalibration
from labctl.store import RunReader

STATION = Path(__file__).resolve().parents[2] / "configs" / "simulated.toml"
POWERS_W = (5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3)


@contextmanager
def table(folder, **override):
    override = {name.replace("__", "."): value for name, value in override.items()}
    settings = {"truth": "A", "seed": 1, "override": override}
    with Session(STATION, folder, simulation=settings) as session:
        yield session


def result(session, name, **values):
    done = session.run(name, values)
    assert done.outcome.state.value == "finished", done.outcome.reason
    assert done.analysis_problem == ""
    return done.result


def in_force(session):
    return PowerCalibration.from_calibration(session.station.calibrations.newest("power.probe"))


@pytest.mark.parametrize(("line", "power"), [("rayleigh", 1e-4), ("silicon", 1e-3)])
def test_the_zero_of_a_laser_that_stands_elsewhere_is_found(tmp_path, line, power):
    with table(tmp_path, laser__probe__wavelength_nm=532.15) as session:
        found = result(session, "laser_zero", line=line, power=power)
    numbers = found.numbers
    assert abs(numbers["laser_nm"] - 532.15) < 3 * numbers["laser_sigma_nm"]
    assert numbers["laser_sigma_nm"] < 0.02
    (calibration,) = found.calibrations
    assert calibration.kind == "laser.probe"
    assert calibration.values["wavelength_nm"] == numbers["laser_nm"]
    assert calibration.values["rests_on"], "the axis that it was read from is not named"
    assert numbers["rms_after_cm1"] < 0.3 * numbers["rms_before_cm1"]


def test_a_laser_that_stands_where_it_should_is_left_alone(tmp_path):
    with table(tmp_path) as session:
        found = result(session, "laser_zero", repeats=3)
    assert found.calibrations == ()
    assert abs(found.numbers["zero_cm1"]) < 3 * found.numbers["zero_sigma_cm1"]


def test_spectra_count_shifts_from_an_accepted_zero_and_name_it(tmp_path):
    with table(tmp_path, laser__probe__wavelength_nm=532.15) as session:
        (calibration,) = result(session, "laser_zero").calibrations
        session.station.calibrations.items.append(calibration)
        session.station.channels["probe.power"].set(5e-5)
        spectrum = session.station.acquirers["spectrometer"].acquire(
            Acquire("spectrometer", 0.1, beams=("probe",))
        )
        assert spectrum.laser_nm == calibration.values["wavelength_nm"]
        assert spectrum.calibrations["laser.probe"] == calibration.identity
        again = result(session, "laser_zero")
    assert again.numbers["nominal_nm"] == spectrum.laser_nm
    assert again.calibrations == ()


def test_lamp_lines_correct_a_bent_axis(tmp_path):
    with table(tmp_path, lamp__neon_per_s=2e4, spectrograph__cubic_nm=0.3) as session:
        found = result(session, "lamp_wavelength", degree=3)
        (calibration,) = found.calibrations
        assert found.numbers["lines"] == 6
        assert found.numbers["rms_before_nm"] > 0.1
        assert found.numbers["rms_after_nm"] < 0.005
        known = session.station.calibrations.newest("wavelength")
        others = ("1", "2")
        assert all(
            calibration.values["gratings"][one] == known.values["gratings"][one] for one in others
        )
        session.station.calibrations.items.append(calibration)
        again = result(session, "lamp_wavelength", degree=3)
    assert again.calibrations == ()
    assert again.numbers["rms_before_nm"] < 0.08, "only the position after a move is left"


def test_what_nobody_has_accepted_is_not_corrected_a_second_time(tmp_path):
    with table(tmp_path, lamp__neon_per_s=2e4, spectrograph__cubic_nm=0.3) as session:
        first = result(session, "lamp_wavelength", degree=3)
        known = session.station.calibrations.newest("wavelength")
        second = result(session, "lamp_wavelength", degree=3)
    for found in (first, second):
        (calibration,) = found.calibrations
        assert calibration.values["rests_on"] == [known.identity]
    one, other = (
        found.calibrations[0].values["gratings"]["3"]["polynomial_nm"] for found in (first, second)
    )
    assert other[3] == pytest.approx(one[3], abs=0.02)


def test_an_axis_that_fits_the_lamp_is_left_alone(tmp_path):
    with table(tmp_path, lamp__neon_per_s=2e4) as session:
        assert result(session, "lamp_wavelength").calibrations == ()


def test_a_lamp_that_is_off_is_said_to_be(tmp_path):
    with table(tmp_path) as session:
        done = session.run("lamp_wavelength", {})
    assert "stands out of the noise" in done.analysis_problem
    assert done.result.calibrations == ()


def test_an_attenuator_that_has_slipped_is_found_with_the_pick_off_meter(tmp_path):
    with table(tmp_path, attenuator__probe__zero_deg=12.1) as session:
        (calibration,) = result(session, "power_calibration", powers=POWERS_W).calibrations
        known = PowerCalibration.from_calibration(
            session.station.calibrations.newest("power.probe")
        )
    found = PowerCalibration.from_calibration(calibration)
    assert found.offset_deg == pytest.approx(12.1, abs=0.02)
    assert found.sample_per_meter == known.sample_per_meter
    assert found.sigma_relative == known.sigma_relative


def test_a_power_that_fits_is_left_alone(tmp_path):
    with table(tmp_path) as session:
        assert result(session, "power_calibration", powers=POWERS_W).calibrations == ()


def test_a_meter_at_the_sample_becomes_the_standard(tmp_path):
    # what the pick-off meter shows stays: 0.08 of the light; the objective passes less
    lossy = 0.92 * 0.110 / 0.08
    with table(tmp_path, path__probe__transmission=0.110) as session:
        known = PowerCalibration.from_calibration(
            session.station.calibrations.newest("power.probe")
        )
        readings = tuple(power_w * lossy / known.sample_per_meter for power_w in POWERS_W)
        done = result(session, "power_calibration", powers=POWERS_W, readings=readings)
    found = PowerCalibration.from_calibration(done.calibrations[0])
    assert found.sample_per_meter == pytest.approx(lossy, rel=0.01)
    assert found.transmission == pytest.approx(0.92 * 0.110, rel=0.01)
    assert found.sigma_relative >= 0.03
    assert done.numbers["rms_after_percent"] < 0.1 * done.numbers["rms_before_percent"]


def test_the_shutter_stays_closed_unless_the_beam_is_to_be_shown(tmp_path):
    with table(tmp_path) as session:
        done = session.run("power_calibration", {"powers": POWERS_W[:4]})
        shown = session.run("power_calibration", {"powers": POWERS_W[4:], "show_beam": True})
    points = {}
    for run in (done, shown):
        with RunReader(run.folder) as reader:
            points[run.folder.name] = list(reader.points())
    assert all("spectrum" not in point.data for point in points[done.folder.name])
    assert all(point.data["spectrum"].beams == ("probe",) for point in points[shown.folder.name])


def test_a_reading_is_needed_for_each_power(tmp_path):
    with table(tmp_path) as session, pytest.raises(UsageError, match="as many readings"):
        session.run("power_calibration", {"powers": POWERS_W, "readings": POWERS_W[:5]})
