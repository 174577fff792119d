import math
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.zaber.ascii_axis import ZaberAxis
from labctl.core.clock import VirtualClock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConfigError,
    InstrumentError,
    InvalidReading,
    LimitError,
)

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "zaber.toml"
MICROSTEP_UM = 0.047625
RETRIED = 3


def checksum(text):
    return f"{-sum(text.encode()) & 0xFF:02X}"


def golden(command, number, *, scope=1, nth=0):
    """Return one exchange of the transcript as the driver numbers it.

    The scope (device 1, axis or 0) and the message id stand where the driver puts them; a
    command that moves has a checksum.
    """
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    form = rf"/1(?: \d \d\d)? ?{re.escape(command)}(?::[0-9A-F]{{2}})?\n"
    reply = [e["read"] for e in exchanges if re.fullmatch(form, e["write"])][nth]
    body = re.sub(r"@01 \d (?:\d\d )?", "", reply.removesuffix("\r\n"))
    return exchange(command, number, body, scope)


def exchange(command, number, body, scope=1):
    text = f"1 {scope} {number:02d} {command}".rstrip()
    tail = f":{checksum(text)}" if re.match("move|home", command) else ""
    return f"/{text}{tail}", f"@01 {scope} {number:02d} {body}"


def talking(*pairs):
    return expected_protocol(
        ZaberAxis, list(pairs), clock=VirtualClock(), name="x", microstep_um=MICROSTEP_UM
    )


def answering(question, reply):
    adapter = ProtocolAdapter([(question, reply)] * RETRIED)
    return ZaberAxis(adapter, clock=VirtualClock(), microstep_um=MICROSTEP_UM)


def test_the_checksum_is_the_one_of_the_transcript():
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    assert "/1 1 01 move abs 1000:EF\n" in [e["write"] for e in exchanges]
    assert exchange("move abs 1000", 1, "")[0] == "/1 1 01 move abs 1000:EF"


def test_identity_comes_from_the_device_and_not_from_the_axis():
    with talking(
        golden("get deviceid", 0, scope=0),
        golden("get system.serial", 1, scope=0),
        golden("get version", 2, scope=0),
    ) as axis:
        identity = axis.identify()
    assert (identity.model, identity.serial, identity.firmware) == ("device 50081", "45001", "7.34")


def test_a_position_is_read_in_micrometres():
    with talking(golden("get pos", 0, nth=1)) as axis:
        assert axis.position_um == pytest.approx(47.625)


def test_a_move_carries_id_and_checksum_waits_and_reads_back():
    with talking(
        golden("get pos", 0),
        golden("move abs 1000", 1),
        exchange("", 2, "OK BUSY -- 0"),
        golden("", 3),
        golden("get pos", 4, nth=1),
    ) as axis:
        axis.position_um = 47.625


def test_a_target_out_of_range_is_refused_in_words():
    refusal = golden("move abs 999999999", 1)
    value = 999999999 * MICROSTEP_UM
    with (
        talking(golden("get pos", 0), refusal) as axis,
        pytest.raises(CommandRefused, match=r"BADDATA.*out of range"),
    ):
        axis.position_um = value


@pytest.mark.parametrize("flag", ["WR", "WH"])
def test_an_axis_that_is_not_homed_is_neither_read_nor_moved(flag):
    with (
        talking(exchange("get pos", 0, f"OK IDLE {flag} 0")) as axis,
        pytest.raises(InvalidReading, match="home"),
    ):
        _ = axis.position_um
    with (
        talking(exchange("get pos", 0, f"OK IDLE {flag} 0")) as axis,
        pytest.raises(CommandRefused, match="home"),
    ):
        axis.position_um = 1.0


def test_a_note_does_not_make_a_position_invalid():
    with talking(exchange("get pos", 0, "OK IDLE NI 1000")) as axis:
        assert axis.position_um == pytest.approx(47.625)


def test_a_stall_during_a_move_stops_the_axis_and_is_raised():
    with (
        talking(
            golden("get pos", 0),
            golden("move abs 1000", 1),
            exchange("", 2, "OK IDLE FS 0"),
            golden("stop", 3),
            exchange("", 4, "OK IDLE FS 0"),
        ) as axis,
        pytest.raises(InstrumentError, match="stalled"),
    ):
        axis.position_um = 47.625


@pytest.mark.parametrize("reply", ["@01 1 00 OK BUSY -- 0", "@02 1 01 OK BUSY -- 0", "#01 1 x"])
def test_a_reply_of_another_command_or_device_leaves_the_move_to_the_read_back(reply):
    move = (golden("move abs 1000", 1)[0], reply)
    with talking(golden("get pos", 0), move, golden("", 2), golden("get pos", 3, nth=1)) as axis:
        axis.position_um = 47.625


def test_a_position_with_the_id_of_an_earlier_question_is_never_returned():
    stale = golden("get pos", 1, nth=1)[1]
    with pytest.raises(BadReply):
        _ = answering(golden("get pos", 0)[0], stale).position_um


def test_a_move_that_ended_elsewhere_is_refused():
    with (
        talking(
            golden("get pos", 0), golden("move abs 1000", 1), golden("", 2), golden("get pos", 3)
        ) as axis,
        pytest.raises(CommandRefused, match="reads back"),
    ):
        axis.position_um = 47.625


@pytest.mark.parametrize("position_um", [math.nan, math.inf])
def test_a_position_that_is_no_number_is_never_sent(position_um):
    with talking() as axis, pytest.raises(LimitError):
        axis.position_um = position_um


def test_safe_stops_and_confirms():
    with talking(golden("stop", 0), golden("", 1)) as axis:
        axis.safe()


def test_a_stop_that_is_not_obeyed_is_raised():
    busy = [exchange("", number, "OK BUSY -- 0") for number in range(1, 90)]
    later = [exchange("", number, "OK BUSY -- 0") for number in range(30)]
    axis = ZaberAxis(
        ProtocolAdapter([exchange("stop", 0, "OK BUSY -- 0"), *busy, *later]),
        clock=VirtualClock(),
        microstep_um=MICROSTEP_UM,
    )
    with pytest.raises(InstrumentError, match="stopping"):
        axis.safe()


def test_homing_is_verified():
    with talking(golden("home", 0), exchange("", 1, "OK IDLE -- 0"), golden("get pos", 2)) as axis:
        axis.home()


def test_a_wrong_checksum_in_a_reply_is_refused():
    body = "01 1 00 OK IDLE -- 1000"
    right = answering("/1 1 00 get pos", f"@{body}:{checksum(body)}")
    assert right.position_um == pytest.approx(47.625)
    with pytest.raises(BadReply, match="checksum"):
        _ = answering("/1 1 00 get pos", f"@{body}:00").position_um


@pytest.mark.parametrize(
    "options",
    [{"device": 0, "microstep_um": 1.0}, {"axis": 10, "microstep_um": 1.0}, {"microstep_um": 0.0}],
)
def test_impossible_options_are_a_configuration_error(options):
    with pytest.raises(ConfigError):
        ZaberAxis(ProtocolAdapter([]), clock=VirtualClock(), **options)


REPLY = r"@0[12] [12] 0[01] (OK|RJ) (IDLE|BUSY) (--|[A-Z]{2}) -?\d{0,11}[A-Z]{0,3}"


@given(st.one_of(st.text(max_size=30), st.from_regex(REPLY, fullmatch=True)))
def test_only_a_whole_accepted_reply_is_a_position(text):
    axis = answering("/1 1 00 get pos", text)
    form = r"@01 1 00 OK (?:IDLE|BUSY) (?!F|WH|WR)(?:--|[A-Z]{2}) (-?[0-9]{1,10})"
    match = re.fullmatch(form, text)
    if match:
        assert axis.position_um == int(match[1]) * MICROSTEP_UM
    else:
        with pytest.raises(InstrumentError):
            _ = axis.position_um
