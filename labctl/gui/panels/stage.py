"""Move the stage: by steps, to numbers, to named places, and back to where it was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qtpy import QtGui, QtWidgets

from labctl.core.readings import Scalar
from labctl.gui import theme
from labctl.gui.panels.channels import ChannelInfo
from labctl.gui.panels.fields import Setter
from labctl.gui.panels.panel import Panel
from labctl.gui.panels.rows import make_chooser
from labctl.gui.quantity import QuantitySpinBox

FIRST_STEP_UM = 1.0
MOST_PLACES = 50
POSITION = "stage.position"


@dataclass(frozen=True, slots=True)
class _Axis:
    channel: ChannelInfo
    setter: Setter
    buttons: tuple[QtWidgets.QToolButton, QtWidgets.QToolButton]


class StagePanel(Panel):
    """Show each axis with its limits; every move can be taken back, one after the other."""

    def build(self) -> None:
        """Add a row for each axis, the places and the way back."""
        self._axes: list[_Axis] = []
        self._targets_um: dict[str, float] = {}
        self._before: list[dict[str, float]] = []
        for channel in self.channels.values():
            if channel.name != POSITION and channel.kind == "number":
                self._add_axis(channel)
        self.step = QuantitySpinBox("µm", 0.05, 1000.0, 2, name="stage step")
        self.step.set_value(self.context.state.get("stage.step_um", FIRST_STEP_UM, float))
        self.step.value_changed.connect(lambda v: self.context.state.set("stage.step_um", v))
        self.add_row("Step", self.step)
        if POSITION in self.channels:
            self.add_read("Place", POSITION)
            self.add_row("Go to", make_chooser(self, self.channels[POSITION]))
        self.back = self.add_button(
            "Return to previous position",
            "Take the last move by hand back: undo does not move hardware",
            self.return_back,
        )
        self.add_wide(self.back)
        theme.changed().connect(self._paint_icons)

    def command(self, channel: str, value: Scalar) -> None:
        """Move, and remember where it was."""
        self._keep_place()
        super().command(channel, value)

    def moved(self, channel: str, value: Scalar, reading: Mapping[str, Any]) -> None:
        """Show the new position in the box."""
        for axis in self._axes:
            if axis.channel.name == channel and isinstance(reading.get("value"), int | float):
                axis.setter.box.set_value(float(value))

    def jog(self, channel: str, steps: int) -> None:
        """Move an axis by whole steps from where it stands."""
        here_um = self.number(channel)
        if here_um is None or not self.step.commit():
            self.tell(f"{channel}: where it stands is not known, so it is not moved by steps")
            return
        self._targets_um[channel] = self._targets_um.get(channel, here_um) + steps * self.step.value
        target_um = self._targets_um[channel]
        info = self.channels[channel]
        low, high = info.low, info.high
        if (low is not None and target_um < low) or (high is not None and target_um > high):
            del self._targets_um[channel]
            self.tell(f"{channel}: {target_um:.2f} µm is not between {low:.2f} and {high:.2f} µm")
            return
        self.command(channel, target_um)

    def return_back(self) -> None:
        """Go back to where the last move by hand began."""
        if not self._before:
            return
        place = self._before.pop()
        for channel, value_um in place.items():
            here_um = self.number(channel)
            if here_um is None or abs(here_um - value_um) > 0.05:
                super().command(channel, value_um)
        self._show_back()

    def lock(self, reason: str) -> None:
        """Lock steps and places."""
        for axis in self._axes:
            for button in axis.buttons:
                button.setEnabled(not reason)
        self._show_back()

    def refresh(self, *_: object) -> None:
        """Show everything anew; steps count from the read-back again when nothing moves."""
        if not self._busy:
            self._targets_um.clear()
        super().refresh()

    def _keep_place(self) -> None:
        names = [axis.channel.name for axis in self._axes]
        place = {name: here for name in names if (here := self.number(name)) is not None}
        if place and not self._busy:
            self._before = [*self._before[-MOST_PLACES:], place]
        self._show_back()

    def _show_back(self) -> None:
        if not self._before:
            self.back.setEnabled(False)
            return
        shown = ", ".join(f"{n.partition('.')[2]} {v:.2f}" for n, v in self._before[-1].items())
        self.back.setEnabled(not self.owner)
        self.back.setToolTip(self.owner or f"Go back to {shown} µm")

    def _add_axis(self, channel: ChannelInfo) -> None:
        self.add_read(channel.label, channel.name)
        if not channel.settable:
            return
        low = channel.low if channel.low is not None else -1e6
        high = channel.high if channel.high is not None else 1e6
        setter = Setter(f"stage {channel.label}", channel.unit, low, high, decimals=2)
        setter.asked.connect(lambda value, name=channel.name: self.command(name, value))
        buttons = (self._jog_button(channel, -1), self._jog_button(channel, +1))
        self.add_row("", buttons[0], setter, buttons[1])
        self._axes.append(_Axis(channel, setter, buttons))

    def _paint_icons(self, *_: object) -> None:
        for axis in self._axes:
            for button, direction in zip(axis.buttons, (-1, 1), strict=True):
                button.setIcon(_arrow(direction))

    def _jog_button(self, channel: ChannelInfo, direction: int) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setIcon(_arrow(direction))
        sign = "−" if direction < 0 else "+"
        button.setAccessibleName(f"stage {channel.label} one step {sign}")
        button.setToolTip(f"Move {channel.label} by one step {sign}")
        button.clicked.connect(lambda: self.jog(channel.name, direction))
        return button


def _arrow(direction: int) -> QtGui.QIcon:
    return theme.icon("jog_left" if direction < 0 else "jog_right")
