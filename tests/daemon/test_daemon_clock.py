from datetime import datetime, timedelta

import pytest

from labctl.core.clock import RealClock, ScaledClock, suspended_s
from labctl.core.errors import ConfigError
from labctl.service.daemon import station_clock
from labctl.service.daemon.station_clock import clock_fields, make_clock, speed_of, store_clock
from labctl.service.daemon.vigil import Vigil
from labctl.service.queue.database import StationDatabase
from labctl.station import read_station_file


@pytest.fixture
def database(tmp_path):
    with StationDatabase(tmp_path / "station.sqlite") as database:
        yield database


def test_a_clock_goes_on_after_a_restart(database):
    first = make_clock(50.0, database, None)
    store_clock(database, clock_fields(first), first.utc())
    again = make_clock(50.0, database, None)
    assert abs((again.utc() - first.utc()).total_seconds()) < 5.0
    assert clock_fields(again) == clock_fields(first)


def test_a_clock_never_begins_before_what_was_stamped(database, monkeypatch):
    monkeypatch.setattr(station_clock, "SAME_ORIGIN_S", 0.0)
    later = RealClock().utc() + timedelta(days=3)
    for last in (None, later):
        store_clock(database, {"speed": 50.0, "origin_utc": "none"}, later)
        assert make_clock(50.0, database, last).utc() >= later
    assert make_clock(20.0, database, later + timedelta(days=1)).utc() >= later + timedelta(days=1)


def test_two_processes_make_the_same_clock(database):
    clock = make_clock(50.0, database, None)
    fields = clock_fields(clock)
    other = ScaledClock(fields["speed"], datetime.fromisoformat(fields["origin_utc"]))
    assert abs((other.utc() - clock.utc()).total_seconds()) < 5.0
    assert clock_fields(RealClock())["speed"] == 1.0


@pytest.mark.parametrize("text", ["{", "[]", '{"speed": 50.0}', '{"stored_utc": 5}'])
def test_a_stored_clock_that_cannot_be_read_is_made_anew(database, text):
    with database.transaction() as db:
        db.execute("INSERT INTO settings(name, value) VALUES ('clock', ?)", (text,))
    assert abs((make_clock(50.0, database, None).utc() - RealClock().utc()).total_seconds()) < 60.0


def test_only_a_simulated_table_runs_faster_than_the_wall():
    simulated = read_station_file("configs/simulated.toml")
    assert speed_of(simulated, None) == 10.0
    assert speed_of(simulated, 3.0) == 3.0
    real = simulated.model_copy(update={"simulation": None})
    assert speed_of(real, None) == 1.0
    with pytest.raises(ConfigError, match="clock of the wall"):
        speed_of(real, 3.0)


def test_a_gap_in_time_is_noticed_once(monkeypatch):
    vigil = Vigil(5.0)
    assert vigil.gap_s() == 0.0
    before = suspended_s()
    monkeypatch.setattr("labctl.service.daemon.vigil.suspended_s", lambda: before + 60.0)
    assert vigil.gap_s() == pytest.approx(60.0, abs=1.0)
    assert vigil.gap_s() == 0.0
