"""Show the pressure in the cryostat."""

from labctl.gui.panels.panel import Panel


class GaugePanel(Panel):
    """Show pressures; there is nothing to set."""

    def build(self) -> None:
        """Add a read-back for each gauge."""
        for channel in self.channels.values():
            self.add_read(channel.label, channel.name)
