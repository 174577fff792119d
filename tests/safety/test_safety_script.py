"""Closing scripts against the emulators, without a line: what is confirmed is true."""

import itertools
import math
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safety_devices import Blade, as_script

from drivers.cobolt.laser import CoboltLaser
from drivers.thorlabs.sc10 import Sc10
from labctl.service.safety.script import Closing
from labctl.sim.faults import FaultScript
from labctl.sim.wire.cobolt import Cobolt
from labctl.sim.wire.sc10 import Sc10 as Sc10Emulator


@dataclass
class Source:
    wavelength_nm: float = 532.0
    max_power_w: float = 0.1
    emission: bool = True
    power_setpoint_w: float = 0.02
    interlock_closed: bool = True

    def power_w(self, now_s):
        return self.power_setpoint_w if self.emission else 0.0


class Stubborn(Source):
    """A laser that says OK and goes on."""

    def __setattr__(self, name, value):
        object.__setattr__(self, name, True if name == "emission" else value)


def close(driver, faults, stale=b"", most_s=30.0):
    """Carry a closing script out on virtual time; returns it, what was sent, and the end in s."""
    closing = Closing(as_script(driver.closing), driver.link.read_terminator, 0.0)
    sent, now_s = b"", 0.0
    closing.feed(stale, now_s)
    while not closing.is_over:
        assert now_s < most_s, "it never ends"
        if data := closing.outgoing():
            sent += data
            faults.feed(data, now_s)
        due_s = faults.next_due_s()
        now_s = min(now_s + 0.004, math.inf if due_s is None else max(due_s, now_s))
        closing.feed(faults.take(now_s), now_s)
        closing.tick(now_s)
    return closing, sent, now_s


def shutter(blade=None, stuck=False):
    emulator = Sc10Emulator(blade or Blade())
    emulator._enabled = (blade or Blade()).opens
    emulator.stuck = stuck
    return FaultScript(emulator)


def test_an_open_shutter_is_toggled_once_and_confirmed_by_its_blade():
    blade = Blade()
    closing, sent, end_s = close(Sc10, shutter(blade))
    assert (closing.problem, blade.opens) == ("", False)
    assert sent.count(b"ens\r") == 1
    assert end_s < 0.2


def test_a_closed_shutter_is_not_toggled():
    blade = Blade(opens=False)
    closing, sent, _ = close(Sc10, shutter(blade))
    assert (closing.problem, blade.opens) == ("", False)
    assert b"ens\r" not in sent


def test_a_stuck_blade_is_not_confirmed_and_the_reason_says_what_was_read():
    closing, sent, _ = close(Sc10, shutter(stuck=True))
    assert closing.problem == r"asked 'closed?\r', got 'closed?\r0\r> '"
    assert sent.count(b"ens\r") == 1


def test_a_laser_in_autostart_is_switched_off_all_the_same():
    source = Source()
    closing, sent, _ = close(CoboltLaser, FaultScript(Cobolt(source, autostart=True)))
    assert (closing.problem, source.emission) == ("", False)
    assert b"@cob0\r" in sent


def test_a_laser_that_goes_on_is_not_confirmed():
    closing, sent, _ = close(CoboltLaser, FaultScript(Cobolt(Stubborn())))
    assert closing.problem == r"asked 'l?\r', got '1\r\n'"
    assert sent.count(b"l0\r") == CoboltLaser.closing.attempts


KINDS = ("silence", "late", "truncate", "garbage", "duplicate", "repeat")


@pytest.mark.parametrize(("kind", "n"), list(itertools.product(KINDS, range(1, 8))))
def test_one_spoiled_reply_neither_hinders_closing_nor_toggles_twice(kind, n):
    blade, source = Blade(), Source()
    faults = shutter(blade)
    faults.at(n, kind, delay_s=0.2)
    closing, _, _ = close(Sc10, faults)
    assert (closing.problem, blade.opens) == ("", False)
    faults = FaultScript(Cobolt(source))
    faults.at(n, kind, delay_s=0.2)
    closing, _, _ = close(CoboltLaser, faults)
    assert (closing.problem, source.emission) == ("", False)


@pytest.mark.parametrize("kind", ["silence", "truncate", "garbage"])
def test_a_device_that_answers_nothing_right_is_never_confirmed(kind):
    for driver, faults in ((Sc10, shutter()), (CoboltLaser, FaultScript(Cobolt(Stubborn())))):
        faults.at(1, kind, count=math.inf)
        closing, _, end_s = close(driver, faults)
        assert closing.problem
        assert end_s < 3.0


SHUTTER_REPLIES = st.sampled_from(
    [b"ens?\r0\r> ", b"ens?\r1\r> ", b"closed?\r1\r> ", b"closed?\r0\r> ", b"ens\r> ", b"> "]
)
LASER_REPLIES = st.sampled_from([b"OK\r\n", b"0\r\n", b"1\r\n", b"12345\r\n", b"0.0200\r\n"])


@given(st.lists(SHUTTER_REPLIES, max_size=4))
@example([b"ens?\r0\r> ", b"ens?\r0\r> ", b"closed?\r1\r> ", b"closed?\r1\r> "])
@settings(max_examples=60, deadline=None)
def test_late_replies_to_somebody_else_never_pass_for_a_closed_shutter(stale):
    closing, _, _ = close(Sc10, shutter(stuck=True), b"".join(stale))
    assert closing.problem


@given(st.lists(LASER_REPLIES, max_size=3))
@example([b"OK\r\n", b"0\r\n", b"0\r\n"])
@settings(max_examples=60, deadline=None)
def test_late_replies_to_somebody_else_never_pass_for_a_dark_laser(stale):
    closing, _, _ = close(CoboltLaser, FaultScript(Cobolt(Stubborn())), b"".join(stale))
    assert closing.problem


@given(st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_whatever_stood_in_the_line_a_healthy_shutter_is_closed(noise):
    blade = Blade()
    closing, _, _ = close(Sc10, shutter(blade), noise)
    assert (closing.problem, blade.opens) == ("", False)
