"""Make the fields of a panel: what was read, and what is asked for, always apart."""

from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.readings import Quality
from labctl.core.status import ValueStatus
from labctl.gui import theme
from labctl.gui.panels.wording import NO_VALUE, Level, value_text
from labctl.gui.quantity import DisplayUnit, QuantitySpinBox

CONFIRM_MS = 5000


class ReadBack(QtWidgets.QLabel):
    """Show one value that was read, with its unit; grey and 'stale' when it is old."""

    def __init__(self, name: str, unit: str = "", empty: str = NO_VALUE) -> None:
        super().__init__(empty)
        self.unit = unit
        self.level: Level | None = None
        self.setAccessibleName(f"{name} in {unit}" if unit else name)
        self.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance("0" * 6))

    def show_value(self, value: ValueStatus | None, is_connected: bool = True) -> None:
        """Show a value of a snapshot."""
        if value is None or value.age_s is None:
            self.show_text(NO_VALUE, "stale", "not read yet")
            return
        text = value_text(value.value, value.unit or self.unit)
        if value.stale or not is_connected:
            self.show_text(f"{text} (stale)", "stale", f"read at {value.utc}")
        elif value.quality is Quality.INVALID:
            self.show_text("no reading", "bad", value.reason)
        elif value.quality is Quality.UNCERTAIN:
            self.show_text(f"{text} ?", "warning", value.reason)
        else:
            self.show_text(text, None, f"read at {value.utc}")

    def show_text(self, text: str, level: Level | None = None, tip: str = "") -> None:
        """Show a text in a colour of the theme."""
        self.level = level
        self.setText(text)
        self.setToolTip(tip)
        paint(self, level)


def paint(label: QtWidgets.QWidget, level: Level | None) -> None:
    """Colour the text of a label by what it means; None is the colour of plain text."""
    if label.property("level") != (level or ""):
        label.setProperty("level", level or "")
    theme.dress(label, f"color: {getattr(theme.current(), level)};" if level else "")


def repaint(*labels: QtWidgets.QWidget) -> None:
    """Colour labels again by what they mean, in another theme."""
    for label in labels:
        paint(label, label.property("level") or None)


class QuietCombo(QtWidgets.QComboBox):
    """Offer choices; the wheel turns nothing that nobody chose."""

    def __init__(self, name: str, choices: Sequence[str] = ()) -> None:
        super().__init__()
        self.addItems(list(choices))
        self.setAccessibleName(name)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        policy = QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(7)

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the list that scrolls."""
        event.ignore()


class Setter(QtWidgets.QWidget):
    """Take a number that is asked for; `asked` comes when a person means it.

    With `apply`, only the button or Enter means it, and what is not applied yet is tinted. Above
    `confirm_above` it has to be pressed twice. Without `apply`, Enter or leaving the box does.
    """

    asked = QtCore.Signal(float)

    def __init__(
        self,
        name: str,
        unit: str,
        low: float,
        high: float,
        *,
        decimals: int = 2,
        display_units: Sequence[str | DisplayUnit] = (),
        apply: bool = False,
        confirm_above: float | None = None,
    ) -> None:
        super().__init__()
        self.box = QuantitySpinBox(
            unit, low, high, decimals, display_units, name=f"{name}: set", wheel=not apply
        )
        self.confirm_above = confirm_above
        self._applied: float | None = None
        self._wanted: float | None = None
        self._is_confirming = False
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.box, 1)
        self.button: QtWidgets.QPushButton | None = None
        if apply:
            self._add_button(name, row)
        else:
            self.box.value_changed.connect(self.asked)

    @property
    def is_pending(self) -> bool:
        """Tell whether the box holds what was not applied."""
        return self.button is not None and (
            self.box.is_edited or (self._wanted is not None and self._wanted != self._applied)
        )

    @property
    def applied(self) -> float | None:
        """Return what was applied last, None before that."""
        return self._applied

    def show_applied(self, value: float) -> None:
        """Take what the table was set to; what a person is typing stays."""
        self._applied = value
        if not self.is_pending and self.box.low <= value <= self.box.high:
            self.box.set_value(value)
            self._wanted = None
        self._tint()

    def set_locked(self, reason: str) -> None:
        """Make it read-only with a reason, or free with an empty one."""
        self.box.setReadOnly(bool(reason))
        self.box.setEnabled(not reason)
        if self.button is not None:
            self.button.setEnabled(not reason)
            self.button.setToolTip(reason or "Set this value (Enter)")

    def apply(self) -> None:
        """Ask for what the box holds."""
        if not self.box.isEnabled() or not self.box.commit():
            return
        value = self.box.value
        if self._needs_confirmation(value):
            return
        self._calm()
        self.asked.emit(value)

    def eventFilter(self, watched: QtCore.QObject, event: QtCore.QEvent) -> bool:  # noqa: N802
        """Apply on Enter."""
        if isinstance(event, QtGui.QKeyEvent) and event.type() == QtCore.QEvent.Type.KeyPress:
            keys = (QtCore.Qt.Key.Key_Return, QtCore.Qt.Key.Key_Enter)
            if event.key() in keys:
                self.apply()
                return True
        return super().eventFilter(watched, event)

    def _add_button(self, name: str, row: QtWidgets.QHBoxLayout) -> None:
        self.button = QtWidgets.QPushButton("Apply")
        self.button.setAccessibleName(f"{name}: apply")
        self.button.setToolTip("Set this value (Enter)")
        self.button.clicked.connect(self.apply)
        row.addWidget(self.button)
        self.box.installEventFilter(self)
        self.box.lineEdit().textEdited.connect(self._change)
        self.box.value_changed.connect(self._change)
        self._calming = QtCore.QTimer(self, interval=CONFIRM_MS, singleShot=True)
        self._calming.timeout.connect(self._calm)

    def _needs_confirmation(self, value: float) -> bool:
        if self.button is None or self.confirm_above is None or self._is_confirming:
            return False
        if value <= self.confirm_above or (self._applied or 0.0) >= value:
            return False
        self._is_confirming = True
        self.button.setText(f"Really {value_text(value, self.box.unit)}?")
        paint(self.button, "warning")
        self._calming.start()
        return True

    def _calm(self) -> None:
        self._is_confirming = False
        if self.button is not None:
            self._calming.stop()
            self.button.setText("Apply")
            theme.dress(self.button, "")

    def _change(self, value: object) -> None:
        if isinstance(value, float):
            self._wanted = value
        self._calm()
        self._tint()

    def _tint(self) -> None:
        if self.box.property("pending") != self.is_pending:
            self.box.setProperty("pending", self.is_pending)
            self.box.style().unpolish(self.box)
            self.box.style().polish(self.box)
