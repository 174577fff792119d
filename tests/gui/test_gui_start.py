"""Checks 1, 2 and 3 of the interface: the window itself, its colours, its keys and names."""

import numpy as np
import pytest
from qtpy import QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.colours import contrast
from labctl.gui.quantity import QuantitySpinBox

FULL = 60
"""Largest green or blue in the red theme, of 255."""


def pixels(image):
    """Return an image as an array of shape (rows, columns, 4): blue, green, red, alpha."""
    image = image.convertToFormat(QtGui.QImage.Format.Format_RGB32)
    raw = np.frombuffer(image.constBits(), np.uint8)
    return raw.reshape(image.height(), image.bytesPerLine() // 4, 4)[:, : image.width()].copy()


def test_1_every_tab_fits_a_small_screen_in_every_theme(shared_window, qtbot):
    for name in theme.themes():
        shared_window.layouts.paint(name)
        for at in range(shared_window.tabs.count()):
            shared_window.tabs.setCurrentIndex(at)
            qtbot.wait(20)
            hint = shared_window.minimumSizeHint()
            shown = shared_window.tabs.tabText(at), name, hint
            assert hint.width() <= 1366, shown
            assert hint.height() <= 768, shown
    shared_window.layouts.paint("dark")


def test_1_two_pictures_of_the_same_state_are_identical(shared_window, qtbot):
    shared_window.link.close()
    qtbot.wait(200)
    first, second = (pixels(shared_window.grab().toImage()) for _ in range(2))
    assert first.shape == second.shape
    assert (first != second).sum() == 0


def test_2_the_red_theme_spares_eyes_that_are_adapted_to_the_dark(shared_window, qtbot):
    shared_window.layouts.paint("red")
    worst = {}
    for at in range(shared_window.tabs.count()):
        shared_window.tabs.setCurrentIndex(at)
        qtbot.wait(50)
        shown = pixels(shared_window.grab().toImage())
        bad = (shown[..., :2] > FULL).any(axis=2)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            worst[shared_window.tabs.tabText(at)] = int(bad.sum()), int(row), int(column)
    shared_window.layouts.paint("dark")
    assert worst == {}


@pytest.mark.parametrize("name", list(theme.themes()))
def test_2_every_text_can_be_read(name):
    now = theme.themes()[name]
    texts = (now.text, now.dim, now.accent, now.ok, now.warning, now.bad, now.stale, now.beam)
    for behind in (now.background, now.panel):
        for text in texts:
            assert contrast(text, behind) >= 4.5, (text, behind)
    assert contrast(now.on_bad, now.bad) >= 4.5
    assert contrast(now.on_accent, now.accent) >= 4.5
    assert contrast(now.text, now.raised) >= 4.5


def test_3_every_action_has_a_name_a_tip_and_a_key_or_menu(shared_window):
    entries = list(shared_window.registry)
    assert len(entries) > 25
    menus = {
        one.text() for menu in shared_window.menuBar().actions() for one in menu.menu().actions()
    }
    for entry in entries:
        assert entry.action.text(), entry.id
        assert entry.action.toolTip(), entry.id
        assert entry.action.text() in menus or entry.keys, entry.id


def test_3_no_two_actions_share_a_key(shared_window):
    keys = [key.toString() for entry in shared_window.registry for key in entry.action.shortcuts()]
    assert sorted(set(keys)) == sorted(keys)
    with pytest.raises(ValueError, match="belongs to the action"):
        shared_window.registry.add("another", "Another", lambda: None, keys[0])


def test_3_every_control_has_a_name_for_those_who_cannot_see_it(shared_window):
    nameless = []
    for kind in (QtWidgets.QAbstractButton, QtWidgets.QAbstractSpinBox, QtWidgets.QComboBox):
        for widget in shared_window.findChildren(kind):
            if type(widget).__module__.startswith("PySide6") and not _is_own(widget):
                continue
            name = widget.accessibleName() or getattr(widget, "text", str)()
            if not name:
                nameless.append((type(widget).__name__, _path(widget)))
    assert nameless == [], "\n".join(map(str, nameless))


def test_3_every_number_that_can_be_set_shows_its_unit(shared_window):
    for box in shared_window.findChildren(QuantitySpinBox):
        assert not box.unit or box.display_unit in box.text(), _path(box)


def _is_own(widget):
    """Tell whether a widget of Qt is one that labctl made, and not a part of another widget."""
    internal = ("qt_", "ScrollLeftButton", "ScrollRightButton")
    plot_menu = any(isinstance(one, QtWidgets.QMenu) for one in _line(widget))
    is_title = any(isinstance(one, QtWidgets.QDockWidget) and widget.parent() is one
                   for one in _line(widget))  # fmt: skip
    in_plot = any("pyqtgraph" in type(one).__module__ for one in _line(widget))
    top = _line(widget)[-1]
    return not (
        widget.objectName().startswith(internal)
        or plot_menu
        or is_title
        or in_plot
        or not isinstance(top, QtWidgets.QMainWindow)
        or isinstance(
            widget.parent(),
            QtWidgets.QTabBar | QtWidgets.QToolBar | QtWidgets.QTableView | QtWidgets.QLineEdit,
        )
    )


def _line(widget):
    found = [widget]
    while (parent := found[-1].parent()) is not None:
        found.append(parent)
    return found


def _path(widget):
    return " < ".join(f"{type(one).__name__}:{one.objectName()}" for one in _line(widget)[:5])
