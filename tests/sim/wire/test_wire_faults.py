import math

import pytest

from labctl.core.errors import ConnectionFailed, UsageError
from labctl.sim.memory import MemoryLink

ASK, ANSWER = "KRDG? A\n", "+300.000\r\n"


@pytest.fixture
def table(bench):
    return bench("lakeshore336")


def test_a_fault_strikes_exactly_the_reply_it_was_armed_for(table):
    table.ask(ASK)
    table.faults.at(2, "silence")
    assert [table.ask(ASK) for _ in range(3)] == [ANSWER, "", ANSWER]


def test_commands_without_a_reply_are_not_counted(table):
    table.faults.at(1, "silence")
    table.ask("SETP 1,250\n")
    assert table.ask(ASK) == ""


def test_a_fault_lasts_for_as_many_replies_as_told(table):
    table.faults.at(1, "silence", count=2)
    assert [table.ask(ASK) for _ in range(3)] == ["", "", ANSWER]


def test_a_late_reply_comes_in_the_middle_of_the_next_exchanges(table):
    table.faults.at(1, "late", delay_s=5.0)
    table.link.write(ASK.encode())
    assert table.link.read(2.0) == b""
    table.link.write(b"SETP? 1\n")
    assert table.link.read(2.0) == ANSWER.encode()
    assert table.clock.monotonic_s() == pytest.approx(2.002)
    assert table.link.read(10.0) == ANSWER.encode()
    assert table.clock.monotonic_s() == pytest.approx(5.002)


@pytest.mark.parametrize(
    ("kind", "options", "heard"),
    [
        ("truncate", {}, "+300."),
        ("truncate", {"keep": 9}, "+300.000\r"),
        ("garbage", {}, "+300.\x00\xff000\r\n"),
        ("garbage", {"noise": b"7"}, "+300.7000\r\n"),
        ("duplicate", {}, ANSWER * 2),
        ("lie", {"value": "12.5"}, "12.5\r\n"),
        ("lie", {"reply": b"OK\r\n"}, "OK\r\n"),
        ("repeat", {}, "3\r\n"),
    ],
)
def test_a_spoiled_reply_is_spoiled_in_its_own_way(table, kind, options, heard):
    table.ask("RANGE? 1\n")
    table.faults.at(1, kind, **options)
    assert table.ask(ASK) == heard
    assert table.ask(ASK) == ANSWER


def test_a_lie_keeps_the_frame_around_the_number(bench):
    table = bench("spectrapro")
    table.faults.at(1, "lie", value="999.000")
    assert table.ask("?NM\r") == "?NM 999.000 nm  ok\r\n"


def test_a_dropped_line_stays_dead_until_it_is_opened_again(table):
    table.faults.at(1, "drop")
    table.link.write(ASK.encode())
    for _ in range(2):
        with pytest.raises(ConnectionFailed, match="dropped"):
            table.link.read(1.0)
    with pytest.raises(ConnectionFailed, match="dropped"):
        table.link.write(ASK.encode())
    table.link = MemoryLink("again", table.faults, table.clock)
    assert table.ask(ASK) == ANSWER


def test_the_reply_count_does_not_depend_on_how_bytes_are_cut(bench):
    heard = []
    for size in (1, 3, 100):
        table = bench("lakeshore336")
        table.faults.at(2, "silence")
        stream = (ASK * 3).encode()
        for start in range(0, len(stream), size):
            table.link.write(stream[start : start + size])
        heard.append(table.listen())
    assert heard == [ANSWER * 2] * 3


def test_the_echo_belongs_to_its_reply(bench):
    table = bench("spectrapro")
    table.faults.at(2, "silence")
    assert [bool(table.ask("MODEL\r")) for _ in range(3)] == [True, False, True]


@pytest.mark.parametrize(
    ("name", "move", "ask", "moving"),
    [
        ("spectrapro", "600.0 >NM\r", "MONO-?DONE\r", "MONO-?DONE 0  ok\r\n"),
        ("ell14", "0ma00004600", "0gs", "0GS09\r\n"),
        ("zaber", "/1 1 move abs 1000\n", "/1 1\n", "@01 1 OK BUSY -- 0\r\n"),
        ("sc10", "ens\r", "closed?\r", "closed?\r1\r> "),
    ],
)
def test_a_stuck_motor_never_arrives_and_moves_again_once_freed(bench, name, move, ask, moving):
    table = bench(name)
    table.faults.at(1, "stuck")
    table.ask(move)
    table.clock.sleep(1e4)
    assert table.ask(ask) == moving
    table.faults.clear()
    if name == "sc10":
        table.ask(move)
    table.ask(move)
    table.clock.sleep(1e4)
    assert table.ask(ask) != moving


def test_a_stuck_blocking_move_never_answers(bench):
    table = bench("spectrapro")
    table.faults.at(1, "stuck")
    table.link.write(b"600 GOTO\r")
    assert table.link.read(1e5) == b"600 GOTO"
    assert table.link.read(1e5) == b""


def test_a_position_is_frozen_while_the_stage_is_stuck(bench):
    table = bench("zaber")
    table.faults.at(1, "stuck")
    table.ask("/1 1 move abs 1000\n")
    table.clock.sleep(100.0)
    assert table.ask("/1 1 get pos\n") == "@01 1 OK BUSY -- 0\r\n"


def test_faults_can_last_until_they_are_cleared(table):
    table.faults.at(1, "silence", count=math.inf)
    assert [table.ask(ASK) for _ in range(20)] == [""] * 20
    table.faults.clear()
    assert table.ask(ASK) == ANSWER


@pytest.mark.parametrize(
    ("n", "kind", "options", "text"),
    [
        (1, "silense", {}, "did you mean 'silence'"),
        (0, "silence", {}, "from reply 1 on"),
        (1, "silence", {"count": 0}, "from reply 1 on"),
        (1, "lie", {}, "either the reply or the value"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(table, n, kind, options, text):
    with pytest.raises(UsageError, match=text):
        table.faults.at(n, kind, **options)
