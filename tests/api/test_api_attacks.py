"""What a hostile web page, neighbour or file sends is refused, and the service goes on."""

import http.client
import json
import os
import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest
from family import listeners
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.core.errors import UsageError
from labctl.service.api.strict_json import DEEPEST, parse_json


@pytest.fixture
def secret(patient):
    return patient.server.token


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc of Linux")
def test_nothing_listens_beyond_loopback_by_default(patient):
    found = listeners(os.getpid())
    assert found
    assert set(found) == {"0100007F"}  # 127.0.0.1


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0", "", "[::2]",
     "127.0.0.1@evil.example", "2130706433"],
)  # fmt: skip
def test_another_host_name_is_refused(patient, secret, host):
    headers = {"Host": host}
    answer = patient.get("/status", door="loopback", token=secret, headers=headers)
    assert answer.status in (400, 403)
    assert patient("GET", "/", door="loopback", headers=headers).status in (400, 403)
    assert patient.get("/status", headers=headers).status in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:80", "LOCALHOST"])
def test_names_of_this_machine_are_known(patient, secret, host):
    answer = patient.get("/status", door="loopback", token=secret, headers={"Host": host})
    assert answer.status == 200


def test_two_host_names_are_refused(patient, secret):
    with closing(socket.create_connection(("127.0.0.1", patient.server.port), 10)) as raw:
        raw.sendall(
            b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"
            b"Authorization: Bearer " + secret.encode() + b"\r\n\r\n"
        )
        assert raw.recv(100).split()[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_another_page_sends_is_refused(patient, secret, headers):
    before = list(patient.table.calls)
    for door, token in (("loopback", secret), ("unix", None)):
        answer = patient.post("/control/pause", {}, door=door, token=token, headers=headers)
        assert answer.status == 403
    assert patient.table.calls == before


def test_our_own_page_is_welcome(patient, secret):
    own = f"127.0.0.1:{patient.server.port}"
    headers = {"Origin": f"http://{own}", "Host": own, "Sec-Fetch-Site": "same-origin"}
    assert patient.get("/status", door="loopback", token=secret, headers=headers).status == 200


def test_a_form_of_another_page_is_refused(patient, secret):
    before = list(patient.table.calls)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"Content-Type": kind}
        answer = patient.post("/control/pause", {}, door="loopback", headers=headers)
        assert answer.status == 401
        answer = patient.post("/control/pause", {}, token=secret, door="loopback", headers=headers)
        assert answer.status == 415
    assert patient.table.calls == before


def test_no_page_is_told_that_it_may_read_the_answers(patient, secret):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = patient("OPTIONS", "/api/v1/control/safe", door="loopback", headers=headers)
    assert answer.status == 403
    answer = patient.get("/status", door="loopback", token=secret)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_ten_megabytes_are_refused_without_being_read(patient):
    body = b'{"items": [' + b" " * 10_000_000 + b"]}"
    with closing(patient.connection()) as connection:
        connection.putrequest("POST", "/api/v1/queue/add")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 413
    assert patient.get("/status").status == 200


def test_ten_megabytes_without_a_length_are_refused(patient):
    with closing(patient.connection()) as connection:
        connection.putrequest("POST", "/api/v1/queue/add")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        chunk = b"%x\r\n%s\r\n" % (65536, b" " * 65536)
        try:
            for _ in range(160):
                connection.send(chunk)
        except OSError:
            return  # refused before it was all sent
        assert connection.getresponse().status == 413


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 40 + b"]" * 40,
        b'{"items": [{"procedure": "power_series", "parameters": {"x": NaN}}]}',
        b'{"items": [{"procedure": "power_series", "parameters": {"x": -Infinity}}]}',
        b'{"items": [{"procedure": "power_series", "parameters": {"x": 1e400}}]}',
        b'{"items": [{"procedure": "power_series", "parameters": {"x": 1' + b"0" * 5000 + b"}}]}",
        b'{"items": [{"procedure": "power_series", "parameters": {"x": 36893488147419103232}}]}',
        b'{"items": [{"procedure": "power_series", "label": "\\ud800"}]}',
        b'{"items": [], "items": [{"procedure": "power_series"}]}',
        b'{"items": [{"procedure": "power_series"}]} trailing',
        b"\xff\xfe{}",
        b"\x00",
        b"{'items': []}",
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_a_malformed_body_is_refused(patient, raw):
    total = patient.get("/queue").json["total"]
    answer = patient.post("/queue/add", raw=raw)
    assert answer.status == 400, answer
    assert answer.json["error"] == "UsageError"
    assert patient.get("/queue").json["total"] == total


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"procedure": "power_series"}], "more": 1},
        {"items": [{"procedure": "power_series", "state": "finished"}]},
        {"items": [{"procedure": "power_series", "id": "../0123456789"}]},
        {"items": [{"procedure": "../../etc/passwd"}]},
        {"items": [{"procedure": "os.system;x"}]},
        {"items": [{"procedure": "power_series", "label": "x" * 101}]},
        {"items": [{"procedure": "power_series", "label": "a\u0000b"}]},
        {"items": [{"procedure": "power_series", "label": "a\nb"}]},
        {"items": [{"procedure": "power_series", "conditions": {"after": "../x"}}]},
        {"items": [{"procedure": "power_series", "conditions": {"not_before": 1}}]},
        {"items": [{"procedure": "power_series"}] * 1001},
        {"items": [{"procedure": "power_series"}], "at": -1},
        {"items": {"procedure": "power_series"}},
        [],
        "items",
        None,
    ],
    ids=lambda body: repr(body)[:60],
)
def test_a_wrong_body_is_refused_in_words(patient, body):
    total = patient.get("/queue").json["total"]
    answer = patient.post("/queue/add", raw=json.dumps(body).encode())
    assert answer.status == 422, answer
    assert answer.json["message"]
    assert patient.get("/queue").json["total"] == total


TRAVERSALS = [
    "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//....//etc",
    "%252e%252e%252f", "..\\..\\windows", "/etc/passwd", "file:///etc/passwd", "0001_x/../..",
    "0001_x%00.sqlite", "%c0%ae%c0%ae/", "~root", "0001_" + "a" * 300, "CON", "0001_x%0d%0aX:%20y",
]  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
def test_a_path_is_never_followed(patient, path):
    for prefix in ("/runs/", "/runs/", "/queue/items/", "/table/channels/"):
        answer = patient.get(prefix + path)
        assert answer.status in (400, 404, 422), (prefix, answer)
        assert b"root:x" not in answer.body
    answer = patient("GET", f"/{path}")
    assert answer.status in (400, 404)
    assert b"root:x" not in answer.body


def test_a_link_out_of_the_data_folder_is_not_followed(patient, tmp_path):
    outside = tmp_path / "0009_power-series"
    outside.mkdir()
    (outside / "run.sqlite").write_bytes(b"")
    day = patient.table.place.data / "2026" / "11" / "23"
    day.mkdir(parents=True)
    (day / "0009_power-series").symlink_to(outside)
    assert patient.get("/runs/0009_power-series").status == 404


@pytest.mark.parametrize(
    "raw",
    [
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 100_000,
        b"POST /api/v1/queue/add HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/queue/add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=lambda raw: repr(raw[:30]),
)
def test_what_is_no_http_is_refused_and_the_service_goes_on(patient, raw):
    with closing(socket.socket(socket.AF_UNIX)) as stranger:
        stranger.settimeout(10)
        stranger.connect(str(patient.table.place.socket))
        try:
            stranger.sendall(raw)
            reply = stranger.recv(200)
        except OSError:
            reply = b""
    assert not reply or reply.split()[1].startswith(b"4")
    assert patient.get("/status").status == 200


def test_many_strangers_that_say_nothing_do_not_stop_the_service(patient):
    strangers = [socket.socket(socket.AF_UNIX) for _ in range(60)]
    try:
        for one in strangers:
            one.connect(str(patient.table.place.socket))
        assert patient.get("/status").status == 200
        assert patient.post("/control/safe").status == 200
    finally:
        for one in strangers:
            one.close()


def test_the_way_to_the_safe_state_does_not_wait_behind_other_commands(patient):
    gate, inside = threading.Event(), threading.Semaphore(0)

    def blocked():
        inside.release()
        gate.wait(20)

    patient.table.start_queue, before = blocked, patient.table.start_queue
    waiting = [threading.Thread(target=patient.post, args=("/control/start",)) for _ in range(50)]
    try:
        for one in waiting:
            one.start()
        for _ in range(40):
            assert inside.acquire(timeout=20)
        assert patient.post("/control/safe").json["confirmed"]
        assert patient.post("/control/abort", {}).status == 200
    finally:
        gate.set()
        for one in waiting:
            one.join()
        patient.table.start_queue = before


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(raw):
    try:
        value = parse_json(raw)
    except UsageError:
        return
    assert json.loads(raw) == value


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)  # fmt: skip


@given(plain)
def test_plain_values_pass_unchanged(value):
    assert parse_json(json.dumps(value).encode()) == value


@given(st.integers(1, 60))
def test_the_depth_is_exact(levels):
    raw = b"[" * levels + b"]" * levels
    if levels <= DEEPEST:
        assert parse_json(raw) is not None
    else:
        with pytest.raises(UsageError, match="deeper"):
            parse_json(raw)


@settings(max_examples=60, deadline=None)
@given(body=plain, path=st.sampled_from(["/queue/add", "/queue/move", "/table/set", "/tokens/add"]))
def test_no_body_breaks_the_service(patient, body, path):
    answer = patient.post(path, raw=json.dumps(body).encode())
    assert answer.status in (200, 400, 404, 409, 422), answer


def test_websockets_are_refused(patient):
    headers = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    answer = patient.get("/events", headers={**headers, "Host": "evil.example"})
    assert answer.status == 403
    assert isinstance(http.client.responses[answer.status], str)
