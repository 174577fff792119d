"""Make the small parts that views are built of: buttons, rows, labels with a name."""

from collections.abc import Callable

from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.flow_layout import FlowLayout

Plain = QtWidgets.QSizePolicy.Policy


def button(text: str, tooltip: str, slot: Callable[[], object]) -> QtWidgets.QToolButton:
    """Return a button that does something when pressed."""
    made = _button(text, tooltip)
    # without the state that Qt would pass on
    made.clicked.connect(lambda _: slot())
    return made


def toggle(
    text: str, tooltip: str, slot: Callable[[bool], object], *, is_on: bool = False
) -> QtWidgets.QToolButton:
    """Return a button that stays down; `slot` gets its state."""
    made = _button(text, tooltip)
    made.setCheckable(True)
    made.setChecked(is_on)
    made.toggled.connect(slot)
    return made


def choice(
    name: str, tooltip: str, entries: list[str], slot: Callable[[str], object]
) -> QtWidgets.QComboBox:
    """Return a list to choose from; `slot` gets the text that a person chose."""
    made = QtWidgets.QComboBox()
    made.addItems(entries)
    made.setAccessibleName(name)
    made.setToolTip(tooltip)
    made.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToContents)
    made.textActivated.connect(slot)
    return made


def label(name: str, text: str = "", *, is_dim: bool = False) -> QtWidgets.QLabel:
    """Return a line of text that a screen reader can name; its text can be selected."""
    made = QtWidgets.QLabel(text)
    made.setAccessibleName(name)
    made.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setProperty("dim", is_dim)
    return made


def elided(name: str) -> "ElidedLabel":
    """Return a line of text that is cut with … where there is no room, and whole as tooltip."""
    made = ElidedLabel()
    made.setAccessibleName(name)
    return made


def colour(widget: QtWidgets.QWidget, text: str, background: str = "") -> None:
    """Paint text, and what is behind it, in colours of the theme."""
    behind = (
        f"background: {background}; padding: 2px 6px; border-radius: 3px;" if background else ""
    )
    theme.dress(widget, f"{type(widget).__name__} {{ color: {text}; {behind} }}")


def row(*parts: QtWidgets.QWidget | None, spacing: int = 6) -> QtWidgets.QHBoxLayout:
    """Return widgets side by side; None is a stretch."""
    layout = QtWidgets.QHBoxLayout()
    layout.setSpacing(spacing)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        else:
            layout.addWidget(part)
    return layout


def flow(*parts: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """Return widgets in rows that wrap where the window is narrow."""
    holder = QtWidgets.QWidget()
    layout = FlowLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(4)
    layout.setVerticalSpacing(3)
    for part in parts:
        layout.addWidget(part)
    policy = QtWidgets.QSizePolicy(Plain.Preferred, Plain.Minimum)
    policy.setHeightForWidth(True)
    holder.setSizePolicy(policy)
    return holder


class ElidedLabel(QtWidgets.QLabel):
    """Show as much of a line as there is room for."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = ""
        self.setSizePolicy(Plain.Ignored, Plain.Fixed)
        self.setMinimumWidth(60)

    @property
    def whole(self) -> str:
        """Return the whole line."""
        return self._whole

    def show_text(self, text: str, tooltip: str = "") -> None:
        """Show a line; the tooltip has it whole, and more."""
        self._whole = text
        self.setToolTip(tooltip or text)
        self._elide()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802
        """Cut the line anew."""
        super().resizeEvent(event)
        self._elide()

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        """Return the size of one line."""
        return QtCore.QSize(200, self.fontMetrics().height() + 4)

    def _elide(self) -> None:
        mode = QtCore.Qt.TextElideMode.ElideRight
        self.setText(self.fontMetrics().elidedText(self._whole, mode, max(self.width() - 14, 20)))


def _button(text: str, tooltip: str) -> QtWidgets.QToolButton:
    made = QtWidgets.QToolButton()
    made.setText(text)
    made.setToolTip(tooltip)
    made.setAccessibleName(text)
    made.setAccessibleDescription(tooltip)
    return made


class LevelBar(QtWidgets.QWidget):
    """Show a part of a whole, 0 to 1, with its number; what is too high in word and colour."""

    def __init__(self, name: str, limit: float) -> None:
        super().__init__()
        self._name = name
        self._limit = limit
        self.part: float | None = None
        self.setAccessibleName(name)
        self.setMinimumSize(150, 18)
        self.setSizePolicy(Plain.Fixed, Plain.Fixed)

    @property
    def is_too_high(self) -> bool:
        """Tell whether the limit is passed."""
        return self.part is not None and self.part > self._limit

    def show_part(self, part: float | None) -> None:
        """Show a part; None means that nothing is known."""
        self.part = part
        self.setToolTip(f"{self._name}: {self._text()}; not linear above {self._limit:.0%}")
        self.update()

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        """Return the room that the number needs."""
        metrics = self.fontMetrics()
        wide = metrics.horizontalAdvance(f"{self._name} 100.0 % HIGH") + 12
        return QtCore.QSize(wide, metrics.height() + 6)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:  # noqa: N802, ARG002
        """Draw the bar with its text."""
        now = theme.current()
        painter = QtGui.QPainter(self)
        frame = self.rect().adjusted(0, 0, -1, -1)
        painter.setPen(QtGui.QColor(now.border))
        painter.setBrush(QtGui.QColor(now.plot_background))
        painter.drawRect(frame)
        if self.part:
            shown = frame.adjusted(1, 1, 0, 0)
            shown.setWidth(round(min(self.part, 1.0) * (frame.width() - 1)))
            painter.fillRect(shown, QtGui.QColor(now.bad if self.is_too_high else now.raised))
        painter.setPen(QtGui.QColor(now.on_bad if self.is_too_high else now.text))
        painter.drawText(self.rect(), QtCore.Qt.AlignmentFlag.AlignCenter, self._text())

    def _text(self) -> str:
        if self.part is None:
            return f"{self._name} –"
        return f"{self._name} {self.part:.1%}" + (" HIGH" if self.is_too_high else "")
