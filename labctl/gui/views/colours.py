"""Choose colour maps that mean something and fit the theme: never jet."""

from functools import cache

import pyqtgraph as pg

from labctl.gui import theme

INTENSITY = "viridis"
DIVERGING = "CET-D1"


def intensity_map() -> pg.ColorMap:
    """Return the map for intensities: uniform in lightness; in the red theme from black to red."""
    return _red_map() if theme.current().name == "red" else _named(INTENSITY)


def diverging_map() -> pg.ColorMap:
    """Return the map for differences, to be centred at zero: cold blue, warm red.

    The red theme has one colour only: there the middle is dark and both ends are bright.
    """
    return _red_valley() if theme.current().name == "red" else _named(DIVERGING)


@cache
def _named(name: str) -> pg.ColorMap:
    found: pg.ColorMap = pg.colormap.get(name)
    return found


@cache
def _red_map() -> pg.ColorMap:
    # linear in lightness as far as red goes; green and blue stay below what rods see
    return pg.ColorMap((0.0, 0.5, 1.0), ((8, 0, 0), (130, 12, 12), (255, 58, 58)))


@cache
def _red_valley() -> pg.ColorMap:
    return pg.ColorMap((0.0, 0.5, 1.0), ((255, 58, 58), (20, 0, 0), (200, 40, 40)))
