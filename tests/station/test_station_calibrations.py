"""Calibrations on disk: identity, expiry, never overwritten."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.core.calibration import Calibration
from labctl.core.errors import ConfigError, StorageError
from labctl.station.calibrations import CalibrationFolder, expiry_reason, load_calibration


def make(day=1, kind="power.probe", **values):
    return Calibration(
        kind, values or {"transmission": 0.1}, f"2026-01-{day:02}T00:00:00Z", "me", 30
    )


def test_what_was_saved_is_loaded_with_the_same_identity(tmp_path):
    path = CalibrationFolder.open(tmp_path).save(make(values=[1, 2.5]))
    assert load_calibration(path) == make(values=[1, 2.5])
    assert load_calibration(path).identity == make(values=[1, 2.5]).identity


def test_saving_again_changes_nothing(tmp_path):
    folder = CalibrationFolder.open(tmp_path)
    path = folder.save(make())
    before = path.read_bytes()
    assert folder.save(make()) == path
    assert path.read_bytes() == before
    assert len(folder.items) == 1


def test_a_file_of_the_same_name_is_never_overwritten(tmp_path):
    folder = CalibrationFolder.open(tmp_path)
    path = folder.save(make())
    path.write_bytes(folder.save(make(2)).read_bytes())
    with pytest.raises(StorageError, match="another calibration"):
        folder.save(make())


def test_a_changed_file_is_refused(tmp_path):
    path = CalibrationFolder.open(tmp_path).save(make(transmission=0.1))
    path.write_text(path.read_text().replace("0.1", "0.2"))
    with pytest.raises(ConfigError, match="does not fit the content"):
        CalibrationFolder.open(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "{", "\x00", "[" * 5000, '{"kind": NaN}', '"' + "9" * 5000],
)
def test_a_file_that_is_no_calibration_is_refused(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.json"):
        CalibrationFolder.open(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(kind=JSON, values=JSON, measured=JSON, source=JSON, days=JSON, identity=JSON)
def test_no_content_raises_anything_but_a_config_error(
    tmp_path_factory, kind, values, measured, source, days, identity
):
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    content = {
        "kind": kind, "values": values, "measured_utc": measured, "source": source,
        "valid_days": days, "identity": identity,
    }  # fmt: skip
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError):
        load_calibration(path)


def test_the_newest_of_a_kind_counts_but_none_from_the_future(tmp_path):
    folder = CalibrationFolder.open(tmp_path)
    for day in (3, 9, 5):
        folder.save(make(day, transmission=day / 10))
    folder.save(make(20, kind="wavelength"))
    again = CalibrationFolder.open(tmp_path)
    assert again.newest("power.probe") == make(9, transmission=0.9)
    assert again.newest("power.probe", datetime(2026, 1, 6, tzinfo=UTC)) == make(
        5, transmission=0.5
    )
    assert again.newest("power.pump") is None
    assert set(again.current(datetime(2026, 1, 10, tzinfo=UTC))) == {"power.probe"}


def test_a_calibration_expires():
    measured = datetime(2026, 1, 1, tzinfo=UTC)
    assert expiry_reason(make(), measured + timedelta(days=30)) == ""
    assert "has expired" in expiry_reason(make(), measured + timedelta(days=31))


@pytest.mark.parametrize("kind", ["../evil", "a/b", "", "Power", "a..b"])
def test_a_kind_cannot_lead_out_of_the_folder(tmp_path, kind):
    with pytest.raises(ConfigError, match="no dotted lower-case name"):
        CalibrationFolder.open(tmp_path).save(make(kind=kind))


def test_an_unwritable_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot save"):
        CalibrationFolder.open(tmp_path / "file").save(make())


def test_no_draft_is_left_behind(tmp_path):
    CalibrationFolder.open(tmp_path).save(make())
    assert len(list(tmp_path.iterdir())) == 1
