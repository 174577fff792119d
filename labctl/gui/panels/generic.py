"""Show any part of a table that nobody made a panel for."""

from labctl.gui.panels.panel import Panel


class GenericPanel(Panel):
    """Show a plain row for each channel."""
