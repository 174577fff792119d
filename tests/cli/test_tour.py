"""Walk the tour of wrong inputs in tour.toml as a new user would: one process for each command."""

import shutil
import socket
import sqlite3
import tomllib
from pathlib import Path

import pytest
from cli_process import labctl

from labctl.engine import PointCommitted
from labctl.service import Control, Session
from labctl.store.reader import RunReader

HERE = Path(__file__).resolve().parent
SIMULATED = HERE.parents[1] / "configs" / "simulated.toml"
CASES = tomllib.loads((HERE / "tour.toml").read_text(encoding="utf-8"))["case"]
JARGON = ("Traceback", "pydantic", "Input should", "validation error", "[Errno", "unexpected ")


@pytest.fixture(scope="module")
def prepared_runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("prepared")
    control = Control()

    def stop_early(event):
        if isinstance(event, PointCommitted):
            control.stop("enough")

    with Session(SIMULATED, root) as table:
        table.run("spectrum", {"exposure_s": "1 s", "accumulations": 3}).check()
        few = {"exposure_s": "1 s", "regions": "mono", "windows": "raman", "refocus": "false"}
        run = table.run("power_series", few, observer=stop_early, control=control)
    for number in (3, 4):
        shutil.copytree(run.folder, run.folder.with_name(f"000{number}_power-series"))
    damaged = run.folder.with_name("0003_power-series") / "run.sqlite"
    damaged.write_bytes(damaged.read_bytes()[:5000])
    with sqlite3.connect(run.folder.with_name("0004_power-series") / "run.sqlite") as db:
        db.execute("UPDATE points SET crc = crc + 1")
    db.close()
    return root


@pytest.fixture
def places(tmp_path, prepared_runs):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    shutil.copytree(prepared_runs, tmp_path / "runs")
    names = {name: tmp_path / name for name in ("file", "folder", "runs", "output")}
    return {**names, "station": tmp_path / "station.toml", "closed_port": port}


def contents(root: Path) -> dict[str, object]:
    """Return the points of every run that can be read, bit by bit."""
    found: dict[str, object] = {}
    for folder in sorted(root.glob("*/*/*/*_*")):
        db = sqlite3.connect(f"file:{folder / 'run.sqlite'}?mode=ro", uri=True)
        try:
            found[folder.name] = db.execute("SELECT number, payload, crc FROM points").fetchall()
        except sqlite3.DatabaseError as error:
            found[folder.name] = str(error)
        finally:
            db.close()
    return found


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def write_station(case: dict, tmp_path: Path, places: dict) -> None:
    text = SIMULATED.read_text(encoding="utf-8")
    for old, new in case["edit"]:
        assert old in text, f"{old!r} is no longer in configs/simulated.toml"
        text = text.replace(old, new.format(**places), 1)
    shutil.copytree(SIMULATED.parent / "calibrations", tmp_path / "calibrations")
    places["station"].write_text(text, encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_wrong_input_gives_one_message_and_its_exit_code(case, tmp_path, places):
    if "edit" in case:
        write_station(case, tmp_path, places)
    write_files(tmp_path, case.get("files", {}))
    for command, code in case.get("before", []):
        done = labctl(command.format(**places), tmp_path)
        assert done.returncode == code, done.stderr
    write_files(tmp_path, case.get("files_between", {}))
    before = contents(places["runs"])

    done = labctl(case["command"].format(**places), tmp_path, case.get("limit_kb"))

    assert done.returncode == case["exit"], done.stderr
    for words in case["says"]:
        assert words.format(**places) in done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("labctl: ")][1:] == []
    assert done.stderr.count("Remedy:") == 1, done.stderr
    assert not [word for word in JARGON if word in done.stderr + done.stdout]
    if case.get("runs") == "none":
        assert not list(places["output"].glob("*/*/*/*"))
    if case.get("runs") == "kept":
        assert contents(places["runs"]) == before
    for command, words in case.get("then", []):
        after = labctl(command.format(**places), tmp_path)
        assert after.returncode == 0, after.stderr
        assert words in after.stdout


def test_the_table_says_something_of_every_exit_code_that_a_wrong_input_has():
    assert {case["exit"] for case in CASES} == {1, 2, 3, 4, 5}
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names)


def test_a_run_that_an_interlock_ended_left_the_shutters_closed(tmp_path):
    text = SIMULATED.read_text(encoding="utf-8")
    shutil.copytree(SIMULATED.parent / "calibrations", tmp_path / "calibrations")
    station = tmp_path / "station.toml"
    station.write_text(text.replace("high = 120000.0 ", "high = 1e-9 ").replace("pause", "abort"))
    done = labctl(f"run spectrum --station {station} --output runs", tmp_path)
    assert done.returncode == 5
    (folder,) = (tmp_path / "runs").glob("*/*/*/*_*")
    with RunReader(folder) as reader:
        end = reader.end_snapshot
    assert [end[f"{beam}.shutter"].value for beam in ("probe", "pump")] == ["closed", "closed"]
