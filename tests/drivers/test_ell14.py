import math
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.thorlabs.ell14 import STATUS_WORDS, Ell14
from labctl.core.clock import VirtualClock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConfigError,
    InstrumentError,
    InvalidReading,
    LimitError,
    WrongIdentity,
)

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "ell14.toml"
RETRIED = 3
TURN = 143360


def golden(question):
    """Return one exchange of the transcript as pairs of PyMeasure, one per reply line."""
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    reply = next(e["read"] for e in exchanges if e["write"].removesuffix("\r\n") == question)
    first, *more = reply.removesuffix("\r\n").split("\r\n")
    return [(question, first), *((None, line) for line in more)]


def talking(*groups, address=0):
    pairs = [pair for group in groups for pair in group]
    return expected_protocol(Ell14, pairs, clock=VirtualClock(), name="rotator", address=address)


def answering(question, reply):
    pairs = [*golden("0in"), *[(question, reply)] * RETRIED]
    rotator = Ell14(ProtocolAdapter(pairs), clock=VirtualClock())
    rotator.identify()
    return rotator


def position(pulses, address=0):
    return [(f"{address}gp", f"{address}PO{pulses & 0xFFFFFFFF:08X}")]


def test_identity_and_pulses_per_turn_come_from_the_in_reply():
    with talking(golden("0in")) as rotator:
        identity = rotator.identify()
        assert rotator.pulses_per_turn == TURN
    assert (identity.model, identity.serial, identity.firmware) == ("ELL14", "11400517", "17")


def test_the_second_module_of_a_bus_has_its_own_identity():
    with talking(golden("1in"), address=1) as rotator:
        assert rotator.identify().serial == "11400518"


def test_a_linear_stage_is_refused():
    reply = golden("0in")[0][1].replace("IN0E", "IN07")
    with talking([("0in", reply)]) as rotator, pytest.raises(WrongIdentity, match="ELL7"):
        rotator.identify()


def test_a_move_waits_and_is_verified_by_the_encoder():
    move = golden("0ma00004600")
    with talking(golden("0in"), move, golden("0gs"), position(17920)) as rotator:
        rotator.angle_deg = 45.0


def test_a_move_may_end_without_announcing_busy():
    with talking(
        golden("0in"), [("0ma00004600", "0PO00004600")], golden("0gs"), position(17920)
    ) as rotator:
        rotator.angle_deg = 45.0


def test_an_angle_is_read_in_degrees():
    with talking(golden("0in"), position(17920)) as rotator:
        assert rotator.angle_deg == 45.0


@pytest.mark.parametrize(("angle_deg", "pulses"), [(405.0, 17920), (-45.0, 125440), (360.0, 0)])
def test_angles_are_wrapped_to_one_turn(angle_deg, pulses):
    move = [(f"0ma{pulses:08X}", f"0PO{pulses:08X}")]
    with talking(golden("0in"), move, golden("0gs"), position(pulses)) as rotator:
        rotator.angle_deg = angle_deg


def test_a_small_negative_position_is_an_angle_just_below_a_turn():
    with talking(golden("0in"), position(-1)) as rotator:
        assert 359.99 < rotator.angle_deg < 360.0


def test_the_last_encoder_count_before_a_turn_counts_as_zero_within_tolerance():
    move = [("0ma00000000", "0PO00000000")]
    with talking(golden("0in"), move, golden("0gs"), position(-1)) as rotator:
        rotator.angle_deg = 0.0


@pytest.mark.parametrize("angle_deg", [math.nan, math.inf])
def test_an_angle_that_is_no_number_is_never_sent(angle_deg):
    with talking() as rotator, pytest.raises(LimitError):
        rotator.angle_deg = angle_deg


def test_a_refused_move_says_why():
    refused = [("0ma00004600", golden("0ma00046000")[0][1])]
    with (
        talking(golden("0in"), refused) as rotator,
        pytest.raises(CommandRefused, match="out of range"),
    ):
        rotator.angle_deg = 45.0


def test_a_garbled_answer_to_a_move_is_decided_by_the_encoder_and_not_by_a_second_move():
    move = [("0ma00004600", "0PX00004600")]
    with talking(golden("0in"), move, golden("0gs"), position(17920)) as rotator:
        rotator.angle_deg = 45.0


def test_a_move_that_ended_elsewhere_is_refused():
    move = [("0ma00004600", "0PO00004600")]
    with (
        talking(golden("0in"), move, golden("0gs"), position(17000)) as rotator,
        pytest.raises(CommandRefused, match="beside"),
    ):
        rotator.angle_deg = 45.0


@pytest.mark.parametrize("event", ["0BO01", "0BS01", "1PO00004600"])
def test_buttons_and_other_modules_are_no_answer(event):
    with pytest.raises(BadReply):
        _ = answering("0gp", event).angle_deg


def test_a_fault_instead_of_a_position_is_named():
    with pytest.raises(CommandRefused, match="thermal error"):
        _ = answering("0gp", "0GS08").angle_deg


def test_more_than_a_turn_is_invalid():
    with pytest.raises(InvalidReading):
        _ = answering("0gp", f"0PO{TURN + 1:08X}").angle_deg


@pytest.mark.parametrize(("code", "word"), STATUS_WORDS.items())
def test_every_status_has_a_word(code, word):
    with talking([("0gs", f"0GS{code:02X}")]) as rotator:
        assert rotator.status == word


def test_an_unknown_status_is_refused():
    with pytest.raises(BadReply):
        _ = answering("0gs", "0GSFF").status


def test_homing_is_verified():
    with talking(golden("0ho0"), golden("0gs"), golden("0in"), position(0)) as rotator:
        rotator.home()


def test_safe_asks_nothing():
    with talking() as rotator:
        rotator.safe()


def test_an_impossible_address_is_a_configuration_error():
    with pytest.raises(ConfigError):
        Ell14(ProtocolAdapter([]), clock=VirtualClock(), address=16)


@given(
    st.one_of(st.text(max_size=12), st.from_regex(r"0?[PG]?[OS]?[0-9a-fA-F]{0,9}", fullmatch=True))
)
def test_only_a_whole_position_is_an_angle(text):
    rotator = answering("0gp", text)
    match = re.fullmatch(r"0PO([0-9A-F]{8})", text)
    pulses = None if match is None else (int(match[1], 16) ^ 0x80000000) - 0x80000000
    if pulses is not None and abs(pulses) <= TURN:
        assert 0.0 <= rotator.angle_deg < 360.0
    else:
        with pytest.raises(InstrumentError):
            _ = rotator.angle_deg
