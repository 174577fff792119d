"""Look at what commands print: one object for programs, whole rows for pipes."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import labctl

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "h5py", "jinja2", "matplotlib", "numpy", "pint", "pydantic", "pymeasure", "pyvisa", "rich",
    "scipy", "serial", "xarray",
}  # fmt: skip


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one_run")
    done = labctl("run spectrum --output runs --set exposure_s='1 s' --json", folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def refuse_nan(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("procedures --json", "power_series"),
        ("procedures show power_series --json", "parameters"),
        ("runs list --output runs --json", "runs"),
        ("runs show 1 --output runs --json", "states"),
        ("runs export 1 --output runs --format csv --json", "files"),
        ("sim parameters --json", "parameters"),
        ("sim truth --region mono --power '100 uW' --json", "t_wse2_k"),
        ("doctor --json", "instruments"),
        ("run spectrum --output runs --dry-run --json", "moves"),
        ("run spectrum --output runs --set exposure_s='1 s' --json", "points"),
    ],
)
def test_json_is_one_object_and_nothing_else(command, key, one_run):
    done = labctl(command, one_run[0])
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout, parse_constant=refuse_nan)
    assert isinstance(shown, dict)
    assert shown[key] not in (None, [], {})


def test_progress_goes_to_standard_error_with_the_time_left(one_run):
    done = labctl("run spectrum --output runs --set exposure_s='1 s'", one_run[0])
    assert "points" in done.stderr
    assert "left (table time)" in done.stderr
    assert "left" not in done.stdout


def test_a_pipe_gets_whole_rows_without_frames_or_colours(one_run):
    done = labctl("procedures show power_series", one_run[0])
    header = next(line for line in done.stdout.splitlines() if line.startswith("parameter"))
    assert header.split() == ["parameter", "unit", "default", "allowed", "meaning"]
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("powers")]
    assert "30 µW, 100 µW, 200 µW, 300 µW" in row
    assert row.endswith("Powers at the sample")
    assert not set(done.stdout) & set("│┃━─\x1b")


def test_a_calibration_of_the_command_before_is_used(tmp_path):
    measured = labctl(
        "run thermometry_calibration --output runs --json --set accumulations=4"
        " --set temperatures='225 K, 298 K, 375 K'",
        tmp_path,
    )
    assert measured.returncode == 0, measured.stderr
    (calibration,) = json.loads(measured.stdout)["calibrations"]
    used = labctl(
        "run power_series --output runs --json --set regions=mono --set windows=raman"
        " --set refocus=false --set accumulations=4 --set powers='200 uW, 300 uW'",
        tmp_path,
    )
    assert used.returncode == 0, used.stderr
    temperatures = json.loads(used.stdout)["temperatures"]
    assert temperatures
    assert all(calibration["identity"] in one["calibrations"] for one in temperatures)


def test_commands_work_in_any_folder_without_a_station_file(tmp_path):
    assert labctl("doctor --quiet", tmp_path).returncode == 0
    own = (ROOT / "configs" / "simulated.toml").read_text(encoding="utf-8")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "simulated.toml").write_text(own.replace("clock =", "clok ="))
    done = labctl("doctor", tmp_path)
    assert done.returncode == 3
    assert "configs/simulated.toml:23: simulation.clok" in done.stderr


@pytest.mark.parametrize(
    "command", ["--help", "run --help", "runs list --help", "demo --help", "runn", "run"]
)
def test_help_and_usage_load_no_heavy_library(command):
    code = (
        "import atexit, sys; from labctl.cli.main import main;"
        "atexit.register(lambda: print('MODULES', *sys.modules)); main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *shlex.split(command)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    modules = done.stdout.rpartition("MODULES")[2].split()
    assert "labctl.cli.main" in modules
    # typer itself wants pydantic for the options of a command
    allowed = set() if command == "--help" else {"pydantic"}
    assert not HEAVY & set(modules) - allowed


def test_the_package_itself_imports_no_library():
    code = "import sys, labctl; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = {name for name in done.stdout.split() if not name.startswith("__editable__")}
    loaded = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert loaded <= {"labctl", "__main__", "sitecustomize", "_distutils_hack"}
    assert {name for name in modules if name.startswith("labctl.")} == set()
