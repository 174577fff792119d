"""End commands from outside: Ctrl-C, a shutdown, a terminal or a reader that goes away."""

import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from labctl.core.clock import RealClock
from labctl.core.journal import RunState
from labctl.store.reader import RunReader

SIMULATED = Path(__file__).resolve().parents[2] / "configs" / "simulated.toml"
LABCTL = [sys.executable, "-m", "labctl.cli.main"]
SERIES = ["run", "power_series", "--output", "runs"]
SERIES += ["--set", "regions=mono", "--set", "windows=raman", "--set", "refocus=false"]
SERIES += ["--set", "exposure_s=30 s"]


def heed_ctrl_c() -> None:
    # a test suite in the background ignores Ctrl-C, and children inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def slow_station(tmp_path):
    """Return a station file whose table is slow enough to be interrupted: 75 ms an exposure."""
    shutil.copytree(SIMULATED.parent / "calibrations", tmp_path / "calibrations")
    text = SIMULATED.read_text(encoding="utf-8")
    assert 'clock = "virtual"' in text
    text = text.replace('clock = "virtual"', 'clock = "scaled"').replace(
        "speed = 1.0", "speed = 400.0"
    )
    station = tmp_path / "station.toml"
    station.write_text(text, encoding="utf-8")
    return station


def interrupt(station: Path, first: int, second: int | None = None) -> tuple[int, str]:
    """Send a signal after the first point, and another one once the first was answered."""
    process = subprocess.Popen(
        [*LABCTL, *SERIES, "--station", str(station)],
        cwd=station.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "1/6 points" in line:
            # the line is printed before the point is quite over: let the next exposure begin
            RealClock().sleep(0.5)
            process.send_signal(first)
            if second is None:
                break
        if "Ctrl-C again aborts" in line and second is not None:
            process.send_signal(second)
            break
    _, rest = process.communicate(timeout=50)
    return process.returncode, said + rest


def the_run(folder: Path) -> tuple[RunState, int, set[object]]:
    """Return state, points and shutters at the end of the one run of a folder."""
    (run,) = (folder / "runs").glob("*/*/*/*_*")
    with RunReader(run) as reader:
        end = reader.end_snapshot
        shutters = {end[f"{beam}.shutter"].value for beam in ("probe", "pump")}
        assert len(list(reader.points())) == len(reader)
        return reader.state, len(reader), shutters


def test_ctrl_c_stops_after_the_point_and_the_run_can_go_on(slow_station):
    code, said = interrupt(slow_station, signal.SIGINT)
    assert code == 7
    assert "stopping after this point" in said
    assert "kept: stopped by Ctrl-C" in said
    assert "labctl resume" in said
    assert "Traceback" not in said
    state, points, shutters = the_run(slow_station.parent)
    # the signal may still have reached the point that was just committed
    assert (state, shutters) == (RunState.STOPPED, {"closed"})
    assert points in (1, 2)
    hurry = slow_station.read_text(encoding="utf-8").replace('"scaled"', '"virtual"')
    slow_station.write_text(hurry, encoding="utf-8")
    resume = [*LABCTL, "resume", "1", "--output", "runs", "--station", str(slow_station), "--json"]
    done = subprocess.run(
        resume, cwd=slow_station.parent, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["points"] == 6


@pytest.mark.parametrize(
    ("first", "second"),
    [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, None), (signal.SIGHUP, None)],
    ids=["Ctrl-C twice", "SIGTERM", "SIGHUP"],
)
def test_an_abort_breaks_into_the_exposure_with_the_shutters_closed(slow_station, first, second):
    code, said = interrupt(slow_station, first, second)
    assert code == 6, said
    assert "1 point kept" in said
    assert "labctl resume" in said
    assert "Traceback" not in said
    assert the_run(slow_station.parent) == (RunState.ABORTED, 1, {"closed"})


def test_ctrl_c_before_anything_runs_is_exit_code_130(slow_station):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        text = slow_station.read_text(encoding="utf-8").replace(
            'clock = "scaled"', 'clock = "real"'
        )
        slow_station.write_text(text.replace("sim://spectrapro", address), encoding="utf-8")
        process = subprocess.Popen(
            [*LABCTL, "doctor", "--station", str(slow_station)],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_ctrl_c,
        )
        connection, _ = silent.accept()
        with connection:
            connection.recv(1)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == "labctl: interrupted"


@pytest.mark.parametrize("command", ["sim parameters", "sim parameters --json", "--help"])
def test_a_reader_that_goes_away_ends_the_output_quietly(command):
    with subprocess.Popen(
        [*LABCTL, *command.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 0
    assert said == ""


def test_a_run_whose_output_nobody_reads_is_finished_all_the_same(tmp_path):
    process = subprocess.Popen(
        [*LABCTL, "run", "spectrum", "--output", "runs", "--set", "exposure_s=1 s"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert process.wait(50) == 0
    assert the_run(tmp_path) == (RunState.FINISHED, 2, {"closed"})


def test_a_narrow_terminal_shows_the_whole_table_and_no_colour_with_no_color():
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*LABCTL, "procedures", "show", "spectrum"],
        stdout=theirs,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "TERM": "xterm-256color"},
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass
    finally:
        os.close(ours)
        process.wait(30)
    assert process.returncode == 0
    text = shown.decode().replace("\r", "")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", text), "colour"
    lines = re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert any("accumulations" in line for line in lines)
