import pytest

from labctl.core.errors import ConfigError, ConnectionFailed
from labctl.core.link import LinkSettings
from labctl.transport import open_adapter
from labctl.transport.resources import parse_resource


@pytest.mark.parametrize(
    ("text", "kind", "address"),
    [
        ("sim://lakeshore336", "sim", "lakeshore336"),
        ("tcp://localhost:7777", "tcp", "localhost:7777"),
        ("tcp://[::1]:7777", "tcp", "[::1]:7777"),
        ("serial:///dev/ttyUSB0", "serial", "/dev/ttyUSB0"),
        ("serial://COM3", "serial", "COM3"),
        ("/dev/ttyUSB0", "serial", "/dev/ttyUSB0"),
        ("COM3", "serial", "COM3"),
        ("ASRL3::INSTR", "visa", "ASRL3::INSTR"),
        ("ASRLsocket://127.0.0.1:7777::INSTR", "visa", "ASRLsocket://127.0.0.1:7777::INSTR"),
        ("USB0::0x1313::0x8078::P0001::INSTR", "visa", "USB0::0x1313::0x8078::P0001::INSTR"),
        ("GPIB0::12::INSTR", "visa", "GPIB0::12::INSTR"),
        ("TCPIP::lab.example::INSTR", "visa", "TCPIP::lab.example::INSTR"),
        ("TCPIP0::10.0.0.2::7777::SOCKET", "tcp", "10.0.0.2:7777"),
    ],
)
def test_a_resource_says_which_port_is_meant(text, kind, address):
    resource = parse_resource(text, {"sim": object()})
    assert (resource.kind, resource.address) == (kind, address)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lakeshore",
        "tcp://host",
        "tcp://host:0",
        "tcp://host:99999",
        "http://host:80",
        "COM",
        "sdk2:///usr/lib/libandor.so.2",
        "serial://",
        "/tmp/file",
        "sim://x",
    ],
)
def test_what_names_no_port_is_refused_with_the_forms_that_do(text):
    with pytest.raises(ConfigError) as error:
        parse_resource(text, {})
    assert "tcp://HOST:PORT" in error.value.remedy


def test_spellings_of_one_port_share_it(tmp_path):
    for one, other in [
        ("/dev/ttyUSB7", "serial:///dev/ttyUSB7"),
        ("COM3", "com3"),
        ("tcp://Host:1", "TCPIP::host::1::SOCKET"),
        ("ASRL3::INSTR", "asrl3::instr"),
    ]:
        assert parse_resource(one, {}).key == parse_resource(other, {}).key


@pytest.mark.parametrize(
    ("resource", "remedy"),
    [("/dev/ttyNone7", "no such port"), ("tcp://127.0.0.1:1", "nothing listens")],
)
def test_a_port_that_cannot_be_opened_says_why_and_what_to_do(resource, remedy, clock):
    with pytest.raises(ConnectionFailed, match=f"toy: {resource} cannot be opened") as error:
        open_adapter(resource, LinkSettings(), name="toy", clock=clock)
    assert remedy in error.value.remedy


def test_a_refused_visa_socket_is_noticed_at_opening(clock):
    with pytest.raises(ConnectionFailed, match="cannot be opened"):
        open_adapter("TCPIP::127.0.0.1::1::SOCKET", LinkSettings(), name="toy", clock=clock)


def test_an_unknown_visa_port_is_noticed_at_opening(clock):
    with pytest.raises(ConnectionFailed, match="cannot be opened"):
        open_adapter("ASRL/dev/ttyNone7::INSTR", LinkSettings(), name="toy", clock=clock)
