import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.thorlabs.pm100d import Pm100d
from labctl.core.clock import VirtualClock
from labctl.core.errors import CommandRefused, InstrumentError, InvalidReading, LimitError

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "pm100d.toml"
RETRIED = 3


def golden(question, nth=0):
    """Return one exchange of the transcript, without terminators; None for no reply."""
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    pairs = [(e["write"].removesuffix("\n"), e["read"].removesuffix("\n")) for e in exchanges]
    write, read = [pair for pair in pairs if pair[0] == question][nth]
    return write, read or None


def talking(*pairs):
    return expected_protocol(Pm100d, list(pairs), clock=VirtualClock(), name="meter")


def answering(question, reply):
    return Pm100d(ProtocolAdapter([(question, reply)] * RETRIED), clock=VirtualClock())


NO_ERROR = golden("SYST:ERR?")
RANGE = (
    golden("SYST:SENSOR:IDN?"),
    golden("SENS:CORR:WAV? MIN"),
    golden("SENS:CORR:WAV? MAX"),
)


def test_identity_of_meter_and_head():
    with talking(golden("*IDN?"), golden("SYST:SENSOR:IDN?")) as meter:
        identity, head = meter.identify(), meter.sensor
    assert (identity.model, identity.serial) == ("PM100D", "P0012345")
    assert (head.model, head.serial) == ("S120C", "20101234")


def test_the_wavelength_is_set_checked_for_errors_and_read_back():
    pairs = (*RANGE, NO_ERROR, golden("SENS:CORR:WAV 532"), NO_ERROR, golden("SENSE:CORR:WAV?"))
    with talking(*pairs) as meter:
        meter.wavelength_nm = 532.0


def test_a_wavelength_is_read():
    with talking(golden("SENSE:CORR:WAV?")) as meter:
        assert meter.wavelength_nm == 532.0


@pytest.mark.parametrize("wavelength_nm", [3000.0, 100.0, float("nan")])
def test_a_wavelength_that_the_head_does_not_cover_is_refused_and_not_clamped(wavelength_nm):
    with talking(*RANGE) as meter, pytest.raises(LimitError):
        meter.wavelength_nm = wavelength_nm


def test_an_error_of_the_meter_after_setting_is_raised():
    pairs = (*RANGE, NO_ERROR, golden("SENS:CORR:WAV 532"), golden("SYST:ERR?", 1))
    with talking(*pairs) as meter, pytest.raises(CommandRefused, match="out of range"):
        meter.wavelength_nm = 532.0


def test_an_older_error_is_not_blamed_on_the_wavelength():
    pairs = (golden("SYST:ERR?", 2), NO_ERROR, golden("SENS:CORR:WAV 532"), NO_ERROR)
    with talking(*RANGE, *pairs, golden("SENSE:CORR:WAV?")) as meter:
        meter.wavelength_nm = 532.0


def test_a_wavelength_that_reads_back_differently_is_refused():
    pairs = (*RANGE, NO_ERROR, golden("SENS:CORR:WAV 532"), NO_ERROR)
    other = ("SENSE:CORR:WAV?", golden("SENS:CORR:WAV?")[1])
    with talking(*pairs, other) as meter, pytest.raises(CommandRefused, match="635"):
        meter.wavelength_nm = 532.0


def test_power_is_read_in_watts():
    with talking(golden("MEAS:POW?")) as meter:
        assert meter.power_w == 1e-4


@pytest.mark.parametrize("reply", ["9.9E37", "9.900000E+37", "NAN", "nan", "-inf", "1.0E+400"])
def test_overrange_and_not_a_number_are_invalid(reply):
    with talking(("MEAS:POW?", reply)) as meter, pytest.raises(InvalidReading):
        _ = meter.power_w


@pytest.mark.parametrize("reply", ["no sensor,,,0,0,0", "ES111C,20101234,12-Jan-2024,2,1,2"])
def test_a_head_that_measures_no_power_is_refused(reply):
    with talking(("SYST:SENSOR:IDN?", reply)) as meter, pytest.raises(InvalidReading):
        _ = meter.sensor


def test_an_error_queue_that_never_empties_is_refused():
    full = [golden("SYST:ERR?", 1)] * 32
    with talking(*RANGE, *full) as meter, pytest.raises(CommandRefused, match="queue"):
        meter.wavelength_nm = 532.0


def test_safe_asks_nothing():
    with talking() as meter:
        meter.safe()


NUMBER = r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"


@given(st.one_of(st.text(max_size=12), st.from_regex(r"[+-]?\d*\.?\d*[eE]?-?\d?", fullmatch=True)))
def test_only_a_whole_number_is_a_power(text):
    meter = answering("MEAS:POW?", text)
    if re.fullmatch(NUMBER, text) and abs(float(text)) <= 300.0:
        assert meter.power_w == float(text)
    else:
        with pytest.raises(InstrumentError):
            _ = meter.power_w
