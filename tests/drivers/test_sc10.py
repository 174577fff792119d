import math
import tomllib
from pathlib import Path

import pytest
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.thorlabs.sc10 import Sc10
from labctl.core import roles
from labctl.core.clock import VirtualClock
from labctl.core.errors import BadReply, CommandRefused, InstrumentError, SafetyError

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "sc10.toml"
RETRIED = 3


def golden(command, nth=0):
    """Return one exchange of the transcript without terminators."""
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    found = [e for e in exchanges if e["write"].rstrip() == command]
    return command, found[nth]["read"].removesuffix("> ")


def talking(*pairs):
    return expected_protocol(Sc10, list(pairs), clock=VirtualClock())


@pytest.fixture
def shutter(connect):
    return connect(Sc10, "sc10_probe", "probe shutter")


def blade_is_open(table, clock):
    return table.ports.shutters["probe"].is_open(clock.monotonic_s())


def test_it_fulfils_its_role(shutter):
    role: roles.Shutter = shutter
    assert isinstance(role, roles.Shutter)


def test_it_opens_and_closes_as_the_transcript_says():
    with talking(
        golden("id?"),
        golden("closed?"),
        golden("interlock?"),
        golden("mode?"),
        golden("ens?"),
        golden("ens"),
        golden("ens?", 1),
        golden("closed?", 1),
        golden("ens?", 1),
        golden("ens"),
        golden("ens?", 2),
        golden("closed?", 2),
    ) as driver:
        assert driver.identify() == roles.Identity("Thorlabs", "SC10", firmware="1.07")
        assert driver.is_open is False
        driver.is_open = True
        driver.is_open = False


def test_a_shutter_that_is_closed_is_not_toggled():
    with talking(golden("ens?"), golden("ens?"), golden("closed?")) as driver:
        driver.safe()


def test_another_mode_is_made_manual_before_opening():
    with talking(
        golden("interlock?"),
        ("mode?", "mode?\r2\r"),
        golden("mode=1"),
        golden("mode?"),
        golden("ens?"),
        golden("ens"),
        golden("ens?", 1),
        golden("closed?", 1),
    ) as driver:
        driver.is_open = True


def test_a_mode_that_stays_is_a_refusal():
    pairs = [
        golden("interlock?"),
        ("mode?", "mode?\r2\r"),
        golden("mode=1"),
        ("mode?", "mode?\r2\r"),
    ]
    driver = Sc10(ProtocolAdapter(pairs), clock=VirtualClock())
    with pytest.raises(CommandRefused, match="reads back mode 2"):
        driver.is_open = True


@pytest.mark.parametrize("reply", ["ens?\r1\r", "closed?\r2\r", "1\r", "closed?\r"])
def test_an_answer_to_another_question_is_refused(reply):
    driver = Sc10(ProtocolAdapter([("closed?", reply)] * RETRIED), clock=VirtualClock())
    with pytest.raises(BadReply):
        _ = driver.is_open


def test_an_open_interlock_keeps_the_shutter_closed(shutter, table, clock):
    table.emulators["sc10_probe"].interlock_tripped = True
    with pytest.raises(SafetyError, match="interlock"):
        shutter.is_open = True
    assert not blade_is_open(table, clock)


def test_a_blade_that_sticks_open_is_a_safety_error(shutter, table, clock):
    shutter.is_open = True
    table.faults("sc10_probe").at(1, "stuck")
    with pytest.raises(SafetyError, match="not confirmed to be closed") as error:
        shutter.is_open = False
    assert "by hand" in error.value.remedy
    assert shutter.is_open is True


def test_a_blade_that_sticks_closed_is_an_error_and_the_shutter_is_disabled(shutter, table):
    shutter.identify()
    table.faults("sc10_probe").at(1, "stuck")
    with pytest.raises(InstrumentError, match="opening of the blade"):
        shutter.is_open = True
    assert shutter.query("ens?", r"ens\?\r([01])\r")[1] == "0"


def test_a_shutter_that_cannot_be_asked_while_opening_is_a_safety_error(shutter, table):
    shutter.identify()
    # the interlock, the mode and the enable state are answered, then nothing
    table.faults("sc10_probe").at(4, "silence", count=math.inf)
    with pytest.raises(SafetyError):
        shutter.is_open = True


@pytest.mark.parametrize("n", range(1, 5))
def test_a_lost_answer_while_closing_still_closes(shutter, table, clock, n):
    shutter.is_open = True
    table.faults("sc10_probe").at(n, "silence")
    shutter.safe()
    assert not blade_is_open(table, clock)
