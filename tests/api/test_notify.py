"""People who are not there are told; who is told never slows a run, and no secret leaks."""

import http.server
import json
import logging
import threading
from typing import ClassVar

import pytest
from scripted_table import alarm, running

from labctl.core.clock import RealClock, VirtualClock
from labctl.core.errors import ConfigError
from labctl.core.status import QueueStatus, SafetyStatus, StationState
from labctl.service import notify
from labctl.service.notify import (
    Channel,
    Notice,
    Notifier,
    NotifySettings,
    read_notify_file,
    send_with_apprise,
)
from labctl.service.watcher import SOURCE, Watcher

# Apprise loads all its services at once, some by old modules of Python
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")

CLOCK = RealClock()
SECRET = "topsecrettoken"


def settings(*names, kinds=notify.KINDS, **more):
    channels = tuple(
        Channel(name=name, url=f"json://localhost/{name}", kinds=kinds) for name in names
    )
    return NotifySettings(channel=channels, **more)


class Sent:
    """Take notices in place of the services on the internet."""

    def __init__(self, refuses=()):
        self.notices = []
        self.refuses = set(refuses)

    def __call__(self, channel, notice):
        if channel.name in self.refuses:
            return False
        self.notices.append((channel.name, notice.kind, notice.title, notice.text))
        return True

    def wait(self, count, longest_s=15.0):
        end_s = CLOCK.monotonic_s() + longest_s
        while len(self.notices) < count:
            assert CLOCK.monotonic_s() < end_s, self.notices
            CLOCK.sleep(0.01)
        return self.notices


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(notify, "PAUSES_S", (0.01, 0.01))
    monkeypatch.setattr("labctl.service.watcher.LOOK_S", 0.02)


def test_each_channel_gets_what_it_wants():
    chosen = NotifySettings(
        channel=(
            Channel(name="phone", url="json://localhost", kinds=("alarm",)),
            Channel(name="mail", url="json://localhost"),
        )
    )
    sent = Sent()
    with Notifier(chosen, send=sent) as notifier:
        assert notifier.tell("alarm", "vacuum", "pressure is 1 Pa")
        assert notifier.tell("report", "morning", "all is well")
    assert [(name, kind) for name, kind, *_ in sent.notices] == [
        ("phone", "alarm"), ("mail", "alarm"), ("mail", "report"),
    ]  # fmt: skip


def test_without_channels_nothing_is_sent():
    with Notifier(NotifySettings(), send=Sent()) as notifier:
        assert not notifier.tell("alarm", "x", "y")


def test_the_same_alarm_is_not_told_again_at_once_but_later():
    clock, sent = VirtualClock(), Sent()
    with Notifier(settings("phone", again_s=900.0), send=sent, clock=clock) as notifier:
        assert notifier.tell("alarm", "a", "same")
        assert not notifier.tell("alarm", "a", "same")
        assert notifier.tell("alarm", "a", "other")
        clock.sleep(901.0)
        assert notifier.tell("alarm", "a", "same")
    assert len(sent.notices) == 3


def test_a_second_channel_takes_what_the_first_does_not():
    sent, failures = Sent(refuses={"phone"}), []
    with Notifier(settings("phone", "mail"), send=sent, on_failure=failures.append) as notifier:
        notifier.tell("failed", "run", "gone")
    assert [name for name, *_ in sent.notices] == ["mail"]
    assert failures == []


def test_what_nobody_takes_becomes_an_alarm_at_the_table():
    sent, failures = Sent(refuses={"phone", "mail"}), []
    with Notifier(settings("phone", "mail"), send=sent, on_failure=failures.append) as notifier:
        notifier.tell("failed", "the run failed", "gone")
        notifier.tell("done", "the next", "fine")
    assert len(failures) == 2
    assert "nobody could be told of 'the run failed': phone, mail" in failures[0]


def test_a_channel_that_was_away_is_tried_again():
    sent, tries = Sent(), []

    def flaky(channel, notice):
        tries.append(channel.name)
        return len(tries) > 2 and sent(channel, notice)

    with Notifier(settings("phone"), send=flaky) as notifier:
        notifier.tell("done", "x", "y")
        sent.wait(1)
    assert len(tries) == 3


def test_a_plug_in_that_raises_does_not_end_the_notices(caplog):
    def broken(channel, notice):
        raise RuntimeError(f"https://user:{SECRET}@host")

    failures = []
    with Notifier(settings("phone"), send=broken, on_failure=failures.append) as notifier:
        notifier.tell("done", "x", "y")
        notifier.tell("done", "z", "y")
    assert len(failures) == 2
    assert SECRET not in caplog.text
    assert "RuntimeError" in caplog.text


def test_telling_never_waits_and_keeps_the_newest():
    gate, sent = threading.Event(), Sent()

    def stuck(channel, notice):
        gate.wait(20)
        return sent(channel, notice)

    with Notifier(settings("phone"), send=stuck) as notifier:
        begun_s = CLOCK.monotonic_s()
        for number in range(500):
            notifier.tell("done", f"{number}", "")
        assert CLOCK.monotonic_s() - begun_s < 2.0
        gate.set()
    titles = [title for _, _, title, _ in sent.notices]
    assert titles[-1] == "499"
    assert len(titles) <= notify.MOST_WAITING + 1


class Receiver(http.server.BaseHTTPRequestHandler):
    got: ClassVar = []

    def do_POST(self):
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_apprise_delivers_over_the_network(caplog):
    caplog.set_level(logging.DEBUG)
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        url = f"json://user:{SECRET}@127.0.0.1:{server.server_port}/"
        notice = Notice("alarm", "vacuum", "1 Pa")
        assert send_with_apprise(Channel(name="hook", url=url), notice)
        thread.join(10)
    assert Receiver.got[0]["title"] == "vacuum"
    assert Receiver.got[0]["message"] == "1 Pa"
    assert Receiver.got[0]["type"] == "failure"
    assert SECRET not in caplog.text


def test_a_service_that_is_not_there_is_not_a_success():
    assert not send_with_apprise(
        Channel(name="hook", url="json://127.0.0.1:9/"), Notice("done", "x", "y")
    )


def test_the_file_is_read_and_its_secrets_are_not_shown(tmp_path):
    path = tmp_path / "notify.toml"
    assert read_notify_file(path) == NotifySettings()
    path.write_text(
        'silence_s = "20 min"\n[[channel]]\nname = "phone"\n'
        f'url = "json://user:{SECRET}@localhost/"\nkinds = ["alarm", "report"]\n'
    )
    path.chmod(0o600)
    found = read_notify_file(path)
    assert found.silence_s == 1200.0
    assert found.channel[0].kinds == ("alarm", "report")
    assert SECRET not in f"{found} {found!r} {found.model_dump_json()}"


def test_a_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "notify.toml"
    path.write_text("")
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="can be read by others"):
        read_notify_file(path)


@pytest.mark.parametrize(
    "text",
    [
        "channel = 1",
        "[[channel]]\nname = 'x'",
        f"[[channel]]\nname = 'x'\nurl = '{SECRET}'\n",
        f"[[channel]]\nname = 'x'\nurl = 'nosuchservice://{SECRET}'\n",
        f"[[channel]]\nname = 'x'\nurl = 'json://{SECRET}'\nkinds = ['never']\n",
        f"unknown = '{SECRET}'",
        "silence_s = nan",
        "[" * 3000,
        "\x00",
    ],
    ids=range(9),
)
def test_a_wrong_file_is_refused_without_its_secrets(tmp_path, text):
    path = tmp_path / "notify.toml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        read_notify_file(path)
    assert "notify.toml" in caught.value.message
    assert SECRET not in str(caught.value)


@pytest.fixture
def watched(scripted):
    """Return a table that is followed, and what was told of it."""
    sent = Sent()
    notifier = Notifier(settings("phone", silence_s=0.3), send=sent)
    with notifier, Watcher(scripted, notifier):
        yield scripted, sent


def test_a_failed_run_is_told_with_its_reason(watched):
    table, sent = watched
    table.says("run", item="x", run="0127_power-series", ended="failed", reason="the lamp went out")
    table.says("run", item="y", run="0128_power-series", ended="finished", reason="")
    table.says("run", item="z", run="0129_power-series")
    assert sent.wait(1) == [
        ("phone", "failed", "scripted table: 0127_power-series failed", "the lamp went out")
    ]


def test_the_end_of_the_queue_is_told_once(watched):
    table, sent = watched
    table.becomes(**running(CLOCK))
    CLOCK.sleep(0.1)
    for ended in ("finished", "finished", "skipped"):
        table.says("run", item="x", run="y", ended=ended, reason="r")
    table.becomes(state=StationState.IDLE, run=None, queue=QueueStatus())
    done = [one for one in sent.wait(2) if one[1] == "done"]
    assert done == [("phone", "done", "scripted table: the queue is done", "2 finished, 1 skipped")]
    CLOCK.sleep(0.2)
    assert len([one for one in sent.notices if one[1] == "done"]) == 1


def test_an_alarm_is_told_once_also_when_it_is_acknowledged(watched):
    table, sent = watched
    one = alarm(5, remedy="look at the pump")
    table.becomes(alarms=(one,))
    table.says("alarm", **one.model_dump(mode="json"))
    table.says("alarm", **one.model_copy(update={"acknowledged_by": "Ada"}).model_dump(mode="json"))
    sent.wait(1)
    CLOCK.sleep(0.2)
    assert len(sent.notices) == 1
    assert "look at the pump" in sent.notices[0][3]


def test_an_alarm_that_nobody_could_be_told_of_is_not_told(watched):
    table, sent = watched
    table.says("alarm", **alarm(5, source=SOURCE).model_dump(mode="json"))
    table.says("alarm", **alarm(6, level="info").model_dump(mode="json"))
    table.says("alarm", **alarm(7, "real").model_dump(mode="json"))
    assert [one[3] for one in sent.wait(1)] == ["real"]


def test_a_latch_is_told(watched):
    table, sent = watched
    table.becomes(safety=SafetyStatus(latched=True, reason="the door was opened"))
    assert sent.wait(1)[0][3] == "the door was opened"


def test_a_run_that_gives_no_point_is_told_once_until_it_does(watched):
    table, sent = watched
    table.becomes(**running(CLOCK))
    first = sent.wait(1)[0]
    assert first[1] == "silence"
    assert "0127_power-series_flake-7" in first[3]
    CLOCK.sleep(0.5)
    assert len(sent.notices) == 1


def test_a_run_that_gives_points_is_not_silent(watched):
    table, sent = watched
    table.becomes(**running(CLOCK))
    for number in range(12):
        table.says("point", number=number)
        CLOCK.sleep(0.05)
    assert sent.notices == []
