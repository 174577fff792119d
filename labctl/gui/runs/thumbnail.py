"""Draw what a run looks like, small; may be used in any thread."""

from typing import TYPE_CHECKING

import numpy as np
from qtpy import QtCore, QtGui

from labctl.gui.runs.reading import read_points

if TYPE_CHECKING:
    from labctl.store.reader import RunReader

WIDTH, HEIGHT = 96, 40
LINES = 5
INK = "#808080"
"""Thumbnails are grey lines on nothing: the table colours them by its theme."""


def draw_thumbnail(reader: "RunReader") -> QtGui.QImage | None:
    """Return some of the spectra of a run as lines, or None if it has none."""
    total = len(reader)
    if not total:
        return None
    numbers = sorted({round(at) for at in np.linspace(0, total - 1, 2 * LINES)})
    series = read_points(reader, numbers).series()
    measured = [one for one in series if any(kind != "dark" for kind in one.kinds)] or series
    if not measured:
        return None
    first = measured[0]
    rows = [row for row, kind in enumerate(first.kinds) if kind != "dark"]
    return draw_lines(first.spectra[rows or [0]][-LINES:])


def draw_lines(spectra: np.ndarray) -> QtGui.QImage:
    """Return spectra, shape (n, pixels), as lines above each other's zero."""
    image = QtGui.QImage(WIDTH, HEIGHT, QtGui.QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(QtCore.Qt.GlobalColor.transparent)
    columns = np.array_split(np.nan_to_num(spectra), min(WIDTH, spectra.shape[1]), axis=1)
    heights = np.stack([part.max(axis=1) for part in columns], axis=1)
    low, high = float(heights.min()), float(np.percentile(heights, 99.5))
    scale = (HEIGHT - 5) / (high - low) if high > low else 0.0
    painter = QtGui.QPainter(image)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    for number, line in enumerate(heights):
        colour = QtGui.QColor(INK)
        colour.setAlpha(90 + 165 * (number + 1) // len(heights))
        painter.setPen(QtGui.QPen(colour, 1.0))
        ys = np.clip(HEIGHT - 2 - (line - low) * scale, 1, HEIGHT - 1)
        xs = np.linspace(1, WIDTH - 1, len(ys))
        points = [QtCore.QPointF(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        painter.drawPolyline(points)
    painter.end()
    return image


def tinted(image: QtGui.QImage, colour: str) -> QtGui.QPixmap:
    """Return a thumbnail in the colour of the theme."""
    pixmap = QtGui.QPixmap.fromImage(image)
    painter = QtGui.QPainter(pixmap)
    painter.setCompositionMode(QtGui.QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), QtGui.QColor(colour))
    painter.end()
    return pixmap
