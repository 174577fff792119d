"""`labctl queue run` and `labctl report --night` from the command line."""

import json

import pytest
import typer
from typer.testing import CliRunner

from labctl.cli.night import queue_run, report
from labctl.core.errors import PartialData, UsageError

QUEUE = """
format = 1

[[item]]
label = "first"
procedure = "spectrum"
parameters = { exposure_s = "2 s", accumulations = 3 }

[[item]]
kind = "pause"
label = "look"

[[item]]
label = "second"
procedure = "spectrum"
parameters = { exposure_s = "2 s", accumulations = 3, region = "weak" }
"""


@pytest.fixture
def labctl(tmp_path):
    app = typer.Typer()
    app.command("run")(queue_run)
    app.command("report")(report)
    file = tmp_path / "night.toml"
    file.write_text(QUEUE, encoding="utf-8")

    def labctl(command, *options):
        output = ["--output", str(tmp_path / "data")]
        files = [str(file)] if command == "run" and "again" not in options else []
        options = [option for option in options if option != "again"]
        return CliRunner().invoke(app, [command, *files, *output, *options], catch_exceptions=True)

    return labctl


def test_a_queue_file_runs_from_the_command_line_to_its_report(labctl):
    result = labctl("run", "--continue", "--pause", "1 min", "--json")
    assert result.exit_code == 0, result.exception
    told = json.loads(result.stdout)
    assert [one["state"] for one in told["items"]] == ["finished"] * 3
    assert told["points"] == 4
    again = labctl("report", "--night", "--json")
    assert json.loads(again.stdout)["page"] == told["report"]


def test_without_somebody_at_the_pause_the_rest_waits_for_the_next_command(labctl):
    first = labctl("run", "--pause", "10 s", "--json")
    assert [one["state"] for one in json.loads(first.stdout)["items"]] == ["finished"] * 2
    second = labctl("run", "again", "--json")
    (one,) = json.loads(second.stdout)["items"]
    assert (one["label"], one["state"]) == ("second", "finished")


def test_what_is_typed_wrong_is_refused_before_a_port_is_opened(labctl, tmp_path):
    assert isinstance(labctl("run", "--pause", "an hour").exception, UsageError)
    assert isinstance(labctl("report").exception, UsageError)
    assert not (tmp_path / "data").exists()


def test_items_that_do_not_finish_give_the_exit_code_of_partial_data(labctl, tmp_path):
    late = QUEUE.replace(
        'region = "weak" }', 'region = "weak" }\nconditions = { deadline = "+1 s" }'
    )
    (tmp_path / "night.toml").write_text(late, encoding="utf-8")
    error = labctl("run", "--continue").exception
    assert isinstance(error, PartialData)
    assert error.exit_code == 7
    assert "1 of 3 items did not finish" in error.message
