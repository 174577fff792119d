import tomllib
from pathlib import Path

import pytest
from pymeasure.adapters import ProtocolAdapter
from pymeasure.test import expected_protocol

from drivers.lakeshore.model336 import Model336
from labctl.core import roles
from labctl.core.clock import VirtualClock
from labctl.core.errors import (
    BadReply,
    CommandRefused,
    ConfigError,
    InvalidReading,
    LimitError,
    WrongIdentity,
)

TRANSCRIPT = Path(__file__).parents[1] / "transcripts" / "lakeshore336.toml"
RETRIED = 3


def golden(command, nth=0):
    """Return one exchange of the transcript without terminators."""
    exchanges = tomllib.loads(TRANSCRIPT.read_text())["exchange"]
    found = [e for e in exchanges if e["write"].rstrip() == command]
    return command, found[nth]["read"].removesuffix("\r\n")


def talking(*pairs):
    return expected_protocol(Model336, list(pairs), clock=VirtualClock())


def answering(*pairs):
    return Model336(ProtocolAdapter(list(pairs)), clock=VirtualClock())


@pytest.fixture
def controller(connect):
    return connect(Model336, "lakeshore336", "cryostat")


def test_it_fulfils_its_role(controller):
    role: roles.TemperatureController = controller
    assert isinstance(role, roles.TemperatureController)


def test_it_reads_what_the_transcript_holds():
    with talking(
        golden("*IDN?"),
        golden("HTR? 1"),
        golden("RANGE? 1"),
        golden("SETP? 1"),
        golden("RAMP? 1"),
        golden("RAMP? 1", 1),
        golden("RAMPST? 1"),
        golden("RAMPST? 1", 1),
        golden("KRDG? A"),
    ) as driver:
        assert driver.identify() == roles.Identity("Lake Shore", "336", "LSA12AB/#######", "2.9")
        assert driver.heater_percent == 25.0
        assert driver.heater_range == "high"
        assert driver.setpoint_k == 250.0
        assert driver.ramp_k_per_min == 0.0
        assert driver.ramp_k_per_min == 6.0
        assert driver.ramping is True
        assert driver.ramping is False
        assert driver.input_A.kelvin == 300.0


def test_a_temperature_comes_with_its_status_in_one_reply():
    with talking(("KRDG? A;RDGST? A", "+300.000;000")) as driver:
        assert driver.temperature_k == 300.0


@pytest.mark.parametrize(
    ("status", "words"),
    [("001", "invalid reading"), ("016", "under range"), ("160", "over range, sensor units over")],
)
def test_a_temperature_with_a_bad_status_is_no_reading(status, words):
    driver = answering(("KRDG? A;RDGST? A", f"+000.000;{status}"))
    with pytest.raises(InvalidReading, match=words):
        _ = driver.temperature_k


@pytest.mark.parametrize(
    "reply", ["+300.000", "+300.00;000", "300.000;000", "+300.000;00", "+300.000;000;", "+nan;000"]
)
def test_a_temperature_of_another_form_is_refused(reply):
    driver = answering(*[("KRDG? A;RDGST? A", reply)] * RETRIED)
    with pytest.raises(BadReply):
        _ = driver.temperature_k


def test_a_set_point_is_chained_with_the_event_register_and_read_back():
    with talking(
        golden("*ESR?"),
        ("SETP 1,250.000;*ESR?", "000"),
        ("RAMPST? 1", "0"),
        ("SETP? 1", "+250.000"),
    ) as driver:
        driver.setpoint_k = 250.0


def test_an_error_in_the_event_register_is_a_refusal():
    driver = answering(("*ESR?", "000"), ("SETP 1,250.000;*ESR?", "016"))
    with pytest.raises(CommandRefused, match="execution error"):
        driver.setpoint_k = 250.0


def test_a_set_point_that_reads_back_otherwise_is_a_refusal():
    driver = answering(
        ("*ESR?", "000"),
        ("SETP 1,250.000;*ESR?", "000"),
        ("RAMPST? 1", "0"),
        ("SETP? 1", "+260.000"),
    )
    with pytest.raises(CommandRefused, match="set to 250 K but reads back 260 K"):
        driver.setpoint_k = 250.0


@pytest.mark.parametrize("value", [-1.0, 1001.0, float("nan")])
def test_an_impossible_set_point_is_not_sent(value):
    with talking() as driver, pytest.raises(LimitError):
        driver.setpoint_k = value


@pytest.mark.parametrize("value", [-1.0, 0.05, 101.0, float("nan")])
def test_an_impossible_ramp_is_not_sent(value):
    with talking() as driver, pytest.raises(LimitError):
        driver.ramp_k_per_min = value


def test_another_model_is_refused():
    driver = answering(("*IDN?", "LSCI,MODEL335,1234567,1.0"))
    with pytest.raises(WrongIdentity, match="MODEL335"):
        driver.identify()


@pytest.mark.parametrize("options", [{"sensor": "E"}, {"output": 3}])
def test_an_impossible_option_is_refused(options):
    with pytest.raises(ConfigError):
        Model336(ProtocolAdapter([]), clock=VirtualClock(), **options)


def test_holding_during_a_ramp_stops_it_at_the_present_temperature(controller, table, clock):
    controller.ramp_k_per_min = 10.0
    controller.setpoint_k = 200.0
    clock.sleep(120.0)
    before_k = controller.temperature_k
    heater_range = table.ports.cryostat.heater_range
    controller.safe()
    assert not table.ports.cryostat.ramp_on
    assert table.ports.cryostat.setpoint_k == pytest.approx(before_k, abs=0.2)
    assert table.ports.cryostat.heater_range == heater_range


def test_holding_without_a_sensor_keeps_the_set_point_and_says_so(controller, table):
    controller.setpoint_k = 280.0
    table.emulators["lakeshore336"].sensor_status = 1
    with pytest.raises(InvalidReading):
        controller.hold()
    assert table.ports.cryostat.setpoint_k == 280.0
    assert not table.ports.cryostat.ramp_on


def test_a_lost_answer_to_a_set_point_is_settled_by_reading_back(controller, table):
    controller.identify()
    table.faults("lakeshore336").at(2, "silence")
    controller.setpoint_k = 280.0
    assert table.ports.cryostat.setpoint_k == 280.0
