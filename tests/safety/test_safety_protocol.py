"""Arbitrary bytes at the control socket: refused, and the guard goes on."""

import contextlib
import json
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labctl.service.safety.protocol import LONGEST_LINE, Refused, Requests, parse

OPERATIONS = (
    "status", "follow", "safe", "acquire", "beat", "rest", "release", "open", "write", "reset",
    "revoke", "", "__init__",
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.lists(st.integers(), max_size=3), st.dictionaries(st.text(max_size=3), st.none()),
)  # fmt: skip
KEYS = st.sampled_from(
    ["epoch", "step", "progress", "deadline_s", "open_s", "port", "data", "who", "token", "policy"]
)
REQUESTS = st.fixed_dictionaries(
    {"op": st.sampled_from(OPERATIONS)},
    optional={},
).flatmap(lambda one: st.dictionaries(KEYS, SCALARS, max_size=8).map(lambda rest: {**rest, **one}))
NOT_REQUESTS = [
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1e400}',
    b'{"a": -Infinity}', b'{"a": {}}', b"[" * 60000, b'{"a":' * 10000, b"9" * 60000,
    b'{"a": ' + b"9" * 5000 + b"}", b"{" + b'"a": 1,' * 5 + b"}",
]  # fmt: skip


@pytest.mark.parametrize("line", NOT_REQUESTS)
def test_what_is_no_request_is_refused(line):
    with pytest.raises(Refused):
        parse(line)


@given(st.binary(max_size=2000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_requests_or_refused(data):
    requests = Requests()
    for cut in (data[:7], data[7:], b"\n"):
        for found in requests.feed(cut):
            assert isinstance(found, (dict, Refused))


def test_a_line_without_end_is_refused():
    requests = Requests()
    assert list(requests.feed(b"x" * LONGEST_LINE)) == []
    with pytest.raises(Refused, match="a line of more than"):
        list(requests.feed(b"x"))


@contextlib.contextmanager
def connection(rig):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(5.0)
        wire.connect(rig.plan.holder.address.removeprefix("unix:"))
        yield wire


def still_guards(rig, guard):
    with rig.client() as client:
        client.status()
    assert rig.guard_pid() == guard, "the guard ended and was started again"


@pytest.mark.parametrize("data", [*NOT_REQUESTS, b"x" * 10 * LONGEST_LINE, b"{}\n" * 500])
def test_a_corpus_of_nonsense_does_not_end_the_guard(rig, data):
    guard = rig.guard_pid()
    with connection(rig) as wire, contextlib.suppress(OSError):
        wire.sendall(data + b"\n")
        wire.recv(65536)
    still_guards(rig, guard)


def test_any_sequence_of_requests_does_not_end_the_guard_and_opens_nothing(rig):
    guard = rig.guard_pid()

    @given(st.lists(REQUESTS, max_size=6), st.binary(max_size=200))
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def talk(requests, noise):
        with connection(rig) as wire, contextlib.suppress(OSError):
            for request in requests:
                wire.sendall(json.dumps(request).encode() + b"\n")
            wire.sendall(noise + b"\n")
            wire.shutdown(socket.SHUT_WR)
            while wire.recv(65536):
                """Read until it hangs up."""

    talk()
    still_guards(rig, guard)
    assert rig.table.ask("truth") == {"open": [], "emits": []}
    rig.reset()


def test_a_client_that_never_reads_costs_nothing(rig):
    guard = rig.guard_pid()
    with connection(rig) as deaf, contextlib.suppress(OSError):
        deaf.settimeout(0.5)
        for _ in range(20000):
            deaf.sendall(b'{"op": "status"}\n' * 10)
    still_guards(rig, guard)


def test_clients_that_only_sit_there_keep_nobody_from_the_safe_state(rig):
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connection(rig))
        with rig.client() as client:
            assert client.safe("a person")["confirmed"]
    rig.reset()


def test_the_socket_is_private(rig):
    folder = rig.state.parent
    assert folder.stat().st_mode & 0o077 == 0
    for name in ("safety.sock", "safety.json", "safety.log", "safety-state.json", "served.toml"):
        assert (folder / name).stat().st_mode & 0o177 == 0, name
