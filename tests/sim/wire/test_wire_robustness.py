from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

IDENTITY = {
    "spectrapro": ("\r", "MODEL\r", " SP-2-500i  ok\r\n"),
    "cobolt": ("\r", "gsn?\r", "12345\r\n"),
    "ell14": ("\r\n", "0in", "0IN0E1140051720231701016800023000\r\n"),
    "sc10": ("\r", "id?\r", "THORLABS SC10 VERSION 1.07\r> "),
    "pm100d": ("\n", "*IDN?\n", "THORLABS,PM100D,P0012345,2.4.0\n"),
    "lakeshore336": ("\n", "*IDN?\n", "LSCI,MODEL336,LSA12AB/#######,2.9\r\n"),
    "zaber": ("\n", "/1 get deviceid\n", "50081\r\n"),
    "tpg261": ("\r", "PNR\r\x05", "BG 805 193-C\r\n"),
}
WORDS = {
    "spectrapro": ["500", "-1e9 GOTO", "1e400 GOTO", "2 GRATING", "9 >NM", "?NM", "?", "NO-ECHO"],
    "cobolt": ["p nan", "p 1e999", "p", "l1", "@cobas 1", "cf", "f?", "p -1"],
    "ell14": ["0ma", "FFFFFFFF", "80000000", "0mr", "0ho", "0gs", "1sv00", "0fw", "zz", "g"],
    "sc10": ["ens", "mode=", "mode=1e9", "open=-1", "?", "=", "ens?"],
    "pm100d": ["SENS:CORR:WAV nan", "SENS:CORR:WAV", ":::", "MEAS:POW?", ";", "?", "SYST:ERR?"],
    "lakeshore336": ["SETP 1,inf", "SETP", "RAMP 1,1,", "RANGE 1,1_0", "KRDG? Z", ";", "?", "*"],
    "zaber": ["/", "/1 1 move abs 1e9", "/1 1 move abs -99999999999", "/9 9 9 9", ":FF", "/1 home"],
    "tpg261": ["UNI,²", "PR1", "\x05", "\x03", "UNI,", ",", "ERR"],
}  # fmt: skip


def pieces(name):
    words = st.sampled_from(WORDS[name] + ["\r", "\n", "\r\n"]).map(lambda w: w.encode("latin-1"))
    return st.lists(st.one_of(words, st.binary(max_size=20)), max_size=12)


@pytest.mark.parametrize("name", IDENTITY)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_garbage_never_crashes_an_emulator_and_it_still_knows_its_name(name, bench, data):
    table = bench(name)
    terminator, question, answer = IDENTITY[name]
    for piece in data.draw(pieces(name)):
        table.link.write(piece)
        table.link.read(0.1)
    table.ask(terminator, timeout_s=1e6)
    table.clock.sleep(1000.0)
    table.listen(timeout_s=1e6)
    assert table.ask(question).endswith(answer)


@pytest.mark.parametrize("name", IDENTITY)
@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(1, 30), max_size=4))
def test_a_question_may_come_in_pieces_of_any_size(name, bench, cuts):
    whole, cut = bench(name), bench(name)
    _, question, _ = IDENTITY[name]
    expected = whole.ask(question)
    edges = sorted({0, len(question), *(min(place, len(question)) for place in cuts)})
    for start, end in pairwise(edges):
        cut.link.write(question[start:end].encode("latin-1"))
    assert cut.listen() == expected


@pytest.mark.parametrize("name", ["spectrapro", "cobolt", "lakeshore336", "pm100d", "zaber"])
def test_a_number_that_is_not_finite_never_reaches_the_table(name, bench):
    table = bench(name)
    setting, reading = {
        "spectrapro": ("{} GOTO\r", "?NM\r"),
        "cobolt": ("p {}\r", "p?\r"),
        "lakeshore336": ("SETP 1,{}\n", "SETP? 1\n"),
        "pm100d": ("SENS:CORR:WAV {}\n", "SENS:CORR:WAV?\n"),
        "zaber": ("/1 1 move abs {}\n", "/1 1 get pos\n"),
    }[name]
    before = table.ask(reading)
    for text in ("nan", "inf", "-inf", "1e400", "1_0", "0x10", ""):
        table.ask(setting.format(text))
    assert table.ask(reading) == before
