"""Use a table in this process: defaults, checks before anything moves, what a run records."""

import json
import shutil
from pathlib import Path

import pytest

from labctl.core.errors import (
    ConfigError,
    LimitError,
    PartialData,
    SafetyError,
    StorageError,
    UsageError,
)
from labctl.core.journal import RunState
from labctl.engine import Control, PointCommitted
from labctl.service import Session, open_run

SIMULATED = Path(__file__).resolve().parents[2] / "configs" / "simulated.toml"
QUICK = {"exposure_s": "1 s", "accumulations": 3}
SERIES = {**QUICK, "regions": "mono", "windows": "raman", "refocus": "false"}


def stopping_after(points: int, control: Control):
    """Return an observer that stops a run after some points."""

    def observe(event):
        if isinstance(event, PointCommitted) and event.point.number + 1 == points:
            control.stop("enough")

    return observe


def stopped_run(table: Session, points: int = 1):
    control = Control()
    return table.run(
        "power_series", SERIES, observer=stopping_after(points, control), control=control
    )


def test_without_a_station_file_the_simulated_table_is_used_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Session() as table:
        assert table.station.name == "simulated table"
        assert table.simulated_as == "truth A, seed 1"
        assert table.output == Path("data")
    assert (tmp_path / "data").is_dir()


def test_a_station_file_of_the_working_folder_comes_first(tmp_path, monkeypatch):
    shutil.copytree(SIMULATED.parent, tmp_path / "configs")
    own = tmp_path / "configs" / "simulated.toml"
    own.write_text(own.read_text().replace('"simulated table"', '"my table"', 1))
    monkeypatch.chdir(tmp_path)
    with Session(output="runs") as table:
        assert table.station.name == "my table"


def test_a_run_ends_with_its_files_and_its_state(tmp_path):
    with Session(output=tmp_path) as table:
        run = table.run("spectrum", QUICK)
    run.check()
    assert run.outcome.state is RunState.FINISHED
    assert run.duration_s > 0
    assert {path.name for path in run.files} == {
        "run.sqlite", "0001_spectrum.nxs", "result.json",
    }  # fmt: skip
    with open_run(1, tmp_path) as reader:
        assert [point.kind for point in reader.points()] == ["dark", "measurement"]


def test_what_the_parameters_ask_for_in_vain_is_refused_before_a_run_is_begun(tmp_path):
    with Session(output=tmp_path) as table:
        for name, values, words in [
            ("spectrum", {"power": "5 mW"}, "outside 0 to 0.002 W"),
            ("spectrum", {"region": "monoo"}, "did you mean 'mono'"),
            ("power_series", {"beam": "prob"}, "prob.power"),
            ("temperature_series", {"temperatures": "50 K"}, "50 K is outside"),
        ]:
            with pytest.raises(LimitError, match=words):
                table.run(name, values)
        assert table.runs.runs() == []


def test_what_a_plan_computes_from_dummy_answers_is_not_held_against_it(tmp_path):
    text = SIMULATED.read_text()
    narrow = text.replace(
        'axis = "stage_z"\nlow_um = -1000.0', 'axis = "stage_z"\nlow_um = -4.0'
    ).replace("backlash_um = 5.0", "backlash_um = 1.0")
    assert narrow.count("-4.0") == 1
    shutil.copytree(SIMULATED.parent / "calibrations", tmp_path / "calibrations")
    station = tmp_path / "narrow.toml"
    station.write_text(narrow)
    with Session(station, tmp_path / "runs") as table:
        values = {**SERIES, "refocus": "true"}
        # on spectra without signal the focus search wanders off to the end of the stage
        assert any("stage.z" in text for text in table.dry_run("power_series", values).violations)
        control = Control()
        run = table.run(
            "power_series", values, observer=stopping_after(1, control), control=control
        )
    assert run.outcome.points == 1


def test_a_run_records_the_truth_and_the_seed_that_were_simulated(tmp_path):
    with Session(output=tmp_path, simulation={"truth": "C", "seed": 7}) as table:
        assert table.simulated_as == "truth C, seed 7"
        table.run("spectrum", QUICK).check()
    with open_run(1, tmp_path) as reader:
        recorded = reader.station["simulation"]
    assert (recorded["truth"], recorded["seed"]) == ("C", 7)


def test_a_run_goes_on_from_its_own_folder_with_its_own_truth_and_seed(tmp_path, monkeypatch):
    with Session(output=tmp_path / "runs", simulation={"truth": "C", "seed": 7}) as table:
        run = stopped_run(table)
    with pytest.raises(PartialData, match="1 points kept") as error:
        run.check()
    assert f"labctl resume {run.folder}" in str(error.value)
    monkeypatch.chdir(tmp_path)
    session, folder = Session.for_run(str(run.folder))
    with session as table:
        assert table.output == tmp_path / "runs"
        assert table.simulated_as == "truth C, seed 7"
        finished = table.resume(folder)
    finished.check()
    assert finished.outcome.points == 6
    assert not (tmp_path / "data").exists()
    with open_run(1, tmp_path / "runs") as reader:
        second = reader.starts[1]
        assert second.gap_s is not None
        assert second.gap_s >= 0
        utc = [point.utc for point in reader.points()]
    assert utc == sorted(utc)
    assert finished.duration_s > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("", ""), "finished"),
        (('name = "simulated table"', 'name = "another"'), "not at 'another'"),
    ],
)
def test_a_run_that_cannot_go_on_is_refused_before_any_port_is_opened(tmp_path, change, words):
    with Session(output=tmp_path / "runs") as table:
        run = table.run("spectrum", QUICK) if words == "finished" else stopped_run(table)
    shutil.copytree(SIMULATED.parent / "calibrations", tmp_path / "calibrations")
    station = tmp_path / "station.toml"
    unreachable = SIMULATED.read_text().replace("sim://tpg261", "/dev/ttyNOWHERE")
    station.write_text(unreachable.replace(*change, 1))
    with pytest.raises(UsageError, match=words):
        Session.for_run(str(run.folder), station)


def test_a_run_that_is_being_written_is_not_resumed(tmp_path):
    with Session(output=tmp_path) as table:
        seen = []

        def observe(event):
            if isinstance(event, PointCommitted) and not seen:
                with pytest.raises(StorageError, match="is being written by process") as error:
                    Session.for_run("1", output=tmp_path)
                seen.append(error)

        table.run("spectrum", QUICK, observer=observe).check()
    assert seen


def test_a_damaged_calibration_of_the_output_folder_opens_no_port(tmp_path):
    (tmp_path / "calibrations").mkdir()
    (tmp_path / "calibrations" / "odd.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"odd\.json: not a calibration"):
        Session(output=tmp_path)


def test_virtual_time_goes_on_where_the_folder_left_off(tmp_path):
    with Session(output=tmp_path) as table:
        table.run("spectrum", QUICK).check()
        ended = table.station.clock.utc()
    with Session(output=tmp_path) as table:
        again = table.station.clock.utc()
    assert abs((ended - again).total_seconds()) < 60
    with Session(output=tmp_path / "elsewhere") as table:
        assert table.station.clock.utc() < again


def test_leaving_a_table_that_is_not_known_to_be_safe_says_so(tmp_path):
    session = Session(output=tmp_path)
    shutter = session.station._instruments["probe_shutter"].instrument
    shutter.adapter.close()
    shutter.adapter.write = shutter.adapter.write_bytes = refuse
    with pytest.raises(SafetyError, match="probe: close the shutter"), session:
        pass


def refuse(*_: object) -> None:
    raise StorageError("the line is cut")


def test_an_analysis_without_its_calibration_costs_no_point(tmp_path):
    with Session(output=tmp_path) as table:
        run = table.run("power_series", {**SERIES, "powers": "100 uW"})
    run.check()
    assert "thermometry.probe" in run.analysis_problem
    kept = json.loads((run.folder / "result.json").read_text())
    assert kept["problem"] == run.analysis_problem
    assert run.outcome.points > 1


def test_an_export_that_fails_does_not_hide_that_the_points_are_safe(tmp_path):
    with Session(output=tmp_path) as table:
        (tmp_path / "calibrations").write_text("a file where calibrations would go")
        table.run("spectrum", QUICK).check()
        folder = next(tmp_path.glob("*/*/*")) / "0002_spectrum"

        def block(event):
            if isinstance(event, PointCommitted):
                (folder / "0002_spectrum.nxs").mkdir(exist_ok=True)

        run = table.run("spectrum", QUICK, observer=block)
    with pytest.raises(StorageError, match="all 2 points are safe") as error:
        run.check()
    assert f"labctl runs export {folder}" in str(error.value)
