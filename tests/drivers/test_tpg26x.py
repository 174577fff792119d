import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.pfeiffer.tpg26x import Tpg26x
from labctl.core.clock import VirtualClock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConfigError,
    InstrumentError,
    InvalidReading,
)

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "tpg261.toml"
ACK, NAK, ENQ = "\x06", "\x15", "\x05"
RETRIED = 3


def golden(mnemonic, nth=0):
    """Return the exchange of a mnemonic and the enquiry that follows it in the transcript."""
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    pairs = [(e["write"].removesuffix("\r\n"), e["read"].removesuffix("\r\n")) for e in exchanges]
    at = [index for index, pair in enumerate(pairs) if pair[0] == mnemonic][nth]
    return pairs[at : at + 2]


def told(mnemonic, reply):
    return [(mnemonic, ACK), (ENQ, reply)]


def talking(*groups, gauge=1):
    pairs = [pair for group in groups for pair in group]
    return expected_protocol(Tpg26x, pairs, clock=VirtualClock(), name="gauge", gauge=gauge)


def test_identity_names_firmware_and_gauge():
    with talking(golden("PNR"), golden("TID")) as gauge:
        identity = gauge.identify()
    assert (identity.model, identity.firmware) == ("TPG 26x with PKR", "BG 805 193-C")


def test_millibars_are_converted():
    with talking(golden("UNI"), golden("PR1")) as gauge:
        assert gauge.pressure_pa == pytest.approx(1.23e-3)


def test_the_unit_is_asked_for_with_every_pressure():
    in_pa = told("UNI", golden("UNI,2")[1][1])
    with talking(golden("UNI"), golden("PR1"), in_pa, golden("PR1", 1)) as gauge:
        assert gauge.pressure_pa == pytest.approx(gauge.pressure_pa)


def test_torr_is_converted():
    with talking(told("UNI", "1"), told("PR1", "0,+7.6000E+02")) as gauge:
        assert gauge.pressure_pa == pytest.approx(101325.0)


@pytest.mark.parametrize(
    ("status", "word"),
    [("1", "underrange"), ("2", "overrange"), ("3", "sensor error"), ("4", "sensor off"),
     ("5", "no sensor"), ("6", "identification error")],
)  # fmt: skip
def test_a_status_other_than_0_is_invalid_in_words(status, word):
    reply = told("PR1", f"{status},+2.0000E-02")
    with talking(golden("UNI"), reply) as gauge, pytest.raises(InvalidReading, match=word):
        _ = gauge.pressure_pa


def test_the_second_gauge_is_asked_by_its_number():
    with (
        talking(golden("UNI"), told("PR2", "5,+2.0000E-02"), gauge=2) as gauge,
        pytest.raises(InvalidReading, match="no sensor"),
    ):
        _ = gauge.pressure_pa


def test_a_refusal_is_named_by_the_error_word():
    refusal = [("UNI", NAK), golden("FOO")[1]]
    with talking(refusal) as gauge, pytest.raises(CommandRefused, match="syntax error"):
        _ = gauge.pressure_pa


def test_after_a_fault_the_whole_handshake_is_repeated():
    with talking([("UNI", "0")], golden("UNI"), golden("PR1")) as gauge:
        assert gauge.pressure_pa == pytest.approx(1.23e-3)


def test_an_absurd_pressure_is_invalid():
    with (
        talking(golden("UNI"), told("PR1", "0,+1.0000E+09")) as gauge,
        pytest.raises(InvalidReading, match="outside"),
    ):
        _ = gauge.pressure_pa


def test_an_acknowledgement_is_never_data():
    with talking(*[told("UNI", ACK)] * RETRIED) as gauge, pytest.raises(BadReply):
        _ = gauge.pressure_pa


def test_a_gauge_that_does_not_exist_is_a_configuration_error():
    with pytest.raises(ConfigError):
        Tpg26x(ProtocolAdapter([]), clock=VirtualClock(), gauge=3)


def test_safe_asks_nothing():
    with talking() as gauge:
        gauge.safe()


@given(
    st.one_of(
        st.text(max_size=14),
        st.from_regex(r"[0-7],?[+-]?\d\.\d{0,5}E?[+-]?\d{1,3}", fullmatch=True),
    )
)
def test_only_a_status_0_and_a_whole_number_are_a_pressure(text):
    pairs = told("UNI", "2") + told("PR1", text) * RETRIED
    gauge = Tpg26x(ProtocolAdapter(pairs), clock=VirtualClock())
    match = re.fullmatch(r"0,([+-]?[0-9]\.[0-9]{2,4}E[+-][0-9]{2})", text)
    if match and 1e-10 <= float(match[1]) <= 2e5:
        assert gauge.pressure_pa == float(match[1])
    else:
        with pytest.raises(InstrumentError):
            _ = gauge.pressure_pa
