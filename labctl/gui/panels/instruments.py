"""Put the panels of a table together, as the service describes it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from qtpy import QtGui, QtWidgets

from labctl.gui.context import Context
from labctl.gui.docks import Dock
from labctl.gui.panels.beam import BeamPanel
from labctl.gui.panels.camera import CameraPanel
from labctl.gui.panels.channels import ChannelInfo, group_channels, read_channels
from labctl.gui.panels.cryostat import TEMPERATURE, CryostatPanel
from labctl.gui.panels.delay import DelayPanel
from labctl.gui.panels.gauge import GaugePanel
from labctl.gui.panels.generic import GenericPanel
from labctl.gui.panels.panel import Panel
from labctl.gui.panels.restore import RestoreOffer
from labctl.gui.panels.spectrometer import SpectrometerPanel
from labctl.gui.panels.stage import StagePanel

_MADE: Mapping[str, tuple[str, Callable[..., Panel]]] = {
    "spectrometer": ("Spectrometer", SpectrometerPanel),
    "camera": ("Camera", CameraPanel),
    "stage": ("Stage", StagePanel),
    "delay": ("Delay", DelayPanel),
}


class Instruments(QtWidgets.QWidget):
    """Show a panel for each part of the table, one below the other."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.panels: dict[str, Panel] = {}
        self._described: Sequence[ChannelInfo] = ()
        self._inner: QtWidgets.QWidget | None = None
        self.setAccessibleName("Instruments")
        self._column = QtWidgets.QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        context.link.described.connect(self.show_description)
        self.show_description(context.link.description)

    def showEvent(self, event: QtGui.QShowEvent) -> None:  # noqa: N802
        """Keep a dock that scrolls at least as wide as the widest row."""
        super().showEvent(event)
        self._widen()

    def show_description(self, description: Mapping[str, Any]) -> None:
        """Make the panels anew if the table has other channels than before."""
        channels = read_channels(description)
        if channels == self._described and self._inner is not None:
            return
        self._described = channels
        inner = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(inner)
        column.setContentsMargins(3, 3, 3, 3)
        column.setSpacing(4)
        column.addWidget(RestoreOffer(self._context, channels) if channels else _empty())
        self.panels = {panel.key: panel for panel in make_panels(self._context, description)}
        for panel in self.panels.values():
            column.addWidget(panel)
        column.addStretch(1)
        if self._inner is not None:
            self._column.removeWidget(self._inner)
            self._inner.deleteLater()
        self._inner = inner
        self._column.addWidget(inner)
        self._widen()

    def _widen(self) -> None:
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QtWidgets.QScrollArea):
            parent = parent.parentWidget()
        if isinstance(parent, QtWidgets.QScrollArea):
            bar = parent.verticalScrollBar().sizeHint().width()
            parent.setMinimumWidth(self.minimumSizeHint().width() + bar + 2)


def make_panels(context: Context, description: Mapping[str, Any]) -> Iterator[Panel]:
    """Yield a panel for each part of a table: beams first, parts that nobody knows last."""
    groups = group_channels(read_channels(description))
    for beam in description.get("beams") or ():
        name = str(beam.get("name"))
        if name in groups:
            title = f"{name} {float(beam['wavelength_nm']):.1f} nm"
            yield BeamPanel(context, name, title, groups.pop(name))
    for name in ("spectrometer", "camera", "cryostat", "stage", "delay"):
        if name not in groups:
            continue
        channels = groups.pop(name)
        if name == "cryostat":
            yield from _cryostat(context, channels)
        else:
            title, make = _MADE[name]
            yield make(context, name, title, channels)
    for name, channels in groups.items():
        yield GenericPanel(context, name, name.replace("_", " ").capitalize(), channels)


def _cryostat(context: Context, channels: Sequence[ChannelInfo]) -> Iterator[Panel]:
    gauges = [one for one in channels if one.unit == "Pa" and not one.settable]
    others = [one for one in channels if one not in gauges]
    if any(one.name == TEMPERATURE for one in others):
        yield CryostatPanel(context, "cryostat", "Cryostat", others)
    elif others:
        yield GenericPanel(context, "cryostat", "Cryostat", others)
    if gauges:
        yield GaugePanel(context, "gauge", "Gauge", gauges)


def _empty() -> QtWidgets.QLabel:
    label = QtWidgets.QLabel("The service has not told yet what the table consists of.")
    label.setWordWrap(True)
    return label


DOCKS = [Dock("instruments", "Instruments", "left", Instruments, tab_group="instruments")]
