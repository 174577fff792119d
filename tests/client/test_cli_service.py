"""The command line reaches a served table."""

import io
import json
import threading

import pytest
import typer
from scripted_table import alarm, running

from labctl.cli import control, queue, watch_live
from labctl.core.errors import ConnectionFailed, SafetyError, UsageError
from labctl.core.items import ItemState
from labctl.core.status import SafetyStatus


@pytest.fixture
def cli(api, scripted, capsys):
    """Return a function that runs a command and returns what it printed."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.add_typer(queue.app, name="queue")
    app.add_typer(control.tokens, name="tokens")
    for name in ("status", "pause", "stop", "abort", "safe", "audit", "acknowledge"):
        app.command(name)(getattr(control, name))
    app.command("continue")(control.continue_)
    app.command("watch")(watch_live.watch)

    def run(*words):
        app([*words, "--data", str(scripted.place.data)], standalone_mode=False)
        printed = capsys.readouterr()
        return printed.out if printed.out else printed.err

    return run


def first_id(out):
    return out.split()[1]


def test_an_item_is_added_listed_edited_and_brought_back(cli):
    out = cli(
        "queue", "add", "power_series", "--set", "powers=1 uW, 10 uW", "--label", "flake-7",
        "--retry", "2", "--retry-wait", "5 min", "--on-failure", "pause", "--not-before", "+2 h",
    )  # fmt: skip
    assert out.startswith("added ")
    assert "power_series [flake-7]: powers=1 uW, 10 uW" in out
    item = json.loads(cli("queue", "show", first_id(out), "--json"))
    assert item["conditions"]["retry"] == {"most": 2, "wait_s": 300.0}
    assert item["conditions"]["on_failure"] == "pause"
    assert item["conditions"]["not_before"]
    cli("queue", "edit", item["id"][:6], "--set", "powers=2 uW", "--not-before", "")
    changed = json.loads(cli("queue", "show", item["id"], "--json"))
    assert changed["parameters"] == {"powers": "2 uW"}
    assert changed["conditions"]["not_before"] is None
    assert changed["conditions"]["retry"]["most"] == 2
    assert "undone: edit" in cli("queue", "undo")
    listed = cli("queue", "list")
    assert listed.splitlines()[0] == "Queue"
    assert item["id"] in listed
    assert "powers=1 uW, 10 uW" in listed


def test_items_are_moved_duplicated_removed_and_cleared(cli):
    ids = [first_id(cli("queue", "add", "dual_beam", "--label", f"flake-{n}")) for n in range(3)]
    cli("queue", "pause", "look at the sample", "--at", "0")
    cli("queue", "move", ids[2], "--to", "0")
    order = [one["id"] for one in json.loads(cli("queue", "list", "--json"))["items"]]
    assert order[0] == ids[2]
    cli("queue", "duplicate", ids[0])
    assert "removed" in cli("queue", "remove", ids[0], ids[1])
    assert cli("queue", "clear").count("removed") == 3
    assert "nothing to do" in cli("queue", "clear")


def test_a_queue_goes_into_a_file_and_comes_back(cli, tmp_path):
    for label in ("one", "two"):
        cli("queue", "add", "dual_beam", "--label", label)
    file = tmp_path / "night.toml"
    assert cli("queue", "export", str(file)).strip() == str(file)
    cli("queue", "clear")
    file.write_text(file.read_text().replace('"two"', '"three"'))
    out = cli("queue", "import", str(file))
    assert out.count("added") == 2
    assert out.count("IN QUARANTINE") == 1
    states = [one["state"] for one in json.loads(cli("queue", "list", "--json"))["items"]]
    assert states == ["waiting", "quarantined"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("queue", "list", "--state", "waitin"), "did you mean 'waiting'"),
        (("queue", "remove", "zz"), "no item begins with 'zz'"),
        (("queue", "remove", "0123456789ab"), "no item '0123456789ab'"),
        (("queue", "add", "dual_beam", "--not-before", "22:00"), "zone is missing"),
        (("queue", "add", "dual_beam", "--retry-wait", "5 apples"), "5 apples"),
        (("queue", "add", "dual_beem"), "unknown procedure"),
        (("tokens", "revoke", "0123456789ab"), "no token"),
        (("queue", "undo"), "nothing to undo"),
    ],
)
def test_what_is_wrong_is_said(cli, words, text):
    with pytest.raises(UsageError, match=text):
        cli(*words)


def test_the_status_says_the_state_of_the_beams_first(cli, scripted):
    scripted.becomes(**running(scripted.clock), alarms=(alarm(3),))
    out = cli("status")
    lines = out.splitlines()
    assert "RUNNING" in lines[0]
    assert "cryostat temperature is unstable" in lines[1]
    assert any("beam probe" in line and "OPEN" in line and "50 µW" in line for line in lines)
    assert any("13/20 points, 65 %, 19 min left" in line for line in lines)
    assert any("77.43 K, 2 s old" in line for line in lines)
    found = json.loads(cli("status", "--json"))
    assert found["run"]["name"] == "0127_power-series_flake-7"


def test_a_latch_is_shouted(cli, scripted):
    scripted.becomes(safety=SafetyStatus(latched=True, reason="the door was opened"))
    assert "LATCHED, shutters stay closed: the door was opened" in cli("status")


def test_control_commands_are_given(cli, scripted):
    cli("pause", "--now")
    cli("continue")
    cli("stop", "--after", "point")
    cli("abort", "--reason", "enough")
    assert [call[0] for call in scripted.calls] == [
        "pause", "proceed", "stop_after_point", "abort_now",
    ]  # fmt: skip


def test_safe_is_confirmed_or_fails_with_what_is_not(cli, scripted):
    assert "confirmed by the service" in cli("safe")
    scripted.unconfirmed = ["shutter of probe: no reply"]
    with pytest.raises(SafetyError, match="shutter of probe: no reply") as caught:
        cli("safe")
    assert caught.value.exit_code == 5
    assert "by hand" in caught.value.remedy


def test_safe_says_that_it_could_do_nothing(cli, api, scripted):
    from labctl.store.lock import FileLock

    api.close()
    lock = FileLock(scripted.place.data / "station" / "service.lock", "the station")
    try:
        with pytest.raises(SafetyError, match="NOT CONFIRMED: process"):
            cli("safe")
    finally:
        lock.release()


def test_safe_needs_no_service(tmp_path, capsys, monkeypatch):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(control.safe)
    app(["--data", str(tmp_path)], standalone_mode=False)
    assert "confirmed by this process" in capsys.readouterr().out


def test_a_token_is_printed_once(cli):
    secret = cli("tokens", "add", "phone of Ada", "--role", "operate", "--days", "7").strip()
    assert secret.startswith("labctl_")
    listed = cli("tokens", "list")
    assert "phone of Ada" in listed
    assert secret.split("_", 2)[2] not in listed
    assert "revoked" in cli("tokens", "revoke", secret.split("_")[1])
    assert "revoked" in cli("tokens", "list")
    audit = cli("audit", "--verify")
    assert "tokens.add" in audit
    assert "unbroken" in audit


def test_an_alarm_is_acknowledged(cli, scripted):
    scripted.becomes(alarms=(alarm(3),))
    assert "acknowledged by" in cli("acknowledge", "3")


def test_without_a_service_every_command_says_how_to_start_one(tmp_path):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(control.status)
    with pytest.raises(ConnectionFailed, match="no service runs"):
        app(["--data", str(tmp_path)], standalone_mode=False)


def test_a_watch_in_a_pipe_tells_every_change_once(cli, scripted, monkeypatch):
    lines = []

    def collect(line):
        lines.append(line)
        if "finished" in line:
            raise KeyboardInterrupt

    monkeypatch.setattr(watch_live, "emit", collect)

    def happen():
        scripted.becomes(**running(scripted.clock))
        scripted.says("point", run="0127_power-series", number=13)
        scripted.says("run", run="0127_power-series", ended=ItemState.FINISHED.value)

    threading.Timer(0.3, happen).start()
    cli("watch")
    assert lines[0] == "idle"
    assert "0127_power-series: point 13 is safe" in lines
    assert len(lines) == len(set(lines))


def test_a_watch_for_programs_is_one_object_a_line(cli, scripted, monkeypatch):
    lines = []

    def collect(line):
        lines.append(json.loads(line))
        raise KeyboardInterrupt

    monkeypatch.setattr(watch_live, "emit", collect)
    cli("watch", "--json")
    assert lines[0]["kind"] == "status"
    assert lines[0]["version"] == 1


def test_the_screen_shows_progress_trend_and_a_lost_connection(scripted):
    from rich.console import Console

    from labctl.client import Event

    screen = watch_live.Screen({"values": {"cryostat": [77.0, None, 77.2, 78.0]}})
    scripted.becomes(**running(scripted.clock))
    screen.take(Event("status", scripted.status().model_dump(mode="json")))
    screen.take(Event("point", {"run": "x", "number": 13}))
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(screen.render())
    text = console.export_text()
    assert "13/20 points" in text
    assert "77 K to 78 K" in text
    assert "x: point 13 is safe" in text
    assert "DISCONNECTED" not in text
    screen.take(Event("lost", {"reason": "gone"}))
    console.print(screen.render())
    assert "DISCONNECTED" in console.export_text()


@pytest.mark.parametrize("values", [[1.0], [1.0, 1.0], [0.0, 0.0], list(range(1000)), [-5.0, 5.0]])
def test_a_sparkline_has_its_width_at_most(values):
    drawn = watch_live.sparkline([float(v) for v in values], 48)
    assert 1 <= len(drawn) <= 48
    assert set(drawn) <= set(watch_live.BLOCKS)
