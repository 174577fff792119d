import re
import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "transcripts"
TRANSCRIPTS = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_an_emulator_says_what_its_golden_transcript_says(path, bench):
    transcript = tomllib.loads(path.read_text(encoding="utf-8"))
    table = bench(transcript["instrument"])
    for number, exchange in enumerate(transcript["exchange"], start=1):
        table.clock.sleep(exchange.get("wait_s", 0.0))
        heard = table.ask(exchange["write"])
        expected = exchange.get("read_pattern") or re.escape(exchange["read"])
        asked = f"exchange {number}, {exchange['write']!r}"
        assert re.fullmatch(expected, heard), f"{asked}: {heard!r}, expected {exchange['read']!r}"


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_transcript_names_its_source_and_how_far_it_is_verified(path):
    transcript = tomllib.loads(path.read_text(encoding="utf-8"))
    assert "instruments.md" in transcript["source"]
    assert "no hardware was touched" in transcript["honesty"]


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_written_form_of_a_noisy_reply_fits_its_own_pattern(path):
    for exchange in tomllib.loads(path.read_text(encoding="utf-8"))["exchange"]:
        if "read_pattern" in exchange:
            assert re.fullmatch(exchange["read_pattern"], exchange["read"])


def test_all_instruments_have_a_transcript():
    named = {path.stem for path in TRANSCRIPTS}
    assert named >= {
        "spectrapro", "cobolt", "ell14", "sc10", "pm100d", "lakeshore336", "zaber", "tpg261",
    }  # fmt: skip
