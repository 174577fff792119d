"""The API does what it says."""

import stat

import pytest
from scripted_table import alarm, running


def test_the_status_is_the_snapshot_of_the_table(served, scripted):
    scripted.becomes(**running(scripted.clock))
    answer = served.get("/status")
    assert answer.status == 200
    assert answer.json["run"]["point"] == 13
    assert answer.json["seq"] == scripted.bus.seq


def test_items_are_added_listed_moved_edited_removed_and_brought_back(served):
    items = [{"procedure": "power_series", "label": f"flake-{n}"} for n in range(3)]
    added = served.post("/queue/add", {"items": items}).json["items"]
    ids = [one["id"] for one in added]
    moved = served.post("/queue/move", {"ids": [ids[2]], "to": 0})
    assert moved.status == 200, moved
    edited = served.post(f"/queue/items/{ids[0]}/edit", {"label": "flake-9"})
    assert edited.json["label"] == "flake-9"
    assert served.post("/queue/remove", {"ids": [ids[1]]}).status == 200
    listed = served.get("/queue").json
    assert [one["id"] for one in listed["items"]] == [ids[2], ids[0]]
    assert listed["total"] == 2
    undone = served.post("/queue/undo")
    assert undone.json["items"] == [ids[1]]
    assert served.get("/queue?state=waiting&first=1&most=1").json["total"] == 3


def test_items_can_be_put_in_front(served):
    first = served.post("/queue/add", {"items": [{"procedure": "dual_beam"}]}).json["items"][0]
    pause = {"items": [{"kind": "pause", "label": "change the sample"}], "at": 0}
    second = served.post("/queue/add", pause).json["items"][0]
    assert [one["id"] for one in served.get("/queue").json["items"]] == [second["id"], first["id"]]


def test_an_item_can_be_duplicated_and_cleared(served):
    item = served.post("/queue/add", {"items": [{"procedure": "dual_beam"}]}).json["items"][0]
    copy = served.post(f"/queue/items/{item['id']}/duplicate").json
    assert copy["id"] != item["id"]
    cleared = served.post("/queue/clear", {}).json["items"]
    assert {one["id"] for one in cleared} == {item["id"], copy["id"]}


def test_a_wrong_procedure_is_refused_with_the_remedy(served):
    answer = served.post("/queue/add", {"items": [{"procedure": "power_serie"}]})
    assert answer.status == 422
    assert answer.json == {
        "error": "UsageError",
        "message": "unknown procedure 'power_serie'",
        "remedy": "look them up",
        "exit_code": 2,
    }


def test_an_unknown_item_is_not_found(served):
    for path in ("/edit", "/duplicate", "/requeue"):
        body = {} if path != "/edit" else {"label": "x"}
        answer = served.post(f"/queue/items/0123456789ab{path}", body)
        assert answer.status == 404, (path, answer)
    assert served.get("/queue/items/0123456789ab").status == 404


@pytest.mark.parametrize(
    ("path", "body", "call"),
    [
        ("/control/pause", {"when": "now"}, ("pause", "now")),
        ("/control/pause", {}, ("pause", "after_point")),
        ("/control/stop", {}, ("stop_after_run",)),
        ("/control/stop", {"after": "point"}, ("stop_after_point",)),
        ("/control/start", None, ("start_queue",)),
        ("/control/continue", None, ("proceed",)),
        ("/table/attach", None, ("attach",)),
        ("/table/release", None, ("release",)),
        ("/table/still", None, ("stop_live",)),
    ],
)
def test_control_reaches_the_table(served, scripted, path, body, call):
    assert served.post(path, body).json == {"accepted": True}
    assert scripted.calls == [call]


def test_the_safe_state_is_confirmed_or_says_what_is_not(served, scripted):
    assert served.post("/control/safe").json == {"confirmed": True, "unconfirmed": []}
    scripted.unconfirmed = ["shutter of probe: no reply"]
    answer = served.post("/control/safe").json
    assert answer == {"confirmed": False, "unconfirmed": ["shutter of probe: no reply"]}


def test_a_latch_under_an_open_interlock_is_refused(served):
    answer = served.post("/control/reset")
    assert (answer.status, answer.json["error"]) == (409, "SafetyError")


def test_alarms_are_acknowledged_by_name(served, scripted):
    scripted.becomes(alarms=(alarm(7),))
    answer = served.post("/alarms/7/acknowledge").json
    assert "uid" in answer["acknowledged_by"]
    assert served.post("/alarms/8/acknowledge").status == 422


def test_a_power_beyond_its_limit_is_refused(served):
    assert served.post("/table/set", {"channel": "probe.power", "value": 0.5}).status == 200
    answer = served.post("/table/set", {"channel": "probe.power", "value": 7.0})
    assert (answer.status, answer.json["error"]) == (422, "LimitError")


def test_a_spectrum_is_thinned_without_losing_a_peak(served, scripted):
    assert served.get("/spectrum").status == 404
    scripted.exposes(run="0127_power-series", point=4)
    full, thin = served.get("/spectrum").json, served.get("/spectrum?most=100").json
    assert len(full["counts"]) == 1340
    assert len(thin["counts"]) == 100
    assert max(thin["counts"]) == max(full["counts"])
    peak = thin["counts"].index(max(thin["counts"]))
    assert thin["shift_cm1"][peak] == pytest.approx(404.0, abs=1.0)


def test_who_asks_is_told(served, token):
    assert served.get("/me").json["is_present"] is True
    answer = served.get("/me", door="loopback", token=token("queue")).json
    assert answer == {"name": "a queue", "role": "queue", "is_present": False}


def test_the_socket_is_for_its_owner_only(scripted, served):
    mode = scripted.place.socket.stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(scripted.place.socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(scripted.place.info.stat().st_mode) == 0o600


def test_a_failure_of_ours_says_only_its_class(served, scripted):
    scripted.trouble = ZeroDivisionError("secret detail")
    answer = served.post("/control/pause", {})
    assert answer.status == 500
    assert b"secret" not in answer.body
    scripted.trouble = None
    assert served.post("/control/pause", {}).status == 200
