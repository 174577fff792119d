"""Make the small parts that the forms and panels of the queue and the runs share."""

from collections.abc import Callable

from qtpy import QtCore, QtWidgets


def raise_dock(widget: QtWidgets.QWidget) -> None:
    """Bring the dock that holds a widget to the front."""
    parent: QtWidgets.QWidget | None = widget
    while parent is not None and not isinstance(parent, QtWidgets.QDockWidget):
        parent = parent.parentWidget()
    if parent is not None:
        parent.show()
        parent.raise_()


def align(*forms: QtWidgets.QFormLayout) -> None:
    """Let the fields of several forms begin at the same place."""
    role = QtWidgets.QFormLayout.ItemRole.LabelRole
    items = [form.itemAt(row, role) for form in forms for row in range(form.rowCount())]
    widgets = [None if item is None else item.widget() for item in items]
    labels = [widget for widget in widgets if widget is not None]
    width = max((label.sizeHint().width() for label in labels), default=0)
    for label in labels:
        label.setMinimumWidth(width)


def text_label() -> QtWidgets.QLabel:
    """Return a label that wraps and can be copied."""
    label = QtWidgets.QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def push_button(text: str, tip: str, slot: Callable[..., object]) -> QtWidgets.QPushButton:
    """Return a button that says what it does."""
    button = QtWidgets.QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.clicked.connect(slot)
    return button
