"""Move a delay line, in time and in length."""

from labctl.core.status import StationStatus
from labctl.gui.panels.fields import ReadBack
from labctl.gui.panels.panel import Panel
from labctl.gui.panels.rows import add_plain_row
from labctl.gui.panels.wording import NO_VALUE

MM_PER_PS = 0.299792458 / 2
"""Travel of a mirror that folds the path once, per ps of delay."""
_PS = {"ps": 1.0, "fs": 1e-3, "ns": 1e3}


class DelayPanel(Panel):
    """Show a delay in time, and the travel that it is of a stage with one folded path."""

    def build(self) -> None:
        """Add a row for each channel, and the travel of those in units of time."""
        self._travels: dict[str, ReadBack] = {}
        for channel in self.channels.values():
            add_plain_row(self, channel)
            if channel.unit in _PS:
                travel = ReadBack(f"{self.key} {channel.label} travel", "mm")
                self._travels[channel.name] = travel
                self.add_row("Travel", travel)

    def show_values(self, status: StationStatus, is_connected: bool) -> None:  # noqa: ARG002
        """Show the travel."""
        for name, travel in self._travels.items():
            value, number = self.value(name), self.number(name)
            is_old = value is None or value.stale or not is_connected
            if number is None:
                travel.show_text(NO_VALUE, "stale")
                continue
            length_mm = number * _PS[self.channels[name].unit] * MM_PER_PS
            travel.show_text(f"{length_mm:.4f} mm", "stale" if is_old else None, "double pass")
