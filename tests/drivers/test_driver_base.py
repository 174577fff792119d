import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymeasure.adapters import ProtocolAdapter
from pymeasure.instruments import Channel, Instrument
from pymeasure.test import expected_protocol

from drivers.base import PortInstrument
from drivers.strict import StrictChannel, strict_discrete_set, strict_range
from labctl.core.clock import VirtualClock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConnectionFailed,
    InstrumentError,
    LimitError,
    NoReply,
    WrongIdentity,
)
from labctl.core.link import LinkSettings, Proof
from labctl.core.roles import Identity
from labctl.transport import open_adapter


class ToyChannel(Channel):
    level = Instrument.measurement("LEV{ch}?", """Get the level (float).""")


class StrictToyChannel(StrictChannel, ToyChannel):
    pass


class Toy(PortInstrument):
    link = LinkSettings(write_terminator=b"\n", read_terminator=b"\n", timeout_s=1.0)
    proofs = (Proof(b"*IDN?\n", rb"toy\d\n"), Proof(b"OK?\n", rb"yes\n"))

    level = Instrument.control(
        "LEV?", "LEV %g", """Control the level (float).""", validator=strict_range, values=(0, 10)
    )
    count = Instrument.measurement("CNT?", """Get the count (int).""", cast=int)
    ready = Instrument.measurement("RDY?", """Get whether ready (bool).""", cast=bool)
    pair = Instrument.measurement("PAIR?", """Get two floats.""", values_kwargs={"count": 2})
    soft = Instrument.ChannelCreator(StrictToyChannel, 7)

    def __init__(self, connection, name="toy", *, clock):
        super().__init__(connection, name, clock=clock)

    def read_identity(self):
        return Identity("maker", self.query("*IDN?", r"toy\d")[0])


class Answers:
    """Answer each question with what a dictionary holds for it; a list is used up."""

    def __init__(self, replies):
        self.replies = {b"*IDN?\n": b"toy1\n", b"OK?\n": b"yes\n"} | replies
        self.asked = []
        self.waiting = b""

    def open_link(self, resource, settings):
        return self

    def open_sdk(self, resource):
        raise NotImplementedError

    def write(self, data):
        self.asked.append(data)
        reply = self.replies.get(data, b"")
        self.waiting += reply.pop(0) if isinstance(reply, list) else reply

    def read(self, timeout_s):
        waiting, self.waiting = self.waiting, b""
        if waiting == b"drop":
            raise ConnectionFailed("dropped")
        return waiting

    def close(self):
        pass


def toy_with(replies, clock=None):
    clock = clock or VirtualClock()
    device = Answers(replies)
    adapter = open_adapter(
        "toy://1", Toy.link, proofs=Toy.proofs, name="toy", clock=clock, backends={"toy": device}
    )
    return Toy(adapter, clock=clock), device


def talking(*pairs):
    return expected_protocol(Toy, list(pairs), clock=VirtualClock())


def test_properties_of_pymeasure_work_on_its_protocol_adapter():
    with talking(
        ("LEV 2.5", None), ("LEV?", "2.5"), ("CNT?", "3"), ("RDY?", "1"), ("PAIR?", "1,2.5")
    ) as toy:
        toy.level = 2.5
        assert (toy.level, toy.count, toy.ready, toy.pair) == (2.5, 3, True, [1.0, 2.5])


@pytest.mark.parametrize(
    ("name", "asked", "reply"),
    [
        ("level", "LEV?", "INVALID"),
        ("level", "LEV?", "nan"),
        ("level", "LEV?", "inf"),
        ("level", "LEV?", "1e999"),
        ("level", "LEV?", "1_0"),
        ("level", "LEV?", ""),
        ("level", "LEV?", "1,2"),
        ("count", "CNT?", "3.5"),
        ("ready", "RDY?", "2"),
        ("pair", "PAIR?", "1"),
    ],
)
def test_a_reply_that_cannot_be_cast_raises_and_is_never_a_value(name, asked, reply):
    toy = Toy(ProtocolAdapter([(asked, reply)]), clock=VirtualClock())
    with pytest.raises(BadReply, match=re.escape(f"toy: asked '{asked}'")) as error:
        getattr(toy, name)
    assert error.value.remedy


def test_the_channels_of_pymeasure_are_as_strict():
    with talking(("LEV7?", "4.5")) as toy:
        assert toy.soft.level == 4.5
    toy = Toy(ProtocolAdapter([("LEV7?", "INVALID")]), clock=VirtualClock())
    with pytest.raises(BadReply):
        _ = toy.soft.level


@given(st.text(max_size=12))
def test_a_number_is_finite_or_refused(text):
    toy = Toy(ProtocolAdapter([]), clock=VirtualClock())
    try:
        value = toy.number(text)
    except BadReply:
        return
    assert abs(value) < float("inf")


def test_the_whole_reply_must_match():
    toy, _ = toy_with({b"LEV?\n": b"2.5 junk\n"})
    with pytest.raises(BadReply, match=r"2\.5 junk"):
        toy.query("LEV?", r"\d\.\d")


def test_two_replies_to_one_question_are_both_refused():
    toy, _ = toy_with({b"LEV?\n": b"1.0\n2.0\n"})
    with pytest.raises(BadReply, match="instead of one reply"):
        toy.query("LEV?", r"\d\.\d")


def test_after_a_reply_of_wrong_form_the_link_is_proved():
    toy, device = toy_with({b"LEV?\n": [b"?\n", b"2.5\n"]})
    with pytest.raises(BadReply):
        toy.query("LEV?", r"\d\.\d")
    assert toy.query("LEV?", r"\d\.\d")[0] == "2.5"
    assert device.asked[-3:] == [b"*IDN?\n", b"OK?\n", b"LEV?\n"]


def test_reads_are_repeated_after_a_pause_and_commands_are_not():
    clock = VirtualClock()
    toy, device = toy_with({b"LEV?\n": [b"", b"?\n", b"2.5\n"], b"GO\n": b"", b"NO\n": b""}, clock)
    assert toy.query_number("LEV?") == 2.5
    assert clock.monotonic_s() == pytest.approx(0.5)
    with pytest.raises(NoReply, match=r"asked 'GO\\n', got nothing"):
        toy.query("GO", "done")
    toy.tell("NO")
    assert device.asked.count(b"GO\n") == device.asked.count(b"NO\n") == 1


def test_a_dropped_line_is_not_asked_again_by_itself():
    toy, _ = toy_with({b"LEV?\n": [b"drop", b"2.5\n"]})
    with pytest.raises(ConnectionFailed):
        _ = toy.level
    assert toy.level == 2.5


def test_after_reopening_another_device_is_refused():
    toy, device = toy_with({b"LEV?\n": [b"drop", b"2.5\n"]})
    toy.identify()
    with pytest.raises(ConnectionFailed):
        _ = toy.level
    device.replies[b"*IDN?\n"] = b"toy2\n"
    with pytest.raises(WrongIdentity, match="toy2 answers where maker toy1 answered before"):
        _ = toy.level


def test_bytes_are_sent_as_they_are_and_end_as_asked_for():
    toy, device = toy_with({b"\x05": b"a? b ok\n"})
    assert toy.query(b"\x05", r"a\? b ok", until=(b"ok\n",))[0] == "a? b ok"
    assert device.asked[-1] == b"\x05"


def test_a_read_back_beside_the_set_point_is_refused():
    toy, _ = toy_with({})
    toy.confirm("level", 2.0, 2.05, tolerance=0.1)
    for actual in (2.2, float("nan")):
        with pytest.raises(CommandRefused, match="level was set to 2"):
            toy.confirm("level", 2.0, actual, tolerance=0.1)


def test_waiting_ends_at_the_condition_or_at_the_deadline():
    clock = VirtualClock()
    toy, _ = toy_with({}, clock)
    toy.wait_until(lambda: clock.monotonic_s() >= 3.0, 5.0, 0.5, "arrival")
    assert clock.monotonic_s() == pytest.approx(3.0)
    with pytest.raises(InstrumentError, match="arrival did not happen within 5 s"):
        toy.wait_until(lambda: False, 5.0, 0.5, "arrival")


@pytest.mark.parametrize("value", [-1.0, 11.0, float("nan"), "much"])
def test_a_value_out_of_range_is_a_limit_error(value):
    with pytest.raises(LimitError):
        strict_range(value, (0.0, 10.0))


def test_a_value_outside_a_set_is_a_limit_error():
    assert strict_discrete_set(2, (1, 2)) == 2
    with pytest.raises(LimitError, match="3 is none of 1, 2"):
        strict_discrete_set(3, (1, 2))


def test_shutting_down_twice_is_allowed_and_sends_nothing():
    toy, device = toy_with({})
    toy.shutdown()
    toy.shutdown()
    assert device.asked == []
