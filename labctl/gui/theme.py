"""Colour the window: light, dark, and red for eyes that are adapted to the dark.

Fusion with an explicit palette: `QStyleHints.setColorScheme` does not reach every platform. In
red no pixel has more than 60 of 255 in green or blue, so that rod vision is spared.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets
from qtpy.compat import isalive

from labctl.gui.colours import DARK, LIGHT, RED, Theme
from labctl.gui.look import ICONS, SHEET

FONT_SIZES: Mapping[str, int] = {"small": 9, "normal": 10, "large": 12}
"""Points by name. The names stand in the menu."""
DEFAULT = "dark"
FAMILY = "DejaVu Sans"


class Changed:
    """Tell listeners of a new theme; those whose widget has gone are forgotten.

    The theme outlives every window, and a signal of Qt does not notice that what a lambda paints
    is no longer there.
    """

    def __init__(self) -> None:
        self._slots: list[Callable[..., object]] = []

    def connect(self, slot: Callable[..., object]) -> None:
        """Call `slot` with every new theme, or without it if it takes nothing."""
        self._slots.append(slot)

    def disconnect(self, slot: Callable[..., object]) -> None:
        """Call it no more; allowed if it was not connected."""
        self._slots = [one for one in self._slots if one != slot]

    def emit(self, theme: Theme) -> None:
        """Tell all."""
        for slot in tuple(self._slots):
            owner = getattr(slot, "__self__", None)
            if isinstance(owner, QtCore.QObject) and not is_alive(owner):
                self.disconnect(slot)
                continue
            try:
                slot(theme) if _takes_one(slot) else slot()
            except RuntimeError as error:
                if "already deleted" not in str(error):
                    raise
                self.disconnect(slot)


def is_alive(owner: QtCore.QObject) -> bool:
    """Tell whether what Qt holds of an object is still there."""
    return bool(isalive(owner))  # type: ignore[no-untyped-call]


def _takes_one(slot: Callable[..., object]) -> bool:
    return bool(inspect.signature(slot).parameters)


class _Holder:
    def __init__(self) -> None:
        self.changed = Changed()
        self.theme = DARK
        self.font_size = FONT_SIZES["normal"]


@cache
def _holder() -> _Holder:
    return _Holder()


def themes() -> Mapping[str, Theme]:
    """Return the themes by name."""
    return {theme.name: theme for theme in (LIGHT, DARK, RED)}


def current() -> Theme:
    """Return the theme that is shown."""
    return _holder().theme


def changed() -> Changed:
    """Return what tells that a theme was applied; it carries the theme."""
    return _holder().changed


def font_size() -> int:
    """Return the size of text in points."""
    return _holder().font_size


def apply(app: QtWidgets.QApplication, name: str, font_size: int | str = "normal") -> Theme:
    """Show a theme; unknown names give the one delivered."""
    theme = themes().get(name, themes()[DEFAULT])
    size = (
        FONT_SIZES.get(font_size, FONT_SIZES["normal"])
        if isinstance(font_size, str)
        else int(font_size)
    )
    holder = _holder()
    holder.theme, holder.font_size = theme, size
    if app.style() is None or app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    app.setPalette(_palette(theme))
    app.setFont(_font(size))
    app.setStyleSheet(SHEET.format_map({one.name: getattr(theme, one.name) for one in _plain()}))
    holder.changed.emit(theme)
    return theme


def icon(name: str, colour: str = "") -> QtGui.QIcon:
    """Return an icon of the bundled Material Design set in the colours of the theme.

    `name` is one of this module's words (`live`, `record`, …) or a name of that set.
    """
    theme = current()
    found: QtGui.QIcon = _glyphs().icon(
        f"mdi6.{ICONS.get(name, name)}",
        color=colour or theme.text,
        color_disabled=theme.stale,
        color_active=colour or theme.text,
        color_on=colour or theme.on_accent,
        color_on_active=colour or theme.on_accent,
    )
    return found


def dress(widget: QtWidgets.QWidget, sheet: str) -> None:
    """Give a widget its own style sheet, unless it has it: Qt would lay it out again."""
    if widget.styleSheet() != sheet:
        widget.setStyleSheet(sheet)


def style_plot(plot: Any) -> None:
    """Paint a pyqtgraph plot widget, layout or plot item with all its axes."""
    import pyqtgraph

    theme = current()
    if hasattr(plot, "setBackground"):
        plot.setBackground(theme.plot_background)
    item = plot.getPlotItem() if hasattr(plot, "getPlotItem") else plot
    for place in ("left", "right", "top", "bottom"):
        axis = item.getAxis(place) if hasattr(item, "getAxis") else None
        if axis is not None:
            axis.setPen(pyqtgraph.mkPen(theme.border))
            axis.setTextPen(pyqtgraph.mkPen(theme.text))
            axis.setTickFont(_font(max(font_size() - 2, 8)))
            axis.label.setFont(_font(max(font_size() - 1, 9)))
    legend = getattr(item, "legend", None)
    if legend is not None:
        legend.setLabelTextColor(theme.text)
        for _, label in legend.items:
            label.setText(label.text, color=theme.text)


def _plain() -> list[Any]:
    return [one for one in fields(Theme) if one.name != "series"]


def _font(points: int) -> QtGui.QFont:
    font = QtGui.QFont(_family(), points)
    font.setStyleHint(QtGui.QFont.StyleHint.SansSerif)
    return font


@cache
def _glyphs() -> Any:
    """Return the one set of icons that labctl uses; qtawesome by itself loads a dozen."""
    from qtawesome.iconic_font import IconicFont

    found = find_spec("qtawesome")
    folders = (found.submodule_search_locations if found else None) or []
    fonts = Path(next(iter(folders))) / "fonts"
    (font,) = fonts.glob("materialdesignicons6-webfont-[0-9]*.ttf")
    (names,) = fonts.glob("materialdesignicons6-webfont-charmap-[0-9]*.json")
    return IconicFont(("mdi6", font.name, names.name, str(fonts)))


@cache
def _family() -> str:
    """Return the family of the open font that matplotlib brings along, else of the system."""
    found = find_spec("matplotlib")
    for folder in (found.submodule_search_locations or []) if found else []:
        fonts = Path(folder) / "mpl-data" / "fonts" / "ttf"
        for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
            QtGui.QFontDatabase.addApplicationFont(str(fonts / name))
    return FAMILY if FAMILY in QtGui.QFontDatabase.families() else QtGui.QFont().family()


def _palette(theme: Theme) -> QtGui.QPalette:
    role, group = QtGui.QPalette.ColorRole, QtGui.QPalette.ColorGroup
    colours = {
        role.Window: theme.background, role.WindowText: theme.text, role.Base: theme.panel,
        role.AlternateBase: theme.background, role.Text: theme.text, role.Button: theme.raised,
        role.ButtonText: theme.text, role.BrightText: theme.bad, role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent, role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text, role.PlaceholderText: theme.dim, role.Link: theme.accent,
        role.LinkVisited: theme.accent, role.Light: theme.raised, role.Midlight: theme.raised,
        role.Mid: theme.border, role.Dark: theme.border, role.Shadow: theme.background,
        role.Accent: theme.accent,
    }  # fmt: skip
    palette = QtGui.QPalette()
    for one, colour in colours.items():
        palette.setColor(one, QtGui.QColor(colour))
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, one, QtGui.QColor(theme.stale))
    return palette
