import re

import pytest

from labctl.core.clock import VirtualClock
from labctl.core.errors import ConfigError, ConnectionFailed
from labctl.core.link import LinkSettings
from labctl.sim import build_simulation, serve

NAMES = {
    "spectrapro", "cobolt_probe", "cobolt_pump", "ell14", "sc10_probe", "sc10_pump",
    "pm100d_probe", "pm100d_pump", "lakeshore336", "zaber", "tpg261",
}  # fmt: skip


@pytest.fixture
def table():
    clock = VirtualClock()
    simulation = build_simulation({"truth": "A", "seed": 1, "override": {}}, clock)
    links = {}

    def ask(name, question):
        if name not in links:
            links[name] = simulation.backend.open_link(f"sim://{name}", LinkSettings())
        links[name].write(question.encode("latin-1"))
        data = b""
        while simulation.faults(name).next_due_s() is not None:
            data += links[name].read(100.0)
        return data.decode("latin-1")

    simulation.ask = ask
    return simulation


def test_the_shipped_table_has_all_instruments(table):
    assert set(table.emulators) == set(table.names) == NAMES
    assert set(table.sdks) == {"andor"}


@pytest.mark.parametrize(
    ("name", "question", "pattern"),
    [
        ("spectrapro", "MODEL\r", r"MODEL SP-2-500i  ok\r\n"),
        ("spectrapro", "?GRATINGS\r", r"(?s).*1  1800 g/mm.*2  1200 g/mm.*3  300 g/mm.*"),
        ("cobolt_probe", "glm?\r", r"0532-.*\r\n"),
        ("cobolt_pump", "glm?\r", r"0730-.*\r\n"),
        ("ell14", "1in", r"1IN.{30}\r\n"),
        ("sc10_pump", "id?\r", r"id\?\rTHORLABS SC10.*\r> "),
        ("pm100d_probe", "MEAS:POW?\n", r"[+-]?\d\.\d{6}E[+-]\d\d\n"),
        ("lakeshore336", "KRDG? A\n", r"\+\d{3}\.\d{3}\r\n"),
        ("zaber", "/3 1 get pos\n", r"@03 1 OK IDLE -- -?\d+\r\n"),
        ("tpg261", "PRX\r\n\x05", r"\x06\r\n0,\+\d\.\d\d00E[+-]\d\d,5,.*\r\n"),
    ],
)
def test_each_instrument_answers_from_the_table(table, name, question, pattern):
    assert re.fullmatch(pattern, table.ask(name, question))


def test_the_emulators_share_one_table(table):
    table.ask("pm100d_probe", "SENS:CORR:WAV 532\n")
    table.ask("cobolt_probe", "p 0.0200\r")
    table.ask("cobolt_probe", "l1\r")
    readings = []
    for pulses in range(0, 143360, 143360 // 16):
        table.ask("ell14", f"0ma{pulses:08X}")
        readings.append(float(table.ask("pm100d_probe", "MEAS:POW?\n")))
    table.ask("cobolt_probe", "l0\r")
    dark = float(table.ask("pm100d_probe", "MEAS:POW?\n"))
    assert max(readings) > 2 * min(readings)
    assert abs(dark) < 0.02 * max(readings)


def test_a_stage_move_ends_on_the_virtual_clock(table):
    assert " BUSY " in table.ask("zaber", "/1 1 move abs 600\n")
    table.clock.sleep(60.0)
    assert table.ask("zaber", "/1 1 get pos\n") in (
        f"@01 1 OK IDLE -- {600 + error}\r\n" for error in range(-3, 4)
    )


def test_the_same_seed_gives_the_same_answers():
    def first_readings(seed):
        simulation = build_simulation({"seed": seed}, VirtualClock())
        link = simulation.backend.open_link("sim://lakeshore336", LinkSettings())
        readings = []
        for _ in range(20):
            link.write(b"KRDG? A\n")
            readings.append(link.read(1.0))
        return readings

    assert first_readings(1) == first_readings(1) != first_readings(2)


def test_the_truth_follows_the_settings():
    cooled, null = (
        build_simulation({"truth": truth}, VirtualClock()).truth("intermediate", 3e-4)
        for truth in ("A", "C")
    )
    assert cooled.t_wse2_k < 298.0 <= null.t_wse2_k


def test_an_override_reaches_the_table():
    shipped = build_simulation({}, VirtualClock())
    pressed = build_simulation({"override": {"gauge.pressure_pa": 5.0}}, VirtualClock())
    assert pressed.ports.gauge.pressure_pa(0.0) == pytest.approx(5.0, rel=0.5)
    assert pressed.ports.gauge.pressure_pa(0.0) != shipped.ports.gauge.pressure_pa(0.0)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"truht": "A"}, "unknown key 'truht'; did you mean 'truth'"),
        ({"truth": "D"}, "truth: .*'A', 'B' or 'C'"),
        ({"seed": "1"}, "seed: "),
        ({"seed": -1}, "seed: "),
        ({"seed": True}, "seed: "),
        ({"override": {"gauge.presure_pa": 5.0}}, "did you mean 'gauge.pressure_pa'"),
        ({"override": {"gauge.pressure_pa": "much"}}, "gauge.pressure_pa"),
    ],
)
def test_wrong_settings_are_refused_with_the_nearest_key(settings, text):
    with pytest.raises(ConfigError, match=text):
        build_simulation(settings, VirtualClock())


def test_an_unknown_resource_names_the_nearest(table):
    with pytest.raises(ConnectionFailed, match="did you mean 'cobolt_probe'"):
        table.backend.open_link("sim://cobolt_prob", LinkSettings())
    with pytest.raises(ConnectionFailed, match="no SDK device"):
        table.backend.open_sdk("sim://cobolt_probe")
    with pytest.raises(ConnectionFailed, match="no byte port"):
        table.backend.open_link("sim://andor", LinkSettings())
    with pytest.raises(ConfigError, match="no emulator"):
        table.faults("andor")


def test_the_camera_is_opened_as_an_sdk_object(table):
    assert table.backend.open_sdk("sim://andor") is table.sdks["andor"]


def test_the_whole_table_is_served(table):
    with serve(table) as servers:
        assert set(servers.resources) == NAMES
