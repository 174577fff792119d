"""Say what colours mean: a scale beside an image, with its quantity and unit."""

import pyqtgraph as pg

from labctl.gui import theme
from labctl.gui.views.axis_items import set_label

BAR_WIDTH = 14
AXIS_WIDTH = 72
GAP = 5

Levels = tuple[float, float]


class ColourBar(pg.ColorBarItem):  # type: ignore[misc]
    """Show the levels of an image; it is hidden until there are some.

    With `beside` it stands in the layout of that plot, to the right of it.
    """

    WIDTH = GAP + BAR_WIDTH + AXIS_WIDTH
    """What it takes of a plot, in pixels."""

    def __init__(self, image: pg.ImageItem, beside: pg.PlotItem | None = None) -> None:
        super().__init__(width=BAR_WIDTH, interactive=False)
        self.layout.setContentsMargins(0, 0, 0, 0)
        self.setImageItem(image, insert_in=beside)
        self._axis = self.getAxis("right")
        self._axis.setWidth(AXIS_WIDTH)
        self._axis.enableAutoSIPrefix(False)
        self.hide()

    def show_levels(self, levels: Levels, label: str) -> None:
        """Colour the image between two levels, of a quantity with its unit.

        What did not change costs nothing: live images come 15 times per second.
        """
        if levels != self.levels():
            self.setLevels(levels)
        set_label(self._axis, label)
        self.show()

    def restyle(self, colours: pg.ColorMap) -> None:
        """Take the colours of the theme, and these for the image."""
        theme.style_plot(self)
        self.setColorMap(colours)
