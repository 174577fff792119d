import socket
from types import SimpleNamespace

import pytest

from labctl.core.clock import RealClock, ScaledClock, VirtualClock
from labctl.core.errors import ConfigError, ConnectionFailed
from labctl.sim.server import serve


@pytest.fixture
def served(bench):
    """Serve some instruments; closes all that it opened."""
    opened = []

    def start(*names, clock=None, **options):
        benches = {name: bench(name) for name in names}
        table = SimpleNamespace(
            clock=clock or RealClock(),
            names=names,
            faults=lambda name: benches[name].faults,
            sdks={"andor": object()},
        )
        opened.append(serve(table, **options))
        return opened[-1]

    yield start
    for servers in opened:
        servers.close()


@pytest.fixture
def dial():
    clients = []

    def connect(resource):
        host, _, port = resource.removeprefix("tcp://").rpartition(":")
        clients.append(socket.create_connection((host, int(port)), timeout=5.0))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def ask(client, question, end):
    client.sendall(question)
    data = b""
    while not data.endswith(end):
        piece = client.recv(4096)
        if not piece:
            break
        data += piece
    return data


def test_every_instrument_answers_at_its_own_port(served, dial):
    servers = served("cobolt", "lakeshore336")
    assert len(set(servers.resources.values())) == 2
    assert ask(dial(servers.resources["cobolt"]), b"f?\r", b"\n") == b"0\r\n"
    lakeshore = dial(servers.resources["lakeshore336"])
    assert ask(lakeshore, b"KRDG? A\n", b"\n") == b"+300.000\r\n"


@pytest.mark.parametrize("clock", [ScaledClock(speed=500.0), VirtualClock()])
def test_a_move_takes_the_time_of_the_station_clock(served, dial, clock):
    client = dial(served("spectrapro", clock=clock).resources["spectrapro"])
    before_s = clock.monotonic_s()
    assert ask(client, b"900 GOTO\r", b"\n") == b"900 GOTO ok\r\n"
    assert clock.monotonic_s() - before_s >= 20.0


def test_a_slow_move_does_not_hold_up_other_answers(served, dial):
    servers = served("ell14", "cobolt", clock=ScaledClock(speed=10.0))
    rotator, laser = dial(servers.resources["ell14"]), dial(servers.resources["cobolt"])
    rotator.sendall(b"0ma00011800")
    assert ask(laser, b"f?\r", b"\n") == b"0\r\n"
    assert ask(rotator, b"1gs", b"1GS00\r\n").endswith(b"1GS00\r\n")


def test_a_dropped_line_hangs_up_and_answers_again_after_reconnecting(served, dial, bench):
    table = bench("cobolt")
    servers = serve(
        SimpleNamespace(
            clock=RealClock(), names=("cobolt",), faults=lambda _: table.faults, sdks={}
        )
    )
    with servers:
        table.faults.at(1, "drop")
        assert ask(dial(servers.resources["cobolt"]), b"f?\r", b"\n") == b""
        assert ask(dial(servers.resources["cobolt"]), b"f?\r", b"\n") == b"0\r\n"


def test_a_client_that_leaves_is_forgotten_and_the_next_is_served(served, dial):
    resource = served("spectrapro", clock=ScaledClock(speed=50.0)).resources["spectrapro"]
    first = dial(resource)
    first.sendall(b"500.5 GOTO\r")
    first.close()
    second = dial(resource)
    for _ in range(200):
        second.sendall(b"\rMODEL\r")
        second.settimeout(0.05)
        try:
            heard = second.recv(4096)
        except TimeoutError:
            continue
        if b"SP-2-500i" in heard:
            return
    pytest.fail("the second client never got an answer")


def test_closing_releases_the_ports(served, dial):
    servers = served("cobolt")
    servers.close()
    servers.close()
    with pytest.raises(ConnectionRefusedError):
        dial(servers.resources["cobolt"])


def test_a_port_may_be_chosen_and_a_taken_one_is_named(served):
    port = int(served("cobolt").resources["cobolt"].rpartition(":")[2])
    with pytest.raises(ConnectionFailed, match=f"cobolt: cannot serve on 127.0.0.1:{port}"):
        served("cobolt", ports={"cobolt": port})


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.org", "::"])
def test_a_host_that_others_can_reach_is_refused(served, host):
    with pytest.raises(ConfigError, match="other machines"):
        served("cobolt", host=host)


def test_remote_access_can_be_allowed_on_purpose(served):
    resources = served("cobolt", host="0.0.0.0", allow_remote=True).resources
    assert resources["cobolt"].startswith("tcp://0.0.0.0:")


def test_an_sdk_object_is_served_by_the_one_who_knows_how(served):
    closed = []

    def start(sdk, host):
        return SimpleNamespace(resource=f"sdk+tcp://{host}:1", close=lambda: closed.append(sdk))

    servers = served("cobolt", extra={"andor": start})
    assert servers.resources["andor"] == "sdk+tcp://127.0.0.1:1"
    servers.close()
    assert len(closed) == 1


def test_a_server_for_something_unknown_is_refused(served):
    with pytest.raises(ConfigError, match="cannot serve 'picam'"):
        served("cobolt", extra={"picam": lambda sdk, host: None})
