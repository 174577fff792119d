"""The traps of instruments.md that a driver must survive."""

import pytest

from labctl.sim.wire.cobolt import Cobolt
from labctl.sim.wire.pm100d import Pm100d


def test_spectrapro_says_ok_only_when_the_move_is_complete(bench):
    table = bench("spectrapro")
    table.ask("NO-ECHO\r")
    table.link.write(b"600 GOTO\r")
    assert table.link.read(4.9) == b""
    assert table.link.read(0.2) == b" ok\r\n"


def test_spectrapro_loses_what_is_sent_during_a_blocking_move(bench):
    table = bench("spectrapro")
    table.link.write(b"600 GOTO\r?NM\r")
    assert table.listen() == "600 GOTO ok\r\n"


def test_spectrapro_marks_the_new_grating(bench):
    table = bench("spectrapro")
    table.ask("3 GRATING\r")
    assert "\x1a3  300 g/mm BLZ=  750NM \r\n" in table.ask("?GRATINGS\r")


def test_cobolt_latches_an_interlock_fault_and_never_rearms_by_itself(bench):
    table = bench("cobolt")
    laser = table.emulator._port
    table.ask("l1\r")
    laser.interlock_closed = False
    assert table.ask("l?\r") == "0\r\n"
    laser.interlock_closed = True
    assert [table.ask(text) for text in ("ilk?\r", "f?\r", "l1\r", "l?\r", "gom?\r")] == [
        "0\r\n", "3\r\n", "OK\r\n", "0\r\n", "5\r\n",
    ]  # fmt: skip
    assert [table.ask(text) for text in ("cf\r", "f?\r", "l?\r", "l1\r", "l?\r")] == [
        "OK\r\n", "0\r\n", "0\r\n", "OK\r\n", "1\r\n",
    ]  # fmt: skip


def test_cobolt_in_autostart_refuses_to_switch(bench):
    laser = bench("cobolt").emulator._port
    cobolt = Cobolt(laser, autostart=True)
    cobolt.feed(b"l1\r", 0.0)
    assert cobolt.take(1.0).startswith(b"Syntax error")
    assert not laser.emission


def test_ell14_answers_busy_while_it_turns_and_forgets_the_second_move(bench):
    table = bench("ell14")
    table.link.write(b"0ma00011800")
    table.link.write(b"0gs0ma00000000")
    assert table.listen() == "0GS09\r\n0GS09\r\n0GS09\r\n0PO00011800\r\n"


def test_ell14_modules_turn_at_the_same_time(bench):
    table = bench("ell14")
    table.link.write(b"0ma00011800\r\n1ma00004600\r\n")
    assert table.listen() == "0GS09\r\n1GS09\r\n1PO00004600\r\n0PO00011800\r\n"


def test_ell14_shows_an_angle_just_below_a_turn_as_negative(bench):
    table = bench("ell14")
    table.ask("0maFFFFFFFF")
    assert table.ask("0gp") == "0POFFFFFFFF\r\n"


def test_ell14_reading_a_fault_clears_it(bench):
    table = bench("ell14")
    table.emulator.fail("0", 2)
    assert [table.ask("0gs"), table.ask("0gs")] == ["0GS02\r\n", "0GS00\r\n"]


def test_ell14_forgets_half_a_command_after_a_while(bench):
    table = bench("ell14")
    table.link.write(b"0ma00")
    table.clock.sleep(5.0)
    assert table.ask("0gs") == "0GS00\r\n"


def test_sc10_toggles(bench):
    table = bench("sc10")
    states = []
    for _ in range(3):
        table.ask("ens\r")
        table.clock.sleep(1.0)
        states.append(table.ask("closed?\r"))
    assert states == ["closed?\r0\r> ", "closed?\r1\r> ", "closed?\r0\r> "]


def test_sc10_blade_takes_its_time(bench):
    table = bench("sc10")
    table.link.write(b"ens\rclosed?\r")
    assert table.listen().endswith("closed?\r1\r> ")
    table.clock.sleep(0.1)
    assert table.ask("closed?\r") == "closed?\r0\r> "


def test_pm100d_reads_wrong_until_it_knows_the_wavelength(bench):
    head = bench("pm100d").emulator._port
    meter = Pm100d(head, beam_wavelength_nm=532.0)

    def ask(text, now_s):
        meter.feed(text, now_s)
        return meter.take(now_s + 1.0)

    assert float(ask(b"MEAS:POW?\n", 0.0)) == pytest.approx(1e-4 * 532 / 635)
    ask(b"SENS:CORR:WAV 532\n", 2.0)
    assert float(ask(b"MEAS:SCAL:POW?\n", 4.0)) == pytest.approx(1e-4)


def test_lakeshore_reports_a_sensor_fault_in_its_status_only(bench):
    table = bench("lakeshore336")
    table.emulator.sensor_status = 1
    assert table.ask("RDGST? A\n") == "001\r\n"
    assert table.ask("KRDG? A\n") == "+000.000\r\n"


def test_lakeshore_line_has_seven_bits(bench):
    table = bench("lakeshore336")
    table.link.write(bytes(byte | 0x80 for byte in b"RANGE? 1\n"))
    assert table.listen() == "3\r\n"


def test_lakeshore_setpoint_query_follows_the_ramp(bench):
    table = bench("lakeshore336")
    table.ask("RAMP 1,1,60\n")
    table.ask("SETP 1,290\n")
    table.clock.sleep(5.0)
    assert 294.9 < float(table.ask("SETP? 1\n")) < 295.1


def test_zaber_reports_a_warning_flag_until_it_is_cleared(bench):
    table = bench("zaber")
    table.emulator.warn(2, "FS")
    assert table.ask("/2 1 get pos\n") == "@02 1 OK IDLE FS 0\r\n"
    assert table.ask("/2 1 warnings clear\n") == "@02 1 OK IDLE -- 01 FS\r\n"
    assert table.ask("/2 1\n") == "@02 1 OK IDLE -- 0\r\n"


def test_zaber_broadcast_is_answered_by_the_whole_chain(bench):
    heard = bench("zaber").ask("/get system.serial\n")
    assert heard == "".join(f"@0{n} 0 OK IDLE -- 4500{n}\r\n" for n in (1, 2, 3))


def test_zaber_stop_holds_the_stage_where_it_is(bench):
    table = bench("zaber")
    table.ask("/1 1 move abs 10000\n")
    table.clock.sleep(1.0)
    assert " IDLE " in table.ask("/1 1 stop\n")
    table.clock.sleep(10.0)
    assert 2000 < int(table.ask("/1 1 get pos\n").split()[-1]) < 2200


@pytest.mark.parametrize(
    ("pascal", "status"), [(1e-9, "1"), (1e-3, "0"), (101325.0, "0"), (3e5, "2")]
)
def test_tpg_status_says_when_the_gauge_is_out_of_its_range(bench, pascal, status):
    table = bench("tpg261")
    table.emulator._port.pascal = pascal
    table.ask("PR1\r\n")
    assert table.ask("\x05").startswith(f"{status},+")


def test_tpg_is_silent_when_nothing_was_asked(bench):
    assert bench("tpg261").ask("\x05") == ""


def test_tpg_enquiry_discards_half_a_mnemonic(bench):
    table = bench("tpg261")
    table.ask("PR\x05")
    assert table.ask("PR1\r\n") == "\x06\r\n"
