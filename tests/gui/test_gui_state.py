"""Check 10 of the interface: what was arranged comes back, and no damaged file keeps it shut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.gui.layouts import LAST, NAMED
from labctl.gui.state import State


def open_window(link, path, qtbot):
    from labctl.gui.window import MainWindow

    window = MainWindow(link, State(path))
    qtbot.addWidget(window, before_close_func=lambda one: setattr(one.closing, "_may", True))
    window.show()
    return window


def test_what_is_set_is_there_the_next_time(tmp_path, themed):
    path = tmp_path / "window.json"
    state = State(path)
    state.set("exposing.exposure_s", 2.5)
    state.set("theme", "red")
    state.flush()
    again = State(path)
    assert again.get("exposing.exposure_s", 1.0, float) == 2.5
    assert again.get("theme", "dark", str) == "red"
    assert again.problem == ""


def test_a_change_is_written_by_itself_a_moment_later(tmp_path, themed, qtbot):
    path = tmp_path / "window.json"
    state = State(path)
    state.set("theme", "red")
    assert not path.exists()
    qtbot.waitUntil(path.exists, timeout=3000)


def test_a_value_of_the_wrong_kind_is_left_out(tmp_path, themed):
    path = tmp_path / "window.json"
    path.write_text(json.dumps({"version": 1, "values": {"a": "x", "b": True, "c": 3}}))
    state = State(path)
    assert state.get("a", 1.0, float) == 1.0
    assert state.get("b", 7, int) == 7
    assert state.get("c", 1.0, float) == 3.0
    assert state.get("c", "y", str) == "y"


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", '{"version": 99, "values": {}}', '{"version": 1}', "\x00\xff"]
)
def test_10_a_damaged_file_is_put_aside_and_said(tmp_path, themed, text):
    path = tmp_path / "window.json"
    path.write_text(text, encoding="latin-1")
    state = State(path)
    assert state.keys() == []
    assert "could not be read" in state.problem
    assert path.with_suffix(".bad").exists()


@given(st.binary(max_size=60))
def test_10_no_file_keeps_the_state_from_opening(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("state") / "window.json"
    path.write_bytes(raw)
    State(path).get("theme", "dark", str)


def test_10_the_window_opens_as_delivered_with_a_banner(link, tmp_path, qtbot):
    path = tmp_path / "window.json"
    path.write_text("{ torn")
    window = open_window(link, path, qtbot)
    assert any("could not be read" in text for text in window.banners.texts)
    assert window.docks["instruments"].isVisible()


@pytest.mark.parametrize("text", ["", "AAAA", "no base64!", "////"])
def test_10_a_layout_that_does_not_fit_gives_the_one_of_delivery(link, tmp_path, qtbot, text):
    path = tmp_path / "window.json"
    values = {LAST: text, "window.rect": [90000, -90000, 5, 5], "theme": "no such", "font": 12}
    path.write_text(json.dumps({"version": 1, "values": values}))
    window = open_window(link, path, qtbot)
    assert window.docks["instruments"].isVisible()
    assert window.width() >= 200
    assert window.screen().availableGeometry().intersects(window.geometry())


def test_a_layout_comes_back_by_its_name_and_as_delivered(link, tmp_path, qtbot):
    window = open_window(link, tmp_path / "window.json", qtbot)
    window.layouts.save("night")
    window.docks["instruments"].hide()
    assert window.layouts.load("night")
    assert window.docks["instruments"].isVisible()
    assert window.layouts.names == ["night"]
    window.docks["instruments"].hide()
    window.layouts.reset()
    assert window.docks["instruments"].isVisible()
    assert window.state.keys(NAMED) == [NAMED + "night"]
    assert not window.layouts.load("no such")


def test_theme_and_size_of_text_are_kept(link, tmp_path, qtbot):
    from labctl.gui import theme

    window = open_window(link, tmp_path / "window.json", qtbot)
    window.registry.trigger("theme.light")
    window.registry.trigger("font.large")
    assert theme.current().name == "light"
    assert theme.font_size() == theme.FONT_SIZES["large"]
    window.state.flush()
    kept = State(tmp_path / "window.json")
    assert kept.get("theme", "", str) == "light"
    assert kept.get("font", "", str) == "large"
    window.registry.trigger("theme.dark")
    window.registry.trigger("font.normal")


def test_a_full_disk_costs_the_arrangement_and_not_the_window(tmp_path, themed):
    blocked = tmp_path / "file"
    blocked.write_text("")
    state = State(blocked / "window.json")
    state.set("theme", "red")
    state.flush()
    assert "cannot be kept" in state.problem or "could not be read" in state.problem
