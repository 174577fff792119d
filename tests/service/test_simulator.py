"""Offer the simulated table by itself."""

import tomllib
from pathlib import Path

import pytest

from labctl.core.clock import VirtualClock
from labctl.core.errors import ConfigError
from labctl.service.examine import examine_station
from labctl.service.simulator import (
    ServedTable,
    parameter_entries,
    simulation_for,
    simulation_of,
    true_state,
)
from labctl.station import read_station_file

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SIMULATED = CONFIGS / "simulated.toml"


def test_a_served_table_answers_through_the_station_file_that_it_prints(tmp_path):
    with ServedTable(SIMULATED, speed=500.0) as table:
        text = table.station_text()
        station = tmp_path / "served.toml"
        station.write_text(text)
        rows = examine_station(station)
    assert all(row.ok for row in rows), rows
    assert len(rows) == 15
    resources = {one["resource"] for one in tomllib.loads(text)["instruments"].values()}
    assert all(name.startswith(("tcp://127.0.0.1:", "sdk+tcp://127.0.0.1:")) for name in resources)


def test_the_printed_station_file_has_the_clock_of_the_served_table_and_no_truth():
    with ServedTable(SIMULATED, speed=500.0, changes={"truth": "B"}) as table:
        simulation = tomllib.loads(table.station_text())["simulation"]
        origin_utc = table.clock.origin_utc
    assert simulation == {"clock": "scaled", "speed": 500, "origin_utc": origin_utc}


def test_truth_and_seed_go_over_what_the_file_says():
    simulation = simulation_of(SIMULATED, VirtualClock(), {"truth": "B", "seed": None})
    assert (simulation.settings.truth, simulation.settings.seed) == ("B", 1)


def test_a_real_table_has_no_truth_to_change():
    path = CONFIGS / "example-table.toml"
    file = read_station_file(path)
    assert simulation_for(path, file, VirtualClock()) is None
    with pytest.raises(ConfigError, match="truth cannot be changed"):
        simulation_for(path, file, VirtualClock(), {"truth": "B"})
    with pytest.raises(ConfigError, match="describes a real table"):
        simulation_of(path, VirtualClock())


def test_the_three_truths_differ_where_light_meets_the_sample():
    cold = {
        truth: true_state(SIMULATED, truth, "intermediate", 200e-6, 0.0, 298.0).t_wse2_k
        for truth in "ABC"
    }
    assert cold["A"] < 298.0 <= min(cold["B"], cold["C"])


def test_every_number_of_the_table_has_a_name_a_value_and_a_meaning():
    entries = parameter_entries()
    assert len({entry.name for entry in entries}) == len(entries) > 100
    assert all(entry.description for entry in entries)
