"""An SDK in another process: exact data, nothing but listed calls, every failure an error."""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from labctl.core.errors import (
    BadReply,
    ConfigError,
    ConnectionFailed,
    InstrumentError,
    InvalidReading,
    LabctlError,
    NoReply,
)
from labctl.transport.sdk_remote import SdkServer, open_remote_sdk
from labctl.transport.sdk_wire import MAX_HEADER, MAX_PAYLOAD, decode, encode, receive

PREFIX = struct.Struct(">4sII")
METHODS = {"echo", "frame", "refuse", "crash", "unsendable", "hold"}


class Sdk:
    def __init__(self):
        self.gate = threading.Event()
        self.holding = threading.Event()
        self.secret_calls = 0

    def echo(self, *args):
        return args

    def frame(self, rows, columns):
        return 20002, np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns)

    def refuse(self):
        raise InvalidReading("the SDK says no", remedy="ask again")

    def crash(self):
        raise KeyError("boom")

    def unsendable(self):
        return float("nan")

    def hold(self):
        self.holding.set()
        self.gate.wait(20)
        return "late"

    def secret(self):
        self.secret_calls += 1


@pytest.fixture
def sdk():
    return Sdk()


@pytest.fixture
def server(sdk):
    with SdkServer(sdk, methods=METHODS) as server:
        yield server
        sdk.gate.set()


@pytest.fixture
def client(server):
    client = open_remote_sdk(server.resource, timeout_s=10)
    yield client
    client.close()


def header(message):
    _, text_length, _ = PREFIX.unpack(message[:12])
    return message[12 : 12 + text_length], message[12 + text_length :]


arrays = st.one_of(
    [
        hnp.arrays(dtype, hnp.array_shapes(max_dims=3, max_side=5, min_side=0))
        for dtype in (np.uint8, np.uint16, np.int32)
    ]
)
plain = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False)
)


@given(st.lists(plain | arrays, max_size=6))
def test_message_comes_back_equal(values):
    found = decode(*header(encode({"id": 1, "result": values})))["result"]
    for sent, got in zip(values, found, strict=True):
        if isinstance(sent, np.ndarray):
            assert (got.dtype, got.shape) == (sent.dtype, sent.shape)
            np.testing.assert_array_equal(got, sent)
        else:
            assert got == sent


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_garbage_is_a_bad_reply_and_never_another_error(text, payload):
    with contextlib.suppress(BadReply):
        assert isinstance(decode(text, payload), dict)


@given(
    dtype=st.sampled_from(["<u2", "O", "<u2\x00", "V8", "<c8", 7, None]),
    shape=st.lists(st.integers(-2, 2**40) | st.text(max_size=2) | st.booleans(), max_size=3),
    offset=st.integers(-5, 2**40) | st.none(),
)
@settings(max_examples=200)
def test_claimed_arrays_never_reach_beyond_the_payload(dtype, shape, offset):
    text = json.dumps({"dtype": dtype, "shape": shape, "array_offset": offset}).encode()
    try:
        array = decode(b'{"a": ' + text + b"}", b"\x01\x00" * 8)["a"]
    except BadReply:
        return
    assert array.nbytes <= 16
    assert array.dtype == np.uint16


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, np.array(["a"]), b"raw"])
def test_values_that_are_no_plain_data_are_not_sent(value):
    with pytest.raises((TypeError, ValueError)):
        encode({"value": value})


def test_message_that_is_too_long_is_not_sent():
    with pytest.raises(ValueError, match="too long"):
        encode({"value": "x" * MAX_HEADER})


def test_arrays_and_tuples_arrive_as_they_were(client):
    code, counts = client.frame(400, 1340)
    assert code == 20002
    assert counts.dtype == np.uint16
    np.testing.assert_array_equal(counts, np.arange(400 * 1340, dtype=np.uint16).reshape(400, -1))
    assert client.echo(1, "a", None, 0.1) == (1, "a", None, 0.1)


def test_function_that_is_not_listed_cannot_be_called(client, server, sdk):
    with pytest.raises(AttributeError):
        client.secret()
    with socket.create_connection(server.address, 5) as raw:
        receive(raw, "server")
        for name in ("secret", "__class__", "gate", 7, None, ["secret"]):
            raw.sendall(encode({"id": 5, "call": name, "args": []}))
            assert receive(raw, "server")["error"]["kind"] == "InstrumentError"
    assert sdk.secret_calls == 0


def test_error_of_the_sdk_keeps_class_words_and_remedy(client):
    with pytest.raises(InvalidReading) as caught:
        client.refuse()
    assert (caught.value.message, caught.value.remedy) == ("the SDK says no", "ask again")
    assert client.echo(1) == (1,)


@pytest.mark.parametrize(("name", "cause"), [("crash", "KeyError"), ("unsendable", "ValueError")])
def test_unforeseen_failure_in_the_server_is_an_instrument_error(client, name, cause):
    with pytest.raises(InstrumentError, match=f"{name} failed in the SDK server: {cause}"):
        getattr(client, name)()
    assert client.echo(1) == (1,)


def test_late_reply_does_not_answer_the_next_call(server, sdk):
    client = open_remote_sdk(server.resource, timeout_s=0.2)
    with pytest.raises(NoReply, match="no reply within"):
        client.hold()
    sdk.gate.set()
    assert client.echo("next") == ("next",)
    client.close()


def test_thread_in_a_long_call_does_not_block_another(client, sdk):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.hold()))
    thread.start()
    assert sdk.holding.wait(10)
    assert client.echo(2) == (2,)
    sdk.gate.set()
    thread.join(10)
    assert answers == ["late"]


def test_server_that_has_gone_is_a_failed_connection(server, client):
    server.close()
    with pytest.raises(ConnectionFailed):
        client.echo(1)
    with pytest.raises(ConnectionFailed, match="no SDK server answers"):
        client.echo(1)


def test_restarted_server_is_not_taken_for_the_old_one(server, client):
    port = server.address[1]
    server.close()
    with pytest.raises(ConnectionFailed):
        client.echo(1)
    with SdkServer(Sdk(), methods=METHODS, port=port) as again:
        assert again.address[1] == port
        with pytest.raises(ConnectionFailed, match="restarted"):
            client.echo(1)


def test_closed_client_opens_nothing(client):
    client.close()
    client.close()
    with pytest.raises(ConnectionFailed, match="has been closed"):
        client.echo(1)


def test_nobody_there_is_a_failed_connection_with_a_remedy():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionFailed, match=r"(?s)no SDK server answers.*Remedy"):
        open_remote_sdk(f"sdk+tcp://127.0.0.1:{port}")


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        encode({"protocol": 99, "session": "a", "methods": []}),
        encode({"protocol": 1, "session": "a"}),
        PREFIX.pack(b"LSDK", 2**32 - 1, 0),
        PREFIX.pack(b"LSDK", 10, MAX_PAYLOAD + 1),
        PREFIX.pack(b"LSDK", 3, 0) + b"[1]",
    ],
)
def test_server_of_another_kind_is_refused(greeting):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ConnectionFailed, match="no greeting"):
            open_remote_sdk(f"sdk+tcp://127.0.0.1:{listener.getsockname()[1]}")
        thread.join(10)


@pytest.mark.parametrize(
    "reply",
    [
        {"id": 7, "result": 1},
        {"id": 1},
        {"id": 1, "result": 1, "error": {}},
        {"id": 1, "error": "text"},
    ],
)
def test_reply_that_is_not_to_this_call_is_an_error(reply):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(encode({"protocol": 1, "session": "a", "methods": ["echo"]}))
                receive(connection, "client")
                connection.sendall(encode(reply))

        thread = threading.Thread(target=answer)
        thread.start()
        client = open_remote_sdk(f"sdk+tcp://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(LabctlError):
            client.echo(1)
        client.close()
        thread.join(10)


def test_client_that_talks_nonsense_loses_only_its_own_connection(client, server):
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n" * 4, PREFIX.pack(b"LSDK", 2**31, 0)):
        with socket.create_connection(server.address, 5) as raw:
            receive(raw, "server")
            raw.sendall(nonsense)
            raw.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert raw.recv(100) == b""
    assert client.echo(1) == (1,)


@pytest.mark.parametrize(
    "resource",
    [
        "tcp://127.0.0.1:1",
        "sdk+tcp://127.0.0.1",
        "sdk+tcp://:1",
        "sdk+tcp://127.0.0.1:99999",
        "sdk+tcp://127.0.0.1:1/x",
        "sdk+tcp://127.0.0.1:port",
    ],
)
def test_resource_of_another_form_is_refused(resource):
    with pytest.raises(ConfigError, match="names no SDK server"):
        open_remote_sdk(resource)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])
def test_server_stays_on_this_machine_unless_allowed(host):
    with pytest.raises(ConfigError, match="no password"):
        SdkServer(Sdk(), host, methods=METHODS)


def test_object_that_exports_nothing_is_not_served():
    with pytest.raises(ConfigError, match="nothing of it may be called"):
        SdkServer(Sdk())


def test_port_in_use_is_a_failed_connection(server):
    with pytest.raises(ConnectionFailed, match="cannot serve"):
        SdkServer(Sdk(), methods=METHODS, port=server.address[1])


HOST = """
import ctypes, sys
from labctl.transport.sdk_remote import SdkServer
class Sdk:
    def crash(self): ctypes.string_at(0)
    def echo(self, value): return value
server = SdkServer(Sdk(), methods=["crash", "echo"])
print(server.resource, flush=True)
server.wait()
"""


def test_crash_of_the_library_kills_its_host_and_nothing_else():
    with subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True) as host:
        client = open_remote_sdk(host.stdout.readline().strip(), timeout_s=20)
        assert client.echo(3) == 3
        with pytest.raises(ConnectionFailed, match="dropped"):
            client.crash()
        client.close()
        assert host.wait(20) != 0
