"""Make a plain row for a channel of any kind: what nobody made a panel for can still be used."""

import math

from qtpy import QtWidgets

from labctl.gui.panels.channels import ChannelInfo
from labctl.gui.panels.fields import QuietCombo, ReadBack, Setter
from labctl.gui.panels.panel import Panel


def add_plain_row(panel: Panel, channel: ChannelInfo) -> None:
    """Add the read-back of a channel, and below it what sets it, if it can be set."""
    read = ReadBack(f"{panel.key} {channel.label}", channel.unit)
    panel.reads[channel.name] = read
    panel.add_row(channel.label, read)
    if not channel.settable:
        return
    if channel.choices:
        panel.add_row("", make_chooser(panel, channel))
    elif channel.kind == "boolean":
        _add_switch(panel, channel)
    elif channel.kind in ("number", "integer"):
        panel.add_row("", make_setter(panel, channel))


def make_setter(panel: Panel, channel: ChannelInfo, *, apply: bool = False) -> Setter:
    """Return a box that moves a channel within its limits."""
    low = -math.inf if channel.low is None else channel.low
    high = math.inf if channel.high is None else channel.high
    decimals = 0 if channel.kind == "integer" else 3
    setter = Setter(
        f"{panel.key} {channel.label}", channel.unit, low, high, decimals=decimals, apply=apply
    )
    setter.asked.connect(lambda value: panel.command(channel.name, value))
    return setter


def make_chooser(panel: Panel, channel: ChannelInfo) -> QuietCombo:
    """Return a list that moves a channel when a person chooses."""
    combo = QuietCombo(f"{panel.key} {channel.label}: set", channel.choices)
    combo.setPlaceholderText("go to …")
    combo.setCurrentIndex(-1)
    combo.setToolTip(f"Set {channel.name}")
    combo.textActivated.connect(lambda value: panel.command(channel.name, value))
    panel.lockable(combo)
    return combo


def _add_switch(panel: Panel, channel: ChannelInfo) -> None:
    on = panel.add_button(
        "On", f"Set {channel.name} to on", lambda: panel.command(channel.name, True)
    )
    off = panel.add_button(
        "Off", f"Set {channel.name} to off", lambda: panel.command(channel.name, False)
    )
    row = panel.add_row("", on, off)
    layout = row.layout()
    if isinstance(layout, QtWidgets.QHBoxLayout):
        layout.addStretch(1)
