"""Guarded ports in this process: a terminal, a TCP device that comes and goes, loopback clients."""

import os
import pty
import select
import socket
import threading

import pytest
from safety_devices import Blade, as_script
from safety_rig import CLOCK, Rig, wait_until

from drivers.thorlabs.sc10 import Sc10
from labctl.core.errors import SafetyError
from labctl.service.guarded import GuardAddress
from labctl.service.safety.config import PortConfig
from labctl.service.safety.line import LineSettings
from labctl.service.safety.relay import GuardedPort
from labctl.sim.wire.sc10 import Sc10 as Sc10Emulator


class Device:
    """Play a shutter behind a descriptor, until closed."""

    def __init__(self, descriptor):
        self.blade = Blade()
        self._emulator = Sc10Emulator(self.blade)
        self._emulator._enabled = True
        self._descriptor = descriptor
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def _play(self):
        while not self._ended.is_set():
            if select.select([self._descriptor], [], [], 0.002)[0]:
                self._emulator.feed(os.read(self._descriptor, 100), CLOCK.monotonic_s())
            if data := self._emulator.take(CLOCK.monotonic_s()):
                os.write(self._descriptor, data)

    def close(self):
        self._ended.set()
        self._thread.join()
        os.close(self._descriptor)


def guarded(resource):
    config = PortConfig(
        name="shutter",
        resource=resource,
        line=LineSettings(baud_rate=9600),
        end=Sc10.link.read_terminator,
        command_end=Sc10.link.write_terminator,
        script=as_script(Sc10.closing),
    )
    return GuardedPort(config, lambda *_: "nobody may", CLOCK.monotonic_s())


def drive(port, is_done):
    def turn():
        if port.fileno() >= 0:
            port.on_readable(CLOCK.monotonic_s())
        port.tick(CLOCK.monotonic_s())
        return is_done()

    return wait_until(turn)


def test_a_shutter_on_a_terminal_is_closed_and_confirmed():
    ours, theirs = pty.openpty()
    device = Device(ours)
    port = guarded(f"serial://{os.ttyname(theirs)}")
    try:
        port.close_device(CLOCK.monotonic_s())
        drive(port, lambda: not port.is_closing)
        assert (port.verdict, device.blade.opens) == ("", False)
    finally:
        port.shut()
        device.close()
        os.close(theirs)


def test_a_terminal_that_is_not_there_is_named_and_found_once_it_is(tmp_path):
    link = tmp_path / "ttyUSB0"
    port = guarded(f"serial://{link}")
    port.close_device(CLOCK.monotonic_s())
    drive(port, lambda: not port.is_closing)
    assert port.verdict == "the line is down: No such file or directory"
    ours, theirs = pty.openpty()
    device = Device(ours)
    try:
        link.symlink_to(os.ttyname(theirs))
        drive(port, lambda: port.is_up)
        port.close_device(CLOCK.monotonic_s())
        drive(port, lambda: not port.is_closing)
        assert (port.verdict, device.blade.opens) == ("", False)
    finally:
        port.shut()
        device.close()
        os.close(theirs)


def test_a_device_that_is_silent_is_not_confirmed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = guarded(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        port.close_device(CLOCK.monotonic_s())
        drive(port, lambda: not port.is_closing)
        assert port.verdict == r"asked 'ens?\r', got nothing"
        port.shut()


def test_a_refused_connection_is_named():
    port = guarded("tcp://127.0.0.1:9")
    port.close_device(CLOCK.monotonic_s())
    drive(port, lambda: not port.is_closing)
    assert port.verdict == "the line is down: Connection refused"


@pytest.fixture(scope="module")
def loopback(tmp_path_factory):
    """A rig as on Windows: loopback TCP with tokens, and an interlock in a file."""
    folder = tmp_path_factory.mktemp("loopback")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    door = folder / "door"
    door.write_text("1\n")
    options = {
        "silence_s": 0.5,
        "address": f"tcp://127.0.0.1:{port}",
        "interlock_files": {"door": door},
    }
    with Rig(folder, **options) as rig:
        rig.door = door
        yield rig


def test_on_loopback_only_the_safe_state_needs_no_token(loopback):
    with loopback.client(GuardAddress(loopback.plan.holder.address)) as stranger:
        with pytest.raises(SafetyError, match="token"):
            stranger.status()
        with pytest.raises(SafetyError, match="token"):
            stranger.follow()
        assert stranger.safe("a stranger")["confirmed"]
    loopback.reset()


def test_an_interlock_in_a_file_closes_a_beam_that_is_on(loopback):
    worker, _ = loopback.worker()
    stamp_s = CLOCK.monotonic_s()
    loopback.door.write_text("0\n")
    assert max(loopback.times(stamp_s).values()) < 1.5
    assert loopback.await_report("interlock")["why"] == "door is open"
    loopback.door.write_text("1\n")
    worker.kill()
    loopback.reset()


def test_an_interlock_that_cannot_be_read_counts_as_open_while_a_beam_may_be_on(loopback):
    worker, _ = loopback.worker()
    loopback.door.unlink()
    loopback.is_dark()
    assert loopback.await_report("blind")["confirmed"]
    loopback.door.write_text("1\n")
    worker.kill()
    loopback.reset()


def test_a_follower_is_told_of_every_closing(loopback):
    with loopback.client() as follower, loopback.client() as somebody:
        assert follower.follow()["latched"] is False
        somebody.safe("a person")
        event = follower.next_event(5.0)
        assert (event["kind"], event["confirmed"], event["latched"]) == ("safe", True, True)
        loopback.reset()
        event = follower.next_event(5.0)
        assert (event["kind"], event["confirmed"], event["latched"]) == ("reset", True, False)
