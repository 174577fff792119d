"""Colour the window: light, dark, and red for eyes that are adapted to the dark.

Fusion with an explicit palette: `QStyleHints.setColorScheme` does not reach every platform. In
red no pixel has more than 60 of 255 in green or blue, so that rod vision is spared.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets
from qtpy.compat import isalive

FONT_SIZES: Mapping[str, int] = {"small": 9, "normal": 10, "large": 12}
"""Points by name. The names stand in the menu."""
DEFAULT = "dark"
FAMILY = "DejaVu Sans"


@dataclass(frozen=True, slots=True)
class Theme:
    """Hold colours by what they mean, as `#rrggbb`.

    Text on `background` and on `panel` has a contrast of at least 4.5:1 (WCAG 2.1, 1.4.3), and
    so has `on_bad` on `bad`. A state is never told by its colour alone.
    """

    name: str
    background: str
    panel: str
    raised: str
    border: str
    text: str
    dim: str
    accent: str
    on_accent: str
    ok: str
    warning: str
    bad: str
    on_bad: str
    stale: str
    beam: str
    pending: str
    stokes: str
    anti_stokes: str
    plot_background: str
    grid: str
    series: tuple[str, ...]


_LIGHT = Theme(
    name="light", background="#f4f5f7", panel="#ffffff", raised="#e4e7eb", border="#b4bac2",
    text="#14181d", dim="#525b66", accent="#0b5cad", on_accent="#ffffff", ok="#15692f",
    warning="#8a4b00", bad="#b3141d", on_bad="#ffffff", stale="#636b75", beam="#b3141d",
    pending="#fff0c2", stokes="#0b5cad", anti_stokes="#a13a00", plot_background="#ffffff",
    grid="#c9ced6",
    series=("#0b5cad", "#b34700", "#15692f", "#8b1f8f", "#7a5c00", "#00707c", "#a8193d"),
)  # fmt: skip
_DARK = Theme(
    name="dark", background="#16191d", panel="#1e2227", raised="#2b3138", border="#454d57",
    text="#e2e6ea", dim="#9aa5b1", accent="#5fb0ff", on_accent="#0a1118", ok="#63d384",
    warning="#f2b54a", bad="#ff6b6b", on_bad="#1a0505", stale="#8e98a4", beam="#ff6b6b",
    pending="#4a3d16", stokes="#5fb0ff", anti_stokes="#ff9f5a", plot_background="#101215",
    grid="#3b424b",
    series=("#5fb0ff", "#ff9f5a", "#63d384", "#d58bff", "#f2d04a", "#4fd8e0", "#ff7f9d"),
)  # fmt: skip
_RED = Theme(
    name="red", background="#0c0000", panel="#140000", raised="#2a0505", border="#6a1414",
    text="#ff3c3c", dim="#e03434", accent="#ff3c3c", on_accent="#0c0000", ok="#ff3c3c",
    warning="#ff3c3c", bad="#ff3c3c", on_bad="#0c0000", stale="#e03434", beam="#ff3c3c",
    pending="#3c0808", stokes="#ff3c3c", anti_stokes="#e63636", plot_background="#080000",
    grid="#501010",
    series=("#ff3c3c", "#c83232", "#ff3c3c", "#a02828", "#ff3c3c", "#c83232", "#e63636"),
)  # fmt: skip


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
        self.theme = _DARK
        self.font_size = FONT_SIZES["normal"]


@cache
def _holder() -> _Holder:
    return _Holder()


def themes() -> Mapping[str, Theme]:
    """Return the themes by name."""
    return {theme.name: theme for theme in (_LIGHT, _DARK, _RED)}


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
    app.setStyleSheet(_SHEET.format_map({one.name: getattr(theme, one.name) for one in _plain()}))
    holder.changed.emit(theme)
    return theme


def icon(name: str, colour: str = "") -> QtGui.QIcon:
    """Return an icon of the bundled Material Design set in the colours of the theme.

    `name` is one of this module's words (`live`, `record`, …) or a name of that set.
    """
    theme = current()
    found: QtGui.QIcon = _glyphs().icon(
        f"mdi6.{_ICONS.get(name, name)}",
        color=colour or theme.text,
        color_disabled=theme.border,
        color_active=colour or theme.text,
    )
    return found


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


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.1, relative luminance)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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


# Fusion derives outlines and gradients by lightening, which leaves the red theme's range
_SHEET = """
QToolTip {{ color: {text}; background: {raised}; border: 1px solid {border}; padding: 3px; }}
QMainWindow::separator {{ background: {border}; width: 3px; height: 3px; }}
QDockWidget::title {{ background: {raised}; padding: 2px 4px; }}
QPushButton, QToolButton {{ color: {text}; background: {raised}; border: 1px solid {border};
  border-radius: 3px; padding: 3px 8px; }}
QToolButton {{ padding: 3px 5px; }}
QPushButton:hover, QToolButton:hover {{ border-color: {accent}; }}
QPushButton:focus, QToolButton:focus {{ border: 2px solid {accent}; padding: 2px 7px; }}
QToolButton:focus {{ padding: 2px 4px; }}
QPushButton:pressed, QToolButton:pressed, QPushButton:checked, QToolButton:checked {{
  background: {accent}; color: {on_accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {stale}; background: {background}; }}
QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{ color: {text};
  background: {panel}; border: 1px solid {border}; border-radius: 3px; padding: 2px 4px;
  selection-background-color: {accent}; selection-color: {on_accent}; }}
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {{ border-color: {accent}; }}
QLineEdit[refused="true"], QAbstractSpinBox[refused="true"] {{ border: 2px solid {bad}; }}
QLineEdit[pending="true"], QAbstractSpinBox[pending="true"] {{ background: {pending}; }}
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {{ color: {stale};
  background: {background}; }}
QTabWidget::pane {{ border: 1px solid {border}; }}
QTabBar::tab {{ color: {dim}; background: {background}; border: 1px solid {border};
  padding: 4px 10px; }}
QTabBar::tab:selected {{ color: {text}; background: {raised}; border-bottom: 2px solid {accent}; }}
QHeaderView::section {{ color: {text}; background: {raised}; border: 1px solid {border};
  padding: 3px; }}
QTableView, QTreeView, QListView {{ color: {text}; background: {panel};
  alternate-background-color: {background}; gridline-color: {border};
  border: 1px solid {border}; selection-background-color: {accent};
  selection-color: {on_accent}; }}
QProgressBar {{ color: {text}; background: {panel}; border: 1px solid {border};
  text-align: center; }}
QProgressBar::chunk {{ background: {raised}; }}
QMenu, QMenuBar {{ color: {text}; background: {background}; }}
QMenuBar, QToolBar {{ border: none; }}
QMenu {{ border: 1px solid {border}; }}
QMenu::item:selected, QMenuBar::item:selected {{ color: {on_accent}; background: {accent}; }}
QMenu::item:disabled {{ color: {stale}; }}
QMenu::separator {{ background: {border}; height: 1px; margin: 3px; }}
QGroupBox {{ border: 1px solid {border}; border-radius: 3px; margin-top: 1.2em; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 8px; color: {dim}; }}
QCheckBox::indicator, QRadioButton::indicator, QMenu::indicator {{ width: 12px; height: 12px;
  border: 1px solid {dim}; background: {panel}; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked, QMenu::indicator:checked {{
  background: {accent}; }}
QRadioButton::indicator {{ border-radius: 6px; }}
QScrollBar {{ background: {background}; }}
QScrollBar:vertical {{ width: 12px; }}
QScrollBar:horizontal {{ height: 12px; }}
QScrollBar::handle {{ background: {border}; border-radius: 4px; min-height: 24px;
  min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: {background}; }}
QSplitter::handle {{ background: {border}; }}
QStatusBar::item {{ border: none; }}
"""

_ICONS: Mapping[str, str] = {
    "live": "play-circle-outline", "snap": "camera", "record": "record-circle", "stop": "stop",
    "pause": "pause", "continue": "play", "start": "play", "abort": "alert-octagon",
    "laser": "laser-pointer", "beam_on": "alert", "beam_off": "circle-off-outline",
    "unknown": "help-circle", "ok": "check-circle-outline", "warning": "alert-outline",
    "error": "alert-octagon-outline", "info": "information-outline", "close": "close",
    "interlock": "shield-check", "interlock_open": "shield-alert", "simulated": "flask-outline",
    "add": "plus", "edit": "pencil", "duplicate": "content-copy", "remove": "delete-outline",
    "up": "arrow-up", "down": "arrow-down", "undo": "undo", "open": "folder-open-outline",
    "save": "content-save-outline", "search": "magnify", "compare": "compare",
    "export": "export", "settings": "cog-outline", "theme": "theme-light-dark", "home": "home",
    "list": "format-list-bulleted", "pin": "pin", "freeze": "snowflake", "reset": "fit-to-page",
    "cursor": "crosshairs", "temperature": "thermometer", "spectrum": "chart-bell-curve",
    "image": "image", "map": "map", "trend": "chart-line", "waterfall": "chart-waterfall",
    "bell": "bell-outline", "help": "keyboard-outline", "float": "dock-window",
    "console": "console", "copy": "content-copy", "wizard": "auto-fix",
    "jog_left": "arrow-left", "jog_right": "arrow-right",
}  # fmt: skip
