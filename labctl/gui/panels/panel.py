"""Hold what all panels have: a header with state and age, a lock while a run owns the table."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from qtpy import QtCore, QtWidgets

from labctl.core.errors import LabctlError
from labctl.core.readings import Scalar
from labctl.core.status import StationStatus, ValueStatus
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.panels.channels import ChannelInfo
from labctl.gui.panels.commands import set_channel
from labctl.gui.panels.fields import QuietCombo, ReadBack, Setter, paint
from labctl.gui.panels.wording import Verdict, age_text, judge, owner_of

TICK_MS = 1000
STAGGER_MS, TURNS = 6, 8
"""Panels take a new status one after the other, so that the window answers in between."""

_turns = itertools.cycle(range(TURNS))


class Panel(QtWidgets.QFrame):
    """Show one instrument.

    A subclass adds rows in `build` and shows values in `show_values`; what it does not show
    itself gets a plain row each.

    Parameters
    ----------
    key
        Identity of the panel, by which its state is kept: `probe`, `stage`, …
    channels
        The channels that belong to it.
    """

    def __init__(
        self, context: Context, key: str, title: str, channels: Sequence[ChannelInfo]
    ) -> None:
        super().__init__()
        self.context = context
        self.key = key
        self.channels = {channel.name: channel for channel in channels}
        self.reads: dict[str, ReadBack] = {}
        self.verdict = Verdict("stale", "not read yet")
        self._busy = 0
        self._locked: list[tuple[QtWidgets.QWidget, str]] = []
        self._since = QtCore.QElapsedTimer()
        self.setObjectName(f"panel.{key}")
        self.setAccessibleName(f"{title} panel")
        self.setFrameShape(QtWidgets.QFrame.Shape.StyledPanel)
        self._make(title)
        self.build()
        self._add_rest()
        self._tick = QtCore.QTimer(self, interval=TICK_MS)
        self._tick.timeout.connect(self._show_header)
        self._tick.start()
        self._turn = QtCore.QTimer(self, interval=STAGGER_MS * next(_turns), singleShot=True)
        self._turn.timeout.connect(self.refresh)
        context.link.status_changed.connect(self._take)
        context.link.lost.connect(self.refresh)
        theme.changed().connect(self.refresh)
        self.refresh()

    # ---- for subclasses

    def build(self) -> None:
        """Add the rows."""

    def show_values(self, status: StationStatus, is_connected: bool) -> None:
        """Show what a subclass shows in its own way."""

    def judge(self, status: StationStatus | None, is_connected: bool) -> Verdict:
        """Say how the instrument is."""
        values = [self.value(name) for name in self.channels] if status else []
        return judge(values, is_connected)

    def lock(self, reason: str) -> None:
        """Lock or free what a subclass made itself."""

    # ---- rows

    def add_row(self, label: str, *widgets: QtWidgets.QWidget) -> QtWidgets.QWidget:
        """Add a row with a label; returns the widget that holds it."""
        row = QtWidgets.QWidget()
        line = QtWidgets.QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        for widget in widgets:
            line.addWidget(widget, 1 if isinstance(widget, ReadBack | Setter | QuietCombo) else 0)
        name = QtWidgets.QLabel(label)
        name.setBuddy(widgets[0])
        self._rows.addRow(name, row)
        return row

    def add_wide(self, widget: QtWidgets.QWidget) -> None:
        """Add a widget over the whole width."""
        self._rows.addRow(widget)

    def add_read(self, label: str, channel: str) -> ReadBack:
        """Add the read-back of a channel."""
        read = ReadBack(f"{self.key} {label}", self.channels[channel].unit)
        self.reads[channel] = read
        self.add_row(label, read)
        return read

    def add_button(self, text: str, tip: str, slot: Any) -> QtWidgets.QPushButton:
        """Return a button that is locked while a run owns the table; the caller places it."""
        button = QtWidgets.QPushButton(text)
        button.setAccessibleName(f"{self.key}: {text}")
        button.setToolTip(tip)
        button.clicked.connect(slot)
        self.lockable(button)
        return button

    def lockable(self, widget: QtWidgets.QWidget) -> None:
        """Lock a widget while the table is not free; its tooltip then says why."""
        self._locked.append((widget, widget.toolTip()))

    def value(self, channel: str) -> ValueStatus | None:
        """Return what was last read of a channel."""
        status = self.context.link.status
        return None if status is None else status.values.get(channel)

    def number(self, channel: str) -> float | None:
        """Return that as a number, None if there is none."""
        value = self.value(channel)
        found = value.value if value is not None else None
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return float(found)

    # ---- commands

    def command(self, channel: str, value: Scalar) -> None:
        """Move a channel."""
        self._busy += 1
        self.tell("")
        self._show_header()

        def done(reading: Mapping[str, Any]) -> None:
            self._busy -= 1
            self.moved(channel, value, reading)
            reason = str(reading.get("reason") or "")
            self.tell(f"{channel}: {reason}" if reason else "", is_error=False)
            self.refresh()

        set_channel(self.context, channel, value, done, self._fail)

    def moved(self, channel: str, value: Scalar, reading: Mapping[str, Any]) -> None:
        """Take note that a channel was moved by hand."""

    def tell(self, text: str, is_error: bool = True) -> None:
        """Say what went wrong in the panel itself; an empty text takes it back."""
        self._message.setText(text)
        self._message.setVisible(bool(text))
        paint(self._message, "bad" if is_error else "warning")

    # ---- inside

    @property
    def owner(self) -> str:
        """Return why nothing can be moved by hand, or an empty string."""
        if not self.context.link.is_connected:
            return "no connection to the service"
        return owner_of(self.context.link.status)

    def refresh(self, *_: object) -> None:
        """Show everything anew."""
        status, is_connected = self.context.link.status, self.context.link.is_connected
        if status is not None:
            for name, read in self.reads.items():
                read.show_value(self.value(name), is_connected)
            self.show_values(status, is_connected)
        owner = self.owner
        for widget, tip in self._locked:
            widget.setEnabled(not owner)
            widget.setToolTip(owner or tip)
        for setter in self.findChildren(Setter):
            setter.set_locked(owner)
        self.lock(owner)
        self._show_header()

    def _take(self, _: StationStatus) -> None:
        self._since.restart()
        if not self._turn.isActive():
            self._turn.start()

    def _fail(self, error: LabctlError) -> None:
        self._busy -= 1
        self.tell(f"{error.message}{f' – {error.remedy}' if error.remedy else ''}")
        self.refresh()

    def _make(self, title: str) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 6)
        column.setSpacing(3)
        head = QtWidgets.QHBoxLayout()
        self._fold = QtWidgets.QToolButton()
        self._fold.setText(title)
        self._fold.setCheckable(True)
        self._fold.setAccessibleName(f"{title}: show or hide")
        self._fold.setToolTip(f"Show or hide {title}")
        self._fold.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fold.setAutoRaise(True)
        self._fold.setStyleSheet("QToolButton { border: none; font-weight: bold; padding: 1px; }")
        self._state = QtWidgets.QLabel()
        self._state.setAccessibleName(f"{title}: state")
        self._age = QtWidgets.QLabel()
        self._age.setAccessibleName(f"{title}: age of the last reading")
        head.addWidget(self._fold)
        head.addStretch(1)
        head.addWidget(self._state)
        head.addWidget(self._age)
        column.addLayout(head)
        self._body = QtWidgets.QWidget()
        self._rows = QtWidgets.QFormLayout(self._body)
        self._rows.setContentsMargins(4, 0, 0, 0)
        self._rows.setVerticalSpacing(3)
        policy = QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow
        self._rows.setFieldGrowthPolicy(policy)
        column.addWidget(self._body)
        self._message = QtWidgets.QLabel()
        self._message.setWordWrap(True)
        self._message.setVisible(False)
        column.addWidget(self._message)
        is_folded = self.context.state.get(f"panel.{self.key}.folded", False, bool)
        self._fold.toggled.connect(self._show_fold)
        self._fold.setChecked(is_folded)
        self._show_fold(is_folded)

    def _show_fold(self, is_folded: bool) -> None:
        arrows = QtCore.Qt.ArrowType
        self._fold.setArrowType(arrows.RightArrow if is_folded else arrows.DownArrow)
        self._body.setVisible(not is_folded)
        self.context.state.set(f"panel.{self.key}.folded", is_folded)

    def _add_rest(self) -> None:
        from labctl.gui.panels.rows import add_plain_row

        for channel in self.channels.values():
            if channel.name not in self.reads and channel.name not in self.handled:
                add_plain_row(self, channel)

    handled: frozenset[str] = frozenset()
    """Names of channels that a subclass shows without a read-back of their own."""

    def _show_header(self) -> None:
        status, is_connected = self.context.link.status, self.context.link.is_connected
        verdict = self.judge(status, is_connected)
        if verdict.level == "ok" and self._busy:
            verdict = Verdict("accent", "moving", "it has been told to move")
        owner = owner_of(status) if is_connected else ""
        if verdict.level == "ok" and owner:
            verdict = Verdict("accent", owner, "panels are read-only; LASER OFF always works")
        self.verdict = verdict
        self._state.setText(f"● {verdict.word}")
        self._state.setToolTip(verdict.reason)
        paint(self._state, verdict.level)
        self._age.setText(age_text(self._age_s()))
        paint(self._age, "stale")

    def _age_s(self) -> float | None:
        """Return the age of the newest reading; of the oldest one if any is stale."""
        values = [self.value(name) for name in self.channels]
        ages = [one.age_s for one in values if one is not None and one.age_s is not None]
        if not ages:
            return None
        passed_s = self._since.elapsed() / 1000 if self._since.isValid() else 0.0
        is_old = any(one.stale for one in values if one is not None)
        return (max(ages) if is_old else min(ages)) + passed_s
