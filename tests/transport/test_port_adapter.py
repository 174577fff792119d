import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.core.clock import VirtualClock
from labctl.core.errors import (
    BadReply,
    ConfigError,
    ConnectionFailed,
    LabctlError,
    NoReply,
    WrongIdentity,
)
from labctl.core.link import LinkSettings
from labctl.transport import PortAdapter, open_adapter
from labctl.transport.port import MAX_REPLY_BYTES


@pytest.fixture
def opened(device, clock, settings, proofs):
    def open_one(**options):
        given_options = {"settings": settings, "proofs": proofs, "name": "toy", "clock": clock}
        return open_adapter("toy://1", backends={"toy": device}, **(given_options | options))

    return open_one


def ask(adapter: PortAdapter, question: str) -> str:
    adapter.write(question)
    return adapter.read()


def test_the_proofs_are_asked_once_before_the_first_question(opened, device):
    adapter = opened()
    assert ask(adapter, "q1") == "a1"
    assert ask(adapter, "q2") == "a2"
    assert device.questions == [b"who", b"ok", b"q1", b"q2"]


def test_silence_names_instrument_resource_question_and_remedy(opened, device):
    adapter = opened()
    with pytest.raises(
        NoReply, match=r"toy \(toy://1\): asked 'nonsense\\n', got nothing"
    ) as error:
        ask(adapter, "nonsense")
    assert error.value.remedy


def test_a_late_reply_does_not_answer_the_next_question(opened, device):
    adapter = opened()
    ask(adapter, "q1")
    device.delays_s = [1.5]
    with pytest.raises(NoReply):
        ask(adapter, "q2")
    assert ask(adapter, "q3") == "a3"
    assert device.questions[-3:] == [b"who", b"ok", b"q3"]


def test_a_late_proof_does_not_pass_for_the_next_one(opened, device):
    adapter = opened()
    ask(adapter, "q1")
    device.delays_s = [1.5, 3.0]
    with pytest.raises(NoReply):
        ask(adapter, "q2")
    assert ask(adapter, "q3") == "a3"


@given(
    delays_s=st.lists(st.sampled_from([0.0, 0.0, 0.9, 1.1, 2.5, 4.0, 9.0]), max_size=40),
    questions=st.integers(5, 15),
)
def test_an_answer_is_always_that_of_its_question(
    new_device, settings, proofs, delays_s, questions
):
    clock = VirtualClock()
    device = new_device(clock)
    device.delays_s = delays_s
    backends = {"toy": device}
    options = {"proofs": proofs, "name": "toy", "clock": clock, "backends": backends}
    adapter = open_adapter("toy://1", settings, **options)
    for number in range(questions):
        with contextlib.suppress(LabctlError):
            assert ask(adapter, f"q{number}") == f"a{number}"
    adapter.close()
    assert device.closed == device.opened


@pytest.mark.parametrize("shift", range(1, 8))
@pytest.mark.parametrize("question", ["q5", "who", "ok"])
def test_a_gateway_that_stays_out_of_step_is_never_believed(opened, device, shift, question):
    adapter = opened()
    ask(adapter, "q1")
    device.hold = shift
    for _ in range(12):
        with pytest.raises(LabctlError):
            ask(adapter, question)
    device.hold = 0
    assert ask(adapter, "q7") == "a7"


def test_unsolicited_bytes_make_the_link_prove_itself(opened, device, clock):
    adapter = opened()
    ask(adapter, "q1")
    device.line.append((clock.monotonic_s(), b"a9\n"))
    assert ask(adapter, "q2") == "a2"
    assert device.questions[-3:] == [b"who", b"ok", b"q2"]


def test_without_proofs_the_line_is_still_drained(opened, device, clock):
    adapter = opened(proofs=())
    device.delays_s = [1.5]
    with pytest.raises(NoReply):
        ask(adapter, "q1")
    assert ask(adapter, "q2") == "a2"
    assert clock.monotonic_s() > 2.0


def test_a_distrusting_driver_gets_a_proved_link(opened, device):
    adapter = opened()
    ask(adapter, "q1")
    adapter.distrust("the reply made no sense")
    assert ask(adapter, "q2") == "a2"
    assert device.questions[-3:] == [b"who", b"ok", b"q2"]


def test_a_slow_question_makes_the_line_stay_silent_for_as_long(opened, device, clock):
    adapter = opened()
    ask(adapter, "q1")
    device.delays_s = [35.0]
    adapter.write("q2")
    with pytest.raises(NoReply):
        adapter.read_until(timeout_s=20.0)
    assert ask(adapter, "q3") == "a3"


def test_an_interrupted_reply_does_not_answer_the_next_question(opened, device, monkeypatch):
    adapter = opened()
    ask(adapter, "q1")
    adapter.write("q2")
    with monkeypatch.context() as patch:
        patch.setattr(device, "read", lambda timeout_s: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            adapter.read()
    assert ask(adapter, "q3") == "a3"


def test_a_dropped_line_raises_at_once_and_is_reopened_at_the_next_use(opened, device, clock):
    adapter = opened()
    ask(adapter, "q1")
    verified = []
    adapter.on_reopen = lambda: verified.append(ask(adapter, "q0"))
    device.dropped = True
    start_s = clock.monotonic_s()
    with pytest.raises(ConnectionFailed, match="toy: the line has dropped"):
        ask(adapter, "q2")
    assert clock.monotonic_s() == start_s
    assert ask(adapter, "q3") == "a3"
    assert verified == ["a0"]
    assert device.opened == 2


def test_a_line_that_cannot_be_reopened_is_tried_once_per_use(opened, device):
    adapter = opened()
    ask(adapter, "q1")
    device.dropped = device.refuse = True
    for _ in range(3):
        with pytest.raises(ConnectionFailed):
            ask(adapter, "q2")
    device.refuse = False
    assert ask(adapter, "q3") == "a3"


def test_another_device_after_reopening_is_refused_until_it_is_gone(opened, device):
    adapter = opened()
    ask(adapter, "q1")

    def verify() -> None:
        if ask(adapter, "who") != "device 1":
            raise WrongIdentity("another device")

    adapter.on_reopen = verify
    device.dropped, device.name = True, "device 2"
    with pytest.raises(ConnectionFailed):
        ask(adapter, "q2")
    for _ in range(2):
        with pytest.raises(WrongIdentity):
            ask(adapter, "q3")
    device.name = "device 1"
    assert ask(adapter, "q4") == "a4"


def test_another_instrument_is_named_as_such(opened, device):
    device.name = "multimeter"
    with pytest.raises(WrongIdentity, match="multimeter"):
        ask(opened(), "q1")


def test_a_dead_instrument_is_named_as_such(opened, device):
    device.hold = 1000
    with pytest.raises(NoReply, match="does not answer") as error:
        ask(opened(), "q1")
    assert "power" in error.value.remedy


def test_a_line_that_never_falls_silent_fails(opened, device, monkeypatch):
    adapter = opened()
    ask(adapter, "q1")
    adapter.distrust("for the test")
    monkeypatch.setattr(device, "read", lambda timeout_s: b"x" * 1000)
    with pytest.raises(ConnectionFailed, match="nobody asked for"):
        ask(adapter, "q2")


def test_a_reply_without_end_is_refused(opened, device, monkeypatch):
    adapter = opened()
    adapter.write("q1")
    monkeypatch.setattr(device, "read", lambda timeout_s: b"x" * MAX_REPLY_BYTES)
    with pytest.raises(BadReply, match="more than"):
        adapter.read()


def test_a_reply_that_is_no_text_is_refused_and_the_link_proved(opened, device, clock):
    adapter = opened()
    adapter.write("q1")
    device.line[0] = (clock.monotonic_s(), b"\xff\xfe\n")
    with pytest.raises(BadReply, match="no text"):
        adapter.read()
    assert ask(adapter, "q2") == "a2"
    assert device.questions[-3:] == [b"who", b"ok", b"q2"]


def test_a_reply_in_pieces_is_whole(opened, device, clock):
    adapter = opened()
    adapter.write("q1")
    device.line[:] = [
        (clock.monotonic_s() + 0.3 * i, bytes([byte])) for i, byte in enumerate(b"a1\n")
    ]
    assert adapter.read() == "a1"


def test_the_first_of_several_terminators_ends_a_reply(opened, device, clock):
    adapter = opened()
    adapter.write("q1")
    device.line[:] = [(clock.monotonic_s(), b"error? done ok")]
    assert adapter.read_until((b" ok", b"?")) == b"error?"


def test_a_port_opened_twice_is_one_link_and_one_lock(opened, device):
    first, second = opened(), opened(name="second")
    assert first.lock is second.lock
    assert ask(first, "q1") == "a1"
    assert ask(second, "q2") == "a2"
    assert device.opened == 1
    first.close()
    first.close()
    assert ask(second, "q3") == "a3"
    second.close()
    assert device.closed == 1


def test_a_fault_of_one_instrument_makes_its_neighbour_on_the_bus_prove_the_link(opened, device):
    first, second = opened(), opened(name="second")
    ask(first, "q1")
    ask(second, "q2")
    device.delays_s = [1.5]
    with pytest.raises(NoReply):
        ask(first, "q3")
    assert ask(second, "q4") == "a4"


def test_a_port_cannot_be_shared_with_other_line_settings(opened):
    keep = opened()
    with pytest.raises(ConfigError, match="baud_rate 9600, not 57600"):
        opened(settings=LinkSettings(baud_rate=57600))
    keep.close()


def test_a_port_that_cannot_be_opened_leaves_nothing_behind(opened, device):
    device.refuse = True
    with pytest.raises(ConnectionFailed, match="toy: toy://1: refused"):
        opened()
    device.refuse = False
    assert ask(opened(), "q1") == "a1"


def test_an_adapter_that_was_closed_does_not_open_the_port_again(opened, device):
    adapter = opened()
    ask(adapter, "q1")
    adapter.close()
    with pytest.raises(ConnectionFailed, match="has been shut down"):
        ask(adapter, "q2")
    assert device.opened == device.closed == 1
