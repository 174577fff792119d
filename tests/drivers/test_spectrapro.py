import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.princeton.spectrapro import SpectraPro
from labctl.core import roles
from labctl.core.clock import VirtualClock
from labctl.core.errors import BadReply, CommandRefused, LabctlError, LimitError, NoReply
from labctl.core.roles import Grating

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "spectrapro.toml"
RETRIED = 3


def golden(command, nth=0):
    """Return one exchange of the transcript without terminators."""
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    found = [e for e in exchanges if e["write"].rstrip() == command]
    return command, found[nth]["read"].removesuffix("\r\n").encode("latin-1")


def talking(*pairs):
    return expected_protocol(SpectraPro, list(pairs), clock=VirtualClock())


def answering(*pairs):
    return SpectraPro(ProtocolAdapter(list(pairs)), clock=VirtualClock())


@pytest.fixture
def spectrograph(connect):
    return connect(SpectraPro, "spectrapro", "spectrograph")


def test_it_fulfils_its_role(spectrograph):
    role: roles.Monochromator = spectrograph
    assert isinstance(role, roles.Monochromator)


def test_it_reads_what_the_transcript_holds_with_and_without_echo():
    with talking(
        golden("?NM"), golden("?NM", 1), golden("MODEL"), golden("SERIAL"), golden("?GRATING")
    ) as driver:
        assert driver.wavelength_nm == 500.0
        assert driver.wavelength_nm == 500.0
        assert driver.identify() == roles.Identity("Princeton Instruments", "SP-2-500i", "25580117")
        assert driver.grating == 1


def test_the_list_of_gratings_is_asked_once():
    with talking(golden("?GRATINGS")) as driver:
        for _ in range(2):
            assert dict(driver.gratings) == {
                1: Grating(1, 1800.0, "500NM"),
                2: Grating(2, 1200.0, "500NM"),
                3: Grating(3, 300.0, "750NM"),
            }


def test_a_move_is_read_back():
    with talking(golden("540.000 GOTO"), golden("?NM", 2)) as driver:
        driver.wavelength_nm = 540.0


def test_a_clamped_wavelength_is_a_refusal():
    driver = answering(golden("99999.000 GOTO"), golden("?NM", 4))
    driver_limit = 9999.0
    with pytest.raises(LimitError):
        driver.wavelength_nm = 99999.0
    driver = answering((f"{driver_limit:.3f} GOTO", b" ok"), golden("?NM", 4))
    with pytest.raises(CommandRefused, match="set to 9999 nm but reads back 1400 nm"):
        driver.wavelength_nm = driver_limit


def test_a_grating_is_read_back():
    with talking(golden("?GRATINGS"), golden("2 GRATING"), golden("?GRATING", 1)) as driver:
        driver.grating = 2


def test_a_grating_that_does_not_turn_up_is_a_refusal():
    driver = answering(golden("?GRATINGS"), ("3 GRATING", b" ok"), golden("?GRATING", 1))
    with pytest.raises(CommandRefused, match="set to 3"):
        driver.grating = 3


def test_a_grating_that_is_not_installed_is_not_asked_for():
    driver = answering(golden("?GRATINGS"))
    with pytest.raises(LimitError, match="7 is none of 1, 2, 3"):
        driver.grating = 7


@pytest.mark.parametrize("reply", [b"540.000 GOTO ? ", b" ? "])
def test_a_question_mark_is_a_refusal(reply):
    driver = answering(("540.000 GOTO", reply))
    with pytest.raises(CommandRefused, match="lower case"):
        driver.wavelength_nm = 540.0


@pytest.mark.parametrize(
    "reply", [b" 500.000 nm", b"?GRATING 500.000 nm  ok", b" nan nm  ok", b" 1  ok", b" 5e2 nm  ok"]
)
def test_a_wavelength_of_another_form_is_refused(reply):
    driver = answering(*[("?NM", reply)] * RETRIED)
    with pytest.raises(BadReply):
        _ = driver.wavelength_nm


@given(st.binary(max_size=60))
def test_no_bytes_make_a_list_of_gratings_fail_otherwise(noise):
    reply = b"\r\n" + noise + b"\r\n ok"
    driver = answering(*[("?GRATINGS", reply)] * RETRIED)
    try:
        gratings = driver.gratings
    except LabctlError:
        return
    assert all(number == grating.number for number, grating in gratings.items())


def test_firmware_in_lower_case_is_spoken_to_in_lower_case():
    pairs = [("540.000 goto", b" ok"), ("?nm", b" 540.00  ok")]
    with expected_protocol(SpectraPro, pairs, clock=VirtualClock(), lower_case=True) as driver:
        driver.wavelength_nm = 540.0


def test_a_move_whose_answer_is_lost_is_settled_by_reading_back(spectrograph, table, clock):
    spectrograph.identify()
    table.faults("spectrapro").at(1, "silence")
    spectrograph.wavelength_nm = 600.0
    assert table.ports.spectrograph.wavelength_nm(clock.monotonic_s()) == pytest.approx(600.0)


def test_a_stuck_grating_gives_an_error_and_never_a_wavelength(spectrograph, table):
    spectrograph.identify()
    before_nm = spectrograph.wavelength_nm
    table.faults("spectrapro").at(1, "stuck")
    with pytest.raises(NoReply):
        spectrograph.wavelength_nm = 600.0
    table.faults("spectrapro").clear()
    assert spectrograph.wavelength_nm == before_nm


def test_the_safe_state_moves_nothing():
    with talking() as driver:
        driver.safe()
