"""In the red theme nothing is lit that eyes adapted to the dark should not see."""

import numpy as np
import pytest
from qtpy import QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.app import make_app

MOST = 60
"""Of 255, in green and in blue."""
BLINK_MS = 1200


def _combo():
    box = QtWidgets.QComboBox(editable=True)
    box.addItem("mono")
    return box


def _spin():
    return QtWidgets.QDoubleSpinBox(value=12.0)


def _line():
    return QtWidgets.QLineEdit("50 µW")


def _text():
    return QtWidgets.QPlainTextEdit("a note")


def most_green_and_blue(widget):
    """Return the brightest green or blue of any pixel."""
    image = widget.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return int(pixels[..., :2].max())


@pytest.mark.parametrize("make", [_line, _spin, _combo, _text])
def test_a_field_that_is_typed_in_stays_red(qapp, qtbot, make):
    theme.apply(make_app(), "red")
    try:
        box = QtWidgets.QWidget()
        qtbot.addWidget(box)
        field = make()
        QtWidgets.QVBoxLayout(box).addWidget(field)
        box.show()
        qtbot.waitExposed(box)
        box.activateWindow()
        field.setFocus()
        qtbot.waitUntil(field.hasFocus)
        line = field.lineEdit() if hasattr(field, "lineEdit") else field
        if isinstance(line, QtWidgets.QLineEdit):
            line.deselect()
        brightest = 0
        for _ in range(BLINK_MS // 100):
            qtbot.wait(100)
            brightest = max(brightest, most_green_and_blue(box))
        assert brightest <= MOST
    finally:
        theme.apply(qapp, "dark")
