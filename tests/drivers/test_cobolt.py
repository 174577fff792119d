import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.cobolt.laser import CoboltLaser
from labctl.core.clock import VirtualClock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    InstrumentError,
    InvalidReading,
    LimitError,
    SafetyError,
    WrongIdentity,
)

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "cobolt.toml"
RETRIED = 3


def golden(question, nth=0):
    """Return one exchange of the transcript, without terminators."""
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    pairs = [(e["write"].removesuffix("\r"), e["read"].removesuffix("\r\n")) for e in exchanges]
    return [pair for pair in pairs if pair[0] == question][nth]


def talking(*pairs, wavelength_nm=532.0):
    return expected_protocol(
        CoboltLaser, list(pairs), clock=VirtualClock(), name="laser", wavelength_nm=wavelength_nm
    )


def answering(question, reply, times=RETRIED):
    return CoboltLaser(
        ProtocolAdapter([(question, reply)] * times), clock=VirtualClock(), wavelength_nm=532.0
    )


READY = (golden("ilk?"), golden("f?"), golden("@cobas?"))


def test_identity_comes_from_model_serial_and_firmware():
    with talking(golden("glm?"), golden("sn?"), golden("gfv?")) as laser:
        identity = laser.identify()
    assert (identity.vendor, identity.serial, identity.firmware) == ("Cobolt", "12345", "4.0.2")
    assert identity.model == "0532-06-01-0100-100"


def test_a_laser_of_another_wavelength_is_refused():
    pairs = (golden("glm?"), golden("sn?"), golden("gfv?"))
    with talking(*pairs, wavelength_nm=730.0) as laser, pytest.raises(WrongIdentity, match="532"):
        laser.identify()


def test_switching_on_checks_interlock_fault_and_autostart_then_confirms():
    pairs = (golden("cp"), golden("l1"), golden("l?", 1), golden("gom?", 1))
    with talking(*READY, *pairs) as laser:
        laser.emission = True


def test_switching_off_is_confirmed():
    with talking(golden("l0"), golden("l?")) as laser:
        laser.emission = False


def test_set_point_is_read_back():
    with talking(golden("p 0.0500"), golden("p?")) as laser:
        laser.power_setpoint_w = 0.05


def test_a_set_point_that_reads_back_differently_is_refused():
    with talking(("p 0.0400", "OK"), golden("p?")) as laser, pytest.raises(CommandRefused):
        laser.power_setpoint_w = 0.04


def test_a_syntax_error_is_a_refusal():
    reply = golden("p 9.0000")[1]
    with talking(("p 0.5000", reply)) as laser, pytest.raises(CommandRefused, match=reply):
        laser.power_setpoint_w = 0.5


@pytest.mark.parametrize("power_w", [-1e-6, 1.001, float("nan"), float("inf")])
def test_a_set_point_out_of_range_is_never_sent(power_w):
    with talking() as laser, pytest.raises(LimitError):
        laser.power_setpoint_w = power_w


def test_a_garbled_acknowledgement_is_decided_by_the_read_back():
    with talking(("p 0.0500", "O"), golden("p?")) as laser:
        laser.power_setpoint_w = 0.05


def test_power_is_read_in_watts():
    with talking(golden("pa?"), golden("pa?", 1)) as laser:
        assert laser.power_w == 0.05
        assert laser.power_w == 0.0


def test_the_known_quirk_of_answering_1_is_asked_again():
    with talking(("pa?", "1"), golden("pa?")) as laser:
        assert laser.power_w == 0.05


def test_a_power_of_1_without_decimals_is_never_returned():
    with pytest.raises(BadReply):
        _ = answering("pa?", "1").power_w


def test_an_absurd_power_is_invalid():
    with pytest.raises(InvalidReading):
        _ = answering("pa?", "7.0000").power_w


def test_an_open_interlock_forbids_emission_and_nothing_is_re_armed():
    with talking(("ilk?", "1")) as laser, pytest.raises(SafetyError, match="interlock"):
        laser.emission = True


def test_a_fault_forbids_emission_in_words():
    pairs = (golden("ilk?"), ("f?", "4"))
    with talking(*pairs) as laser, pytest.raises(CommandRefused, match="constant power"):
        laser.emission = True


def test_autostart_forbids_emission():
    pairs = (golden("ilk?"), golden("f?"), ("@cobas?", "1"))
    with talking(*pairs) as laser, pytest.raises(CommandRefused, match="autostart"):
        laser.emission = True


def test_emission_that_never_starts_is_switched_off_again():
    clock = VirtualClock()
    waiting = [("l?", "0")] * 41
    pairs = [*READY, golden("cp"), golden("l1"), *waiting, ("gom?", "1"), ("l0", "OK"), ("l?", "0")]
    with (
        expected_protocol(CoboltLaser, pairs, clock=clock, wavelength_nm=532.0) as laser,
        pytest.raises(CommandRefused, match="waiting for key"),
    ):
        laser.emission = True


def test_safe_switches_off_again_when_the_first_time_was_not_obeyed():
    still_on = [("l?", "1")] * 5
    with talking(("l0", "OK"), *still_on, ("l0", "OK"), ("l?", "0")) as laser:
        laser.safe()


def test_safe_raises_when_emission_stays_on():
    stuck = [("l0", "OK"), *[("l?", "1")] * 5]
    with talking(*stuck, *stuck) as laser, pytest.raises(SafetyError, match="not confirmed"):
        laser.safe()


def test_safe_believes_the_laser_and_not_the_refusal():
    with talking(("l0", "Syntax error: illegal command"), ("l?", "0")) as laser:
        laser.safe()


@pytest.mark.parametrize(
    ("code", "word"), [("0", ""), ("1", "temperature error"), ("3", "interlock error")]
)
def test_faults_are_words(code, word):
    with talking(("f?", code)) as laser:
        assert laser.fault == word


def test_modes_are_words():
    with talking(golden("gom?"), golden("gom?", 1)) as laser:
        assert (laser.mode, laser.mode) == ("off", "continuous wave")


TEXT = st.one_of(st.text(max_size=12), st.from_regex(r"-?\d*\.?\d*(OK)?[eE]?\d?", fullmatch=True))


@given(TEXT)
def test_only_a_decimal_number_is_a_power(text):
    laser = answering("pa?", text)
    if re.fullmatch(r"-?[0-9]+\.[0-9]+", text) and -0.01 <= float(text) <= 2.0:
        assert laser.power_w == float(text)
    else:
        with pytest.raises(InstrumentError):
            _ = laser.power_w


@given(TEXT)
def test_only_0_and_1_are_states(text):
    if text in ("0", "1"):
        assert answering("l?", text).emission is (text == "1")
        assert answering("ilk?", text).interlock_closed is (text == "0")
    else:
        with pytest.raises(BadReply):
            _ = answering("l?", text).emission
        with pytest.raises(BadReply):
            _ = answering("ilk?", text).interlock_closed
