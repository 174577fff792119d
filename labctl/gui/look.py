"""Hold the style sheet that the themes fill in, and the icons by their words."""

from collections.abc import Mapping

# Fusion derives outlines and gradients by lightening, which leaves the red theme's range
SHEET = """
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
  selection-background-color: {accent}; selection-color: {on_accent};
  placeholder-text-color: {dim}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: none; }}
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
Panel {{ border: 1px solid {border}; border-radius: 3px; }}
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

ICONS: Mapping[str, str] = {
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
