"""Ctrl-C and `kill` during an exposure of `labctl run`, against a table in another process."""

import json
import os
import signal
import subprocess
import sys

import pytest
from table_process import TableProcess

SPEED = 20.0
LONG = ["--set", "exposure_s=40 s", "--set", "accumulations=1"]
ABORTED = 6
PARTIAL = 7


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    with TableProcess(tmp_path_factory.mktemp("table"), SPEED, procedures=("procedures",)) as table:
        yield table


class Command:
    """Hold one `labctl` in a process of its own."""

    def __init__(self, *words: str) -> None:
        program = "import sys; from labctl.cli.main import main; sys.exit(main())"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NO_COLOR": "1"},
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error."""
        output, errors = self.process.communicate(timeout=40)
        return self.process.returncode, output, errors


def run(table, output, *settings):
    return Command(
        "run", "spectrum", "--station", table.station, "--output", output, *settings, "--json"
    )


def exposures(table, since):
    return sum(action.is_exposure for action in table.actions(since))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_an_exposure_closes_the_shutters_and_the_run_can_go_on(
    table, tmp_path, number
):
    name = f"interrupted by {number.name}"
    table.mark(name)
    with run(table, tmp_path, *LONG) as command:
        table.await_exposure(name)
        assert table.mark(f"signal after {name}")["open"] == ["probe"]
        command.send(number)
        if number == signal.SIGINT:
            # once stops after the point, twice aborts
            assert "Ctrl-C again aborts" in read_until(command, "again")
            command.send(number)
        code, _, errors = command.end()
    assert table.mark("after the abort") == {"open": [], "emitting": [], "moving": []}
    assert code == ABORTED, errors
    assert "Traceback" not in errors
    go_on(table, tmp_path, f"resumed after {name}")


def go_on(table, output, name):
    """Resume the run, with the one exposure that was not committed."""
    table.mark(name)
    options = ["--station", table.station, "--output", output, "--json"]
    with Command("resume", "1", *options) as command:
        code, text, errors = command.end()
    assert code == 0, errors
    assert json.loads(text)["points"] == 2
    assert exposures(table, name) == 1
    assert table.mark("after the resumed run") == {"open": [], "emitting": [], "moving": []}


def test_one_ctrl_c_ends_the_run_after_the_point(table, tmp_path):
    table.mark("stopped")
    with run(table, tmp_path, "--set", "exposure_s=20 s", "--set", "accumulations=1") as command:
        table.await_exposure("stopped", dark=True)
        command.send(signal.SIGINT)
        code, _, errors = command.end()
    assert code == PARTIAL, errors
    assert "labctl resume" in errors
    assert "Traceback" not in errors
    assert exposures(table, "stopped") == 1
    assert table.mark("after the stop") == {"open": [], "emitting": [], "moving": []}


def test_a_new_run_after_kill_9_closes_the_shutter_before_it_moves(table, tmp_path):
    table.mark("left open")
    with run(table, tmp_path, *LONG) as command:
        table.await_exposure("left open")
        command.send(signal.SIGKILL)
        command.end()
    assert table.mark("begun anew")["open"] == ["probe"]
    settings = ["--set", "exposure_s=1 s", "--set", "accumulations=1", "--set", "region=strong"]
    with run(table, tmp_path, *settings) as command:
        code, _, errors = command.end()
    assert code == 0, errors
    moves = [action for action in table.actions("begun anew") if action.is_move]
    assert moves
    assert not any(action.open for action in moves)


def read_until(command, word):
    """Return the lines of standard error up to the first one with a word."""
    lines = ""
    for line in command.process.stderr:
        lines += line
        if word in line:
            break
    return lines
