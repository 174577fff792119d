"""A script does with a served table what it could do beside it."""

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_table import alarm, running, write_calibration, write_run

import labctl
from labctl.client.connection import Address, Connection
from labctl.client.events import parse_events
from labctl.client.finding import find_service
from labctl.core.errors import (
    ConfigError,
    ConnectionFailed,
    LimitError,
    PartialData,
    RunAborted,
    SafetyError,
    UsageError,
)
from labctl.core.items import ItemState, QueueItem, new_item_id
from labctl.core.status import StationState
from labctl.service.api.server import ApiServer
from labctl.service.daemon.bus import Bus


@pytest.fixture
def quick(monkeypatch):
    """Let a job look often."""
    monkeypatch.setattr("labctl.client.runs.POLL_S", 0.01)


def end(scripted, state, run="", reason=""):
    """Let the queue's next item run to an end."""
    item = scripted.queue.claim()
    if run:
        scripted.queue.attach_run(item.id, run)
    scripted.queue.finish(item.id, state, run, reason)


def test_a_job_leads_to_a_run_that_opens_as_xarray(table, scripted, quick):
    job = table.queue.add("dual_beam", powers="1 uW, 10 uW", label="flake-7")
    folder = write_run(scripted)
    threading.Timer(0.1, end, (scripted, ItemState.FINISHED, folder.name)).start()
    run = job.wait(20.0)
    assert run.name == folder.name
    assert run.folder == folder
    data = run.to_xarray()
    assert list(data["power"].values) == [0.0, 1e-6, 2e-6]
    assert folder.name in run._repr_html_()
    assert [one["number"] for one in table.points(run.name, first=1)] == [1, 2]
    assert [one["run"] for one in table.runs()] == [run.name]


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (ItemState.ABORTED, RunAborted),
        (ItemState.FAILED, labctl.core.errors.LabctlError),
        (ItemState.INTERRUPTED, PartialData),
    ],
)
def test_a_job_that_did_not_finish_raises_with_its_reason(table, scripted, quick, state, error):
    job = table.queue.add("dual_beam")
    end(scripted, state, reason="the lamp went out")
    with pytest.raises(error, match="the lamp went out"):
        job.wait(20.0)


def test_a_wait_ends_with_its_time_and_says_why_nothing_happens(table, scripted, quick):
    job = table.queue.add("dual_beam")
    with pytest.raises(TimeoutError, match="still waiting"):
        job.wait(0.05)


def test_errors_arrive_in_the_class_that_they_were_raised_in(table, scripted):
    with pytest.raises(UsageError, match="unknown procedure") as caught:
        table.queue.add("power_serie")
    assert caught.value.remedy == "look them up"
    with pytest.raises(LimitError):
        table.set("probe.power", 7.0)
    with pytest.raises(SafetyError, match="interlock"):
        table.reset_latch()
    scripted.trouble = RunAborted("gone", remedy="x")
    with pytest.raises(RunAborted):
        table.pause()


def test_the_queue_is_edited_as_if_it_were_here(table):
    jobs = [table.queue.add("dual_beam", label=f"flake-{n}") for n in range(3)]
    pause = table.queue.insert_pause("look at the sample", at=0)
    assert [one.id for one in table.queue.list()] == [pause.id, *(job.id for job in jobs)]
    table.queue.move([jobs[2].id], 0)
    table.queue.edit(jobs[0].id, label="flake-9", conditions={"on_failure": "stop"})
    copy = table.queue.duplicate(jobs[0].id)
    assert copy.item.label == "flake-9"
    assert copy.item.conditions.on_failure == "stop"
    table.queue.remove([copy.id])
    assert "undone: remove" in table.queue.undo()
    assert len(table.queue.list(["waiting"])) == 5
    assert len(table.queue.clear()) == 5
    assert table.queue.list() == []


def test_more_items_than_fit_in_a_request_are_added_in_order(table):
    items = [
        QueueItem(id=new_item_id(), procedure="dual_beam", label=f"{n}", parameters={"n": n})
        for n in range(1203)
    ]
    items[7] = items[7].model_copy(
        update={"state": ItemState.QUARANTINED, "reason": "altered by hand"}
    )
    table.queue.add_all(items)
    listed = table.queue.list()
    assert [one.id for one in listed] == [one.id for one in items]
    assert listed[7].state is ItemState.QUARANTINED
    assert listed[7].reason == "altered by hand"


def test_commands_reach_the_table(table, scripted):
    table.start()
    table.pause("now")
    table.proceed()
    table.stop()
    table.stop("point")
    table.abort("enough")
    table.attach()
    table.read("cryostat.temperature")
    table.acquire(1.0, beams=["probe"])
    table.start_live(0.1)
    table.stop_live()
    table.release()
    assert table.safe() == []
    names = [call[0] for call in scripted.calls]
    assert names == [
        "start_queue", "pause", "proceed", "stop_after_run", "stop_after_point", "abort_now",
        "attach", "read_channel", "acquire", "start_live", "stop_live", "release", "safe",
    ]  # fmt: skip
    assert table.estimate("dual_beam", {"n": 1})["points"] == 3


def test_alarms_tokens_and_the_audit_are_at_hand(table, scripted):
    scripted.becomes(alarms=(alarm(3),))
    assert table.acknowledge(3).acknowledged_by
    made = table.add_token("phone", "operate", 7.0)
    assert [one["name"] for one in table.tokens()] == ["phone"]
    assert table.revoke_token(made["id"])["valid"] is False
    commands = [one["command"] for one in table.audit()["entries"]]
    assert commands == [f"tokens.{made['id']}.revoke", "tokens.add", "alarms.3.acknowledge"]
    assert table.prove_audit()["entries"] == 3


def test_a_late_listener_gets_a_snapshot_and_then_what_follows(table, scripted):
    scripted.says("point", run="x", number=0)
    with table.events(["point", "state"]) as stream:
        events = iter(stream)
        first = next(events)
        assert first.kind == "status"
        contained = first.data["seq"]
        scripted.says("point", run="x", number=1)
        scripted.becomes(**running(scripted.clock))
        points, states = [], []
        for event in events:
            points += [event.data["number"]] if event.kind == "point" else []
            states += [event.data["state"]] if event.kind == "status" else []
            if states and states[-1] == StationState.RUNNING:
                break
    assert points == [0, 1][contained:]


def test_a_listener_gets_every_point_across_a_lost_connection(table, scripted, api):
    with table.events(["point"]) as stream:
        events = iter(stream)
        assert next(events).kind == "status"
        scripted.says("point", run="x", number=0)
        assert next(event for event in events if event.kind == "point").data["number"] == 0
        # the connection breaks, and points are committed meanwhile
        stream._open.sock.shutdown(2)
        for number in range(1, 200):
            scripted.says("point", run="x", number=number)
        # a snapshot may have been on its way
        assert next(one.kind for one in events if one.kind != "status") == "lost"
        found = []
        for event in events:
            found += [event.data["number"]] if event.kind == "point" else []
            if found and found[-1] == 199:
                break
    assert found == list(range(1, 200))


def test_a_listener_that_missed_too_much_is_told_to_read_again(table, scripted):
    with table.events(["point"]) as stream:
        events = iter(stream)
        next(events)
        scripted.says("point", run="x", number=0)
        next(event for event in events if event.kind == "point")
        stream._open.sock.shutdown(2)
        for number in range(1, 3000):
            scripted.says("point", run="x", number=number)
        kinds = []
        for event in events:
            kinds.append(event.kind)
            if event.kind == "resync":
                break
    assert "point" not in kinds


def test_a_service_that_was_started_anew_gives_a_new_snapshot(table, scripted, api):
    with table.events(["point"]) as stream:
        events = iter(stream)
        next(events)
        for number in range(5):
            scripted.says("point", run="x", number=number)
        while next(events).data.get("number") != 4:
            pass
        api.close()
        assert next(event for event in events if event.kind == "lost")
        scripted.boot, scripted.bus = "another start", Bus()
        with ApiServer(scripted):
            fresh = next(event for event in events if event.kind == "status")
            assert fresh.data["boot"] == "another start"
            scripted.says("point", run="y", number=0)
            assert next(one for one in events if one.kind == "point").data["run"] == "y"


def test_a_command_whose_answer_was_lost_is_carried_out_once(table, scripted, api, monkeypatch):
    connection = table._connection
    ask, asked = connection._ask, []

    def lossy(method, target, body, headers, timeout_s):
        answer = ask(method, target, body, headers, timeout_s)
        if method == "POST":
            asked.append(headers["Idempotency-Key"])
            if len(asked) == 1:
                raise ConnectionFailed("the answer was lost")
        return answer

    monkeypatch.setattr(connection, "_ask", lossy)
    job = table.queue.add("dual_beam")
    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert [one.id for one in table.queue.list()] == [job.id]


def test_a_command_is_not_repeated_to_a_service_that_was_started_anew(table, scripted, monkeypatch):
    connection = table._connection
    ask = connection._ask

    def lossy(method, target, body, headers, timeout_s):
        answer = ask(method, target, body, headers, timeout_s)
        if method == "POST":
            scripted.boot = "another start"
            raise ConnectionFailed("the answer was lost")
        return answer

    monkeypatch.setattr(connection, "_ask", lossy)
    with pytest.raises(ConnectionFailed, match="lost"):
        table.queue.add("dual_beam")
    assert len(table.queue.list()) == 1


def test_without_a_service_the_remedy_says_how_to_start_one(tmp_path):
    with pytest.raises(ConnectionFailed, match="no service runs") as caught:
        labctl.connect(tmp_path)
    assert "labctl serve" in caught.value.remedy


def test_a_service_that_has_gone_is_told_apart(scripted):
    with ApiServer(scripted):
        pass
    with pytest.raises(ConnectionFailed, match="no service answers"):
        labctl.connect(scripted.place.data)


def test_without_the_socket_the_loopback_serves(scripted, api):
    scripted.place.socket.unlink()
    with labctl.connect(scripted.place.data) as table:
        assert table.me()["is_present"] is True


def test_a_token_makes_a_lesser_client(table, scripted):
    secret = table.add_token("phone", "view", 1.0)["secret"]
    with labctl.connect(scripted.place.data, token=secret) as lesser:
        assert lesser.me()["role"] == "view"
        with pytest.raises(UsageError, match="role operate"):
            lesser.pause()
    with pytest.raises(UsageError, match="unknown, revoked or expired"):
        labctl.connect(scripted.place.data, token="labctl_x")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://x",
        "https://",
        "https://host:99999",
        "https://host/path",
        "http://host:1",
        "https://[::",
    ],
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(UsageError):
        find_service(address)


def test_a_token_is_not_shown():
    address = Address(host="h", port=1, is_tls=True, token="secret")
    assert "secret" not in f"{address} {address!r}"


def test_the_environment_says_where_the_service_is(monkeypatch):
    monkeypatch.setenv("LABCTL_URL", "https://table.example.org:8443")
    monkeypatch.setenv("LABCTL_TOKEN", "t")
    found = find_service()
    assert (found.host, found.port, found.is_tls, found.token) == (
        "table.example.org", 8443, True, "t",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{", '{"port": "x"}', "\x00"])
def test_a_damaged_file_of_the_service_is_named(tmp_path, text):
    (tmp_path / "station").mkdir()
    (tmp_path / "station" / "service.json").write_text(text)
    with pytest.raises(ConfigError, match=r"service\.json"):
        find_service(tmp_path)


@given(st.binary(max_size=300))
def test_any_stream_is_events_or_a_lost_connection(raw):
    import io

    try:
        for event in parse_events(io.BytesIO(raw)):
            assert isinstance(event.data, dict)
    except ConnectionFailed:
        return


def test_times_in_conditions_arrive_as_they_were_given(table):
    after = datetime(2027, 1, 31, 22, 0, tzinfo=UTC)
    job = table.queue.add("dual_beam", conditions={"not_before": after.isoformat()})
    assert job.item.conditions.not_before == after


def test_a_connection_can_be_used_from_threads(table):
    jobs, errors = [], []

    def add(n):
        try:
            jobs.append(table.queue.add("dual_beam", label=f"{n}"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=add, args=(n,)) for n in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert len({job.id for job in jobs}) == 12


def test_a_connection_says_where_it_leads(table):
    assert "service.sock" in str(table._connection.address)
    assert isinstance(table._connection, Connection)


# ---- what a window needs


def test_a_window_learns_what_the_table_has(table):
    described = table.description()
    assert described["ambient_k"] == 298.0
    assert {one["name"] for one in described["beams"]} == {"probe", "pump"}
    assert "power_series" in [one["name"] for one in table.procedures()]


def test_exposures_arrive_as_arrays_and_again_after_the_service_was_restarted(
    scripted, table, monkeypatch
):
    monkeypatch.setattr("labctl.client.stream.PAUSES_S", (0.05,))
    scripted.exposes()
    with table.frames() as frames:
        seen = iter(frames)
        first = next(seen)
        assert first.counts.shape == first.wavelength_nm.shape == (1340,)
        assert first.quality == "good"
        scripted.exposes(height=1.0)
        assert next(seen).seq > first.seq


def test_a_stream_of_exposures_ends_when_it_is_closed(scripted, table):
    scripted.exposes()
    frames = table.frames()
    seen = iter(frames)
    next(seen)
    threading.Timer(0.1, frames.close).start()
    assert list(seen) == []


def test_an_item_is_measured_now(scripted, table):
    job = table.run_now("power_series", powers="1 uW", label="now")
    name, item = scripted.calls[-1]
    assert (name, item.id, item.parameters) == ("run_now", job.id, {"powers": "1 uW"})


def test_a_live_view_shows_images(scripted, table):
    table.start_live(0.1, beams=("probe",), mode="image")
    assert scripted.calls[-1][2] == {
        "beams": ("probe",), "mode": "image", "device": "spectrometer"
    }  # fmt: skip


def test_a_run_is_opened_where_it_lies(scripted, table):
    folder = write_run(scripted)
    with table.open_local(folder.name) as reader:
        assert len(reader) == 3
    with pytest.raises(UsageError, match="no run"):
        table.open_local("0099_x")


def test_a_run_on_another_machine_is_not_opened(scripted, table, monkeypatch):
    from labctl.client import runs

    with pytest.raises(UsageError, match="not on this machine"):
        runs.open_local("0001_x", scripted.place.data / "elsewhere")


def test_notes_are_written_and_read(scripted, table):
    folder = write_run(scripted)
    table.set_notes(folder.name, "bright", ["good"], 5)
    notes = table.notes(folder.name)
    assert (notes["text"], notes["tags"], notes["rating"]) == ("bright", ["good"], 5)


def test_calibrations_are_accepted_or_discarded(scripted, table):
    folder = write_run(scripted)
    found = write_calibration(scripted, folder, "wavelength")
    assert table.accept_calibrations(folder.name) == [found.identity]
    (active,) = [
        one for one in table.calibrations() if one["kind"] == "wavelength" and one["active"]
    ]
    assert active["identity"] == found.identity
    assert table.discard_calibrations(folder.name) == [found.identity]
