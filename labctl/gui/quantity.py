"""Let people type quantities with units; nothing changes by accident.

Measured on common spin boxes and avoided here: a wheel that turns a box which nobody chose, a
value for every key typed, an action that starts with the number before the one typed, text that
is silently put back or clipped.
"""

import math
from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.errors import UsageError
from labctl.gui.typed import DisplayUnit, linear, parse_shown

__all__ = ["DisplayUnit", "QuantitySpinBox", "commit_focused", "linear", "parse_shown"]


class QuantitySpinBox(QtWidgets.QAbstractSpinBox):
    """Edit one quantity; `value_changed` comes once, when a person commits another value.

    A value is committed by Enter or by leaving the box. A bare number is in the unit shown; any
    other unit that fits may be typed. What cannot be taken stays as it was typed, with a red
    border and the reason as tooltip, and the value is what it was before.

    Parameters
    ----------
    unit
        Unit of `value`, in the spelling of labctl ("W", "s", "nm", "" for a plain number).
    low, high
        Range in that unit; what lies outside is refused, never clipped.
    decimals
        Decimals in the unit shown.
    display_units
        Units to show it in, the first one at first; none means `unit`.
    step
        Step of the arrow keys in the unit shown; None: a tenth of the leading digit's decade.
    wheel
        Whether the wheel may turn the value while the box has the focus: never for power.
    """

    value_changed = QtCore.Signal(float)
    refused = QtCore.Signal(str)

    def __init__(
        self,
        unit: str = "",
        low: float = -math.inf,
        high: float = math.inf,
        decimals: int = 3,
        display_units: Sequence[str | DisplayUnit] = (),
        *,
        step: float | None = None,
        wheel: bool = True,
        name: str = "",
        parent: QtWidgets.QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.unit = unit
        self.low, self.high = low, high
        self.decimals = decimals
        self.error = ""
        shown = [linear(one, unit) if isinstance(one, str) else one for one in display_units]
        self._units = shown or [linear(unit, unit)]
        self._shown = self._units[0]
        self._step = step
        self._wheel = wheel and unit != "W"
        self._value = min(max(0.0, low), high)
        self._is_edited = False
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setKeyboardTracking(False)
        self.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight)
        self.lineEdit().textEdited.connect(self._edit)
        self.editingFinished.connect(self.commit)
        if name:
            self.setAccessibleName(f"{name} in {self._shown.unit}" if self._shown.unit else name)
        self._show()

    # ---- value

    @property
    def value(self) -> float:
        """Return the committed value in `unit`."""
        return self._value

    def set_value(self, value: float) -> None:
        """Show a value without a signal; what a person is typing stays.

        Raises
        ------
        ValueError
            If it is out of range.
        """
        if reason := self._refusal(value):
            raise ValueError(reason)
        self._value = float(value)
        if not self._is_edited:
            self._show()

    @property
    def is_edited(self) -> bool:
        """Tell whether something was typed that is not committed."""
        return self._is_edited

    @property
    def display_unit(self) -> str:
        """Return the unit that is shown."""
        return self._shown.unit

    def set_display_unit(self, unit: str) -> None:
        """Show another one of the display units; raises `ValueError` if it is none of them."""
        found = [one for one in self._units if one.unit == unit]
        if not found:
            raise ValueError(f"{unit} is none of {[one.unit for one in self._units]}")
        self.commit()
        self._shown = found[0]
        self._show()

    def set_range(self, low: float, high: float) -> None:
        """Set another range; a value that lies outside is marked, not clipped."""
        self.low, self.high = low, high
        self._mark(self._refusal(self._value))
        self._show_tip()

    def commit(self) -> bool:
        """Take what was typed; False if it cannot be taken."""
        if not self._is_edited:
            return not self.error
        try:
            value = self._parse(self.lineEdit().text())
            if reason := self._refusal(value):
                raise UsageError(reason)
        except UsageError as error:
            self._mark(error.message)
            self.refused.emit(error.message)
            return False
        self._is_edited = False
        self._mark("")
        is_new = not math.isclose(value, self._value, rel_tol=1e-12, abs_tol=0.0)
        self._value = value
        self._show()
        if is_new:
            self.value_changed.emit(value)
        return True

    def revert(self) -> None:
        """Forget what was typed."""
        self._is_edited = False
        self._mark("")
        self._show()

    # ---- as Qt wants it

    def stepEnabled(self) -> QtWidgets.QAbstractSpinBox.StepEnabledFlag:  # noqa: N802
        """Tell in which directions a step is possible."""
        flags = QtWidgets.QAbstractSpinBox.StepEnabledFlag
        found = flags.StepNone
        if not self.isReadOnly():
            if self._value < self.high:
                found |= flags.StepUpEnabled
            if self._value > self.low:
                found |= flags.StepDownEnabled
        return found

    def stepBy(self, steps: int) -> None:  # noqa: N802
        """Step by the decade of the value; a step out of range is not made."""
        if not self.commit():
            return
        shown = self._shown.to_shown(self._value)
        step = self._step or 10.0 ** (math.floor(math.log10(abs(shown) or 1.0)) - 1)
        value = self._shown.to_base(round(shown + steps * step, self.decimals + 3))
        if self._refusal(value):
            return
        self._value = value
        self._show()
        self.value_changed.emit(value)

    def validate(self, text: str, position: int) -> tuple[QtGui.QValidator.State, str, int]:
        """Let everything be typed: it is judged when it is committed."""
        return QtGui.QValidator.State.Acceptable, text, position

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:  # noqa: N802
        """Turn only in a box that has the focus, and never power."""
        if self._wheel and self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:  # noqa: N802
        """Take back what was typed with Escape."""
        if event.key() == QtCore.Qt.Key.Key_Escape and self._is_edited:
            self.revert()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QtGui.QFocusEvent) -> None:  # noqa: N802
        """Commit; a menu that opens is no reason to."""
        super().focusOutEvent(event)

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        """Return the room for the widest value."""
        digits = max((len(self._text(v)) for v in self._ends()), default=8)
        metrics = self.fontMetrics()
        width = metrics.horizontalAdvance("0") * min(max(digits, 8), 16) + 36
        return QtCore.QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802
        """Return the least room."""
        return self.sizeHint()

    # ---- inside

    def _ends(self) -> list[float]:
        return [v for v in (self.low, self.high, self._value) if math.isfinite(v)]

    def _edit(self) -> None:
        self._is_edited = True
        self._mark("")

    def _parse(self, text: str) -> float:
        return parse_shown(text, self.unit, self._shown)

    def _refusal(self, value: float) -> str:
        if not math.isfinite(value):
            return "this is no finite number"
        slack = 1e-9 * max(abs(value), 1e-30)
        if self.low - slack <= value <= self.high + slack:
            return ""
        return f"{self._text(value)} is not between {self._text(self.low)} and " + (
            self._text(self.high)
        )

    def _text(self, value: float) -> str:
        if math.isinf(value):
            return "−∞" if value < 0 else "∞"
        shown = self._shown.to_shown(value)
        number = f"{shown:.{self.decimals}f}"
        return f"{number} {self._shown.unit}".rstrip()

    def _show(self) -> None:
        self.lineEdit().setText(self._text(self._value))
        self._show_tip()

    def _show_tip(self) -> None:
        if not self.error and any(math.isfinite(v) for v in (self.low, self.high)):
            self.setToolTip(f"{self._text(self.low)} to {self._text(self.high)}")

    def _mark(self, reason: str) -> None:
        if reason == self.error:
            return
        self.error = reason
        self.setProperty("refused", bool(reason))
        self.style().unpolish(self)
        self.style().polish(self)
        self.setToolTip(reason)
        self._show_tip()


def commit_focused() -> bool:
    """Commit the box that is being typed into; False if it holds what cannot be taken.

    Every action of the window calls it first, so that none works with an old number.
    """
    widget = QtWidgets.QApplication.focusWidget()
    while widget is not None:
        if isinstance(widget, QuantitySpinBox):
            return widget.commit()
        if isinstance(widget, QtWidgets.QAbstractSpinBox):
            widget.interpretText()
            return True
        if isinstance(widget, QtWidgets.QLineEdit) and widget.isModified():
            _finish(widget)
        widget = widget.parentWidget()
    return True


def _finish(edit: QtWidgets.QLineEdit) -> None:
    """Let a line of text tell that it is done, unless it belongs to a box that does it itself."""
    if not isinstance(edit.parentWidget(), QtWidgets.QAbstractSpinBox):
        edit.setModified(False)
        edit.editingFinished.emit()
