"""Cables pulled in the middle of a reply, ports that come back, networks that swallow bytes."""

import os
import socketserver
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from port_rig import CLOCK, BlackHole, TerminalDevice, emulator_of

from drivers.cobolt.laser import CoboltLaser
from drivers.pfeiffer.tpg26x import Tpg26x
from labctl.core.errors import ConnectionFailed, InstrumentError, NoReply, WrongIdentity
from labctl.core.link import LinkSettings, Proof
from labctl.transport import open_adapter

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs pseudo-terminals, and names below /dev"
)


@pytest.fixture
def names():
    """A folder below /dev for stable names, as `/dev/serial/by-id` is one."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def connect(driver, resource, **options):
    adapter = open_adapter(resource, driver.link, proofs=driver.proofs, name="it", clock=CLOCK)
    return driver(adapter, "it", clock=CLOCK, **options)


@pytest.fixture
def gauge(names):
    """A pressure gauge at a serial port, and its driver."""
    device = TerminalDevice(emulator_of("tpg261"), names / "usb-Pfeiffer_44113")
    driver = connect(Tpg26x, str(device.name))
    yield device, driver
    driver.shutdown()
    if device.is_plugged:
        device.unplug()


@pytest.mark.parametrize("cut_after", [0, 1, 4])
def test_a_cable_pulled_in_the_middle_of_a_reply_is_an_error_and_never_a_value(gauge, cut_after):
    device, driver = gauge
    before_pa = driver.pressure_pa
    device.cut_after = cut_after
    with pytest.raises(InstrumentError) as caught:
        _ = driver.pressure_pa
    assert "it" in caught.value.message
    with pytest.raises(InstrumentError):
        _ = driver.pressure_pa
    device.plug_in()
    assert driver.pressure_pa == pytest.approx(before_pa, rel=0.2)


def test_an_instrument_that_comes_back_at_another_terminal_is_found_by_its_name(gauge):
    device, driver = gauge
    before_pa, old = driver.pressure_pa, device.path
    device.unplug()
    # the number of the old terminal is given to somebody else
    spare = os.openpty()
    device.plug_in()
    assert device.path != old
    with pytest.raises(ConnectionFailed):
        _ = driver.pressure_pa
    found_pa = driver.pressure_pa
    for one in spare:
        os.close(one)
    assert found_pa == pytest.approx(before_pa, rel=0.2)


def test_another_instrument_under_the_same_name_is_refused(names):
    first = TerminalDevice(emulator_of("cobolt_probe"), names / "usb-Cobolt")
    laser = connect(CoboltLaser, str(first.name), wavelength_nm=532.0)
    laser.identify()
    first.unplug()
    spare = os.openpty()
    second = TerminalDevice(emulator_of("cobolt_pump"), names / "usb-Cobolt")
    with pytest.raises(ConnectionFailed):
        _ = laser.power_w
    for _ in range(2):
        with pytest.raises(WrongIdentity) as caught:
            _ = laser.power_w
        assert "730 nm" in caught.value.message
    second.unplug()
    for one in spare:
        os.close(one)
    laser.shutdown()


class _Answering(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            known = {b"who": b"device 1\n", b"ok": b"OK\n"}
            self.wfile.write(known.get(line.strip(), b"a" + line.strip()[1:] + b"\n"))


def test_a_connection_that_swallows_everything_is_noticed_and_opened_again():
    settings = LinkSettings(write_terminator=b"\n", read_terminator=b"\n", timeout_s=0.1)
    proofs = (Proof(b"who\n", rb"device \d\n"), Proof(b"ok\n", rb"OK\n"))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answering) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.daemon = True
        thread.start()
        hole = BlackHole(server.server_address[1])
        adapter = open_adapter(
            f"tcp://127.0.0.1:{hole.port}", settings, proofs=proofs, name="it", clock=CLOCK
        )
        adapter.write("q1")
        assert adapter.read() == "a1"
        hole.swallows = True
        adapter.write("q2")
        with pytest.raises(NoReply):
            adapter.read()
        with pytest.raises(NoReply):
            adapter.write("q3")
        adapter.write("q4")
        assert adapter.read() == "a4"
        assert hole.connections == 2
        adapter.close()
        hole.close()
        server.shutdown()
        thread.join()
