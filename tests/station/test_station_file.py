"""Reading station files: what is refused, and where the message points."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labctl.core.clock import RealClock, ScaledClock, VirtualClock
from labctl.core.errors import ConfigError
from labctl.station import read_station_file, station_file_schema
from labctl.station.file import SourceText, parse_station_file
from labctl.station.keylines import line_of

CONFIGS = Path(__file__).parents[2] / "configs"
SIMULATED = (CONFIGS / "simulated.toml").read_text(encoding="utf-8")


def parse(text):
    return parse_station_file(SourceText(Path("table.toml"), text))


def line_number(text, part):
    return 1 + next(i for i, line in enumerate(text.splitlines()) if line.startswith(part))


@pytest.mark.parametrize("name", ["simulated.toml", "example-table.toml"])
def test_the_shipped_files_are_valid(name):
    assert read_station_file(CONFIGS / name).beams["probe"].wavelength_nm == 532.0


def test_the_real_table_differs_in_resources_only():
    simulated = read_station_file(CONFIGS / "simulated.toml").model_dump()
    real = read_station_file(CONFIGS / "example-table.toml").model_dump()
    assert simulated.pop("simulation") is not None
    assert real.pop("simulation") is None
    for file in (simulated, real):
        del file["station"]["name"], file["station"]["calibrations_folder"]
        for instrument in file["instruments"].values():
            del instrument["resource"], instrument["identity"]
    assert simulated == real


def test_the_committed_schema_is_the_present_one():
    committed = json.loads((CONFIGS / "labctl.schema.json").read_text(encoding="utf-8"))
    assert committed == station_file_schema(), (
        "run: python -m labctl.station > configs/labctl.schema.json"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_power_w = 0.002  ", "max_power_w = 5.0", ["given: 5.0", "> 0 and ≤ 1"]),
        ("max_power_w = 0.002  ", "max_power_w = nan", ["finite", "given: nan"]),
        ("max_power_w = 0.002  ", "max_power_w = 1e400", ["finite", "given: inf"]),
        ("max_power_w = 0.002  ", "max_power_w = '0.002'", ["valid number", "given: '0.002'"]),
        ("max_power_w = 0.002  ", "max_power_w = true", ["valid number", "given: True"]),
        ("max_power_w = 0.002  ", "max_powr_w = 0.002", ["unknown key", "'max_power_w'"]),
        ("truth = \"A\"", "truth = \"D\"", ["given: 'D'", "'A', 'B', 'C'"]),
        ("laser = \"probe_laser\"", "laser = \"probe_lasr\"", ["no instrument", "'probe_laser'"]),
        ("saturation_guard", "saturation_gard", ["unknown key", "'saturation_guard'"]),
        ("grating = 3", "grating = 0", ["given: 0", "≥ 1 and ≤ 9"]),
        ("bands = ", "bands = [[211, 188]] #", ["rows 211 to 188", "ascend"]),
        ("mono = ", "mono = { x_um = 5000.0 } #", ["given: 5000", "-995 to 1000 µm"]),
        ("mono = ", "mono = { w_um = 0.0 } #", ["unknown axis"]),
        ("deadline_s = 7200.0", "deadline_s = 10.0", ["longer than duration_s"]),
        ("low_k = 70.0", "low_k = 500.0", ["lower limit (500) must be below"]),
        ("low = 60.0", "# low", ["either low and high, or equals"]),
        ("channel = \"pump.interlock\"", "channel = \"pump.intrlock\"", ["'pump.interlock'"]),
        ("driver = \"drivers.andor", "driver = \"../evil\" #", ["given: '../evil'"]),
        ("identity = \"Andor", "identity = \"Andor (\" #", ["no regular expression"]),
        ("clock = \"virtual\"", "clock = 1979-05-27", ["'virtual', 'scaled', 'real'"]),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_with_file_line_key_and_range(old, new, words):
    lines = SIMULATED.splitlines()
    row = next(i for i, line in enumerate(lines) if line.startswith(old.rstrip()))
    if old.startswith(("bands", "mono", "driver", "identity")):
        lines[row] = new
    else:
        lines[row] = lines[row].replace(old.rstrip(), new.rstrip(), 1) if "=" not in old else new
    with pytest.raises(ConfigError) as caught:
        parse("\n".join(lines))
    message = caught.value.message
    # an interlock as a whole is at fault: the message points at its header
    expected = row - 2 if new == "# low" else row + 1
    assert f"table.toml:{expected}: " in message or new == "# low"
    assert all(word in message for word in words), message


def test_a_missing_key_points_at_its_table():
    text = SIMULATED.replace("focal_length_mm = 500.0\n", "")
    row = line_number(text, "[spectrometer]")
    with pytest.raises(ConfigError, match=rf"toml:{row}: spectrometer.focal_length_mm: is req"):
        parse(text)


def test_several_problems_are_listed_together():
    text = SIMULATED.replace("seed = 1 ", "seed = -1 ").replace("pixel", "")
    text = text.replace("backlash_um = 5.0", "backlash_um = -5.0")
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert "simulation.seed" in caught.value.message
    assert "stage.backlash_um" in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b"[station\nname = 1",
        b"x = " + b"[" * 3000,
        b"x = " + b"[" * 3000 + b"]" * 3000,
        b"x = " + b"9" * 5000,
        b"\xff\xfe\x00",
        b'name = "\xe9"',
        b"",
        b"a = 1\na = 2",
        b"#" * 1_000_001,
    ],
    ids=["syntax", "open", "deep", "digits", "utf16", "latin1", "empty", "twice", "large"],
)
def test_a_file_that_is_no_station_file_is_refused(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"bad\.toml") as caught:
        read_station_file(path)
    assert caught.value.remedy


@pytest.mark.parametrize("name", ["missing.toml", ".", "nul\0.toml", "x" * 5000])
def test_a_path_that_leads_to_no_file_is_refused(tmp_path, name):
    with pytest.raises(ConfigError):
        read_station_file(f"{tmp_path}/{name}")


def test_the_syntax_error_names_its_line():
    with pytest.raises(ConfigError, match=r"table\.toml:2: not a TOML text"):
        parse("[station]\nname = oops")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SIMULATED.encode())
    assert read_station_file(path).station.name == "simulated table"


def test_sections_cannot_be_changed_later():
    file = read_station_file(CONFIGS / "simulated.toml")
    with pytest.raises(ValueError, match="frozen"):
        file.beams["probe"].max_power_w = 1.0


@pytest.mark.parametrize("writing", ['"ccd.read_noise_e" = 3.0', "ccd.read_noise_e = 3.0"])
def test_overrides_are_dotted_names_with_or_without_quotes(writing):
    text = SIMULATED.replace("[simulation.override]", f"[simulation.override]\n{writing}")
    assert parse(text).simulation.override == {"ccd.read_noise_e": 3.0}


@pytest.mark.parametrize(
    ("clock", "kind"), [("virtual", VirtualClock), ("scaled", ScaledClock), ("real", RealClock)]
)
def test_the_file_chooses_the_clock(clock, kind):
    assert isinstance(parse(SIMULATED.replace('"virtual"', f'"{clock}"', 1)).make_clock(), kind)


def test_a_real_table_runs_on_the_real_clock():
    assert isinstance(read_station_file(CONFIGS / "example-table.toml").make_clock(), RealClock)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("a",), 1),
        (("a", "b.c"), 2),
        (("a", "long"), 3),
        (("a", "sub", "x"), 6),
        (("list", 1, "k"), 10),
        (("list", 1, "missing"), 9),
        (("nowhere",), 1),
        (("text",), 11),
        (("after",), 14),
    ],
)
def test_the_line_of_a_key_is_found(key, line):
    text = (
        '[a]\n"b.c" = 1\nlong = [\n  1, # a = 1\n]\nsub.x = 2\n[[list]]\nk = 1\n[[list]]\nk = 2\n'
    )
    text = (
        'text = """\n' + "[a]\n" + '"""\n' + "after = 1\n"
        if key in (("text",), ("after",))
        else text
    )
    line = {("text",): 1, ("after",): 4}.get(key, line)
    assert line_of(text, key) == line


KEYS = st.sampled_from(
    ["station", "name", "instruments", "beams", "probe", "spectrometer", "bands", "interlocks",
     "simulation", "override", "stage", "axes", "positions", "cryostat", "driver", "x"]
)  # fmt: skip
VALUES = st.recursive(
    st.sampled_from(
        ["1", "-1", "nan", "inf", "1e400", "true", "''", '"\\u0000"', "1979-05-27", "07:32:00",
         "9" * 400, "0x10", "[]", "{}"]
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
    | st.tuples(KEYS, inner).map(lambda pair: f"{{ {pair[0]} = {pair[1]} }}"),
    max_leaves=6,
)  # fmt: skip
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    st.lists(KEYS, min_size=1, max_size=3).map(lambda keys: f"[{'.'.join(keys)}]"),
    st.lists(KEYS, min_size=1, max_size=2).map(lambda keys: f"[[{'.'.join(keys)}]]"),
    st.text(max_size=20),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(LINES, max_size=12))
def test_no_text_raises_anything_but_a_config_error(lines):
    with pytest.raises(ConfigError):
        parse("\n".join(lines))


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_config_error(tmp_path, data):
    path = tmp_path / "fuzz.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_station_file(path)


@settings(max_examples=150, deadline=None)
@given(row=st.integers(0, SIMULATED.count("\n") - 1), value=VALUES)
def test_any_value_anywhere_is_accepted_or_refused_in_words(row, value):
    lines = SIMULATED.splitlines()
    key, equals, _ = lines[row].partition("=")
    lines[row] = f"{key}= {value}" if equals else value
    try:
        parse("\n".join(lines))
    except ConfigError as error:
        assert "table.toml:" in error.message  # noqa: PT017
