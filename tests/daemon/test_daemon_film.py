"""A live view films: beams stay open for many exposures, each shown when it comes."""

from pathlib import Path

import numpy as np
import pytest

from labctl.core.errors import LimitError
from labctl.core.messages import Acquire
from labctl.core.readings import Quality
from labctl.core.spectra import Frame, Spectrum
from labctl.service.daemon.film import MOST, Film
from labctl.service.session import Session

CONFIG = Path(__file__).parents[2] / "configs" / "simulated.toml"


@pytest.fixture(scope="module")
def station(tmp_path_factory):
    with Session(CONFIG, tmp_path_factory.mktemp("film")) as session:
        session.station.channels["probe.power"].set(1e-4)
        yield session.station


def request(**changes):
    return Acquire("spectrometer", **({"exposure_s": 0.5, "accumulations": 4} | changes))


def shutters(station):
    return {name: station.channels[f"{name}.shutter"].read().value for name in ("probe", "pump")}


def test_a_camera_that_cools_down_is_not_waited_for_and_its_counts_are_doubted(tmp_path):
    with Session(CONFIG, tmp_path) as session:
        station = session.station
        assert station.is_patient
        station.is_patient = False
        clock = station.clock
        before_s = clock.monotonic_s()
        exposure = station.acquirers["spectrometer"].acquire(request())
        assert clock.monotonic_s() - before_s < 60.0
        assert exposure.quality is Quality.UNCERTAIN
        assert "not locked at 198.15 K" in exposure.reason


def test_each_exposure_is_shown_when_it_comes(station):
    shown = []
    station.acquirers["spectrometer"].watch(request(beams=("probe",)), shown.append)
    assert len(shown) == 4
    assert all(isinstance(one, Spectrum) and one.accumulations == 1 for one in shown)
    assert all(one.quality is Quality.GOOD and one.beams == ("probe",) for one in shown)
    # each is an exposure of its own, at its own time
    assert len({one.counts.tobytes() for one in shown}) == 4
    assert [one.monotonic_s for one in shown] == sorted({one.monotonic_s for one in shown})
    assert shown[0].settings["probe_power_w"] == pytest.approx(1e-4, rel=0.02)
    assert shutters(station) == {"probe": "closed", "pump": "closed"}


def test_images_are_shown_too(station):
    shown = []
    station.acquirers["spectrometer"].watch(request(mode="image", accumulations=2), shown.append)
    assert [one.counts.shape for one in shown] == [(1, 400, 1340)] * 2
    assert all(isinstance(one, Frame) for one in shown)
    # what is not lit has bias and read noise, and the lit rows are where they belong
    assert np.median(shown[0].counts) == pytest.approx(600, abs=2)


def test_who_has_seen_enough_ends_the_film_with_the_beams_closed(station):
    class EnoughError(Exception):
        pass

    shown = []

    def show(exposure):
        shown.append(exposure)
        if len(shown) == 2:
            assert shutters(station)["probe"] == "open"
            raise EnoughError

    acquirer = station.acquirers["spectrometer"]
    with pytest.raises(EnoughError):
        acquirer.watch(request(beams=("probe",), accumulations=50), show)
    assert len(shown) == 2
    assert shutters(station) == {"probe": "closed", "pump": "closed"}
    # and the camera is there for the next exposure
    assert acquirer.acquire(request()).quality is Quality.GOOD


def test_what_may_not_be_exposed_is_not_filmed(station):
    with pytest.raises(LimitError, match="no beam"):
        station.acquirers["spectrometer"].watch(request(beams=("blue",)), print)


@pytest.mark.parametrize(
    ("cycle_s", "speed", "pace_s", "length"),
    [
        # first a short one, to see how fast the table is
        (0.6, 20.0, 0.0, 2),
        (0.6, 20.0, 0.03, 33),
        (60.0, 1.0, 60.0, 1),
        (0.0, 1.0, 0.001, MOST),
        # an image every 42 ms, of a table that needs 52: the last is 1 s of the clock late
        (2.1, 50.0, 0.052, 3),
        (2.1, 50.0, 0.5, 1),
    ],
)
def test_a_film_lasts_a_second_unless_the_table_cannot_keep_up(cycle_s, speed, pace_s, length):
    assert Film(cycle_s, speed).length(pace_s) == length
