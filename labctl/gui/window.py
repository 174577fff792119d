"""Put the window together: safety bar, docks around the views, banners, status bar."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.actions import Actions
from labctl.gui.banner import Banners
from labctl.gui.closing import Closing
from labctl.gui.context import Context
from labctl.gui.dock_title import DockTitle
from labctl.gui.docks import Dock, load_docks
from labctl.gui.exposing import Exposing
from labctl.gui.late import Idle, Late, Scrolled
from labctl.gui.layouts import Layouts
from labctl.gui.link import Link
from labctl.gui.live_bar import LiveBar
from labctl.gui.menus import Menus
from labctl.gui.safety_bar import SafetyBar
from labctl.gui.showing import Showing
from labctl.gui.state import State
from labctl.gui.status_line import StatusLine
from labctl.gui.views import load_views

LEAST = QtCore.QSize(1366, 768)
"""Everything fits on a screen of this size."""
AFTER_PAINT_MS = 10
BOTTOM_PX, LEFT_PX = 230, 365
LOST_KEY = "connection"
_AREAS = {
    "left": QtCore.Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": QtCore.Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": QtCore.Qt.DockWidgetArea.BottomDockWidgetArea,
}


class MainWindow(QtWidgets.QMainWindow):
    """Hold all that a person sees of a table.

    The window is a client: closing or killing it touches no run.

    Attributes
    ----------
    context
        What docks and views were given.
    idle
        Makes the parts that are not seen at first; `fill` makes them now.
    """

    def __init__(self, link: Link, state: State) -> None:
        super().__init__()
        self.link, self.state = link, state
        self.registry = Actions(self)
        self.exposing = Exposing(link, state)
        self.context = Context(
            link, state, self.registry, self.exposing, self.open_run, self.show_view, self.show_dock
        )
        self.banners = Banners()
        self.tabs = QtWidgets.QTabWidget()
        self.tabs.setDocumentMode(True)
        # a banner takes its room from the view, and does not push the window off the screen
        self.tabs.setMinimumSize(640, 340)
        self.tabs.setAccessibleName("Views")
        self.docks: dict[str, QtWidgets.QDockWidget] = {}
        self._views: dict[str, tuple[type[Any], Late]] = {}
        self.idle = Idle(self)
        self.safety_bar = SafetyBar(link, self.registry, self)
        self.live_bar = LiveBar(self.context, self)
        self.status_line = StatusLine(self.context, self)
        self.showing = Showing(link, self, self)
        self._build()
        self.layouts = Layouts(self, state, self.registry)
        self.closing = Closing(self, link, self.registry)
        self.menus = Menus(self)
        self._connect()
        self.layouts.restore()

    # ---- parts

    @property
    def view_ids(self) -> list[str]:
        """Return the ids of the views, in the order of their tabs."""
        return list(self._views)

    def view(self, view_id: str) -> QtWidgets.QWidget:
        """Return a view; raises `KeyError` if there is none of that id."""
        return self._views[view_id][1].fill()

    def dock(self, dock_id: str) -> QtWidgets.QWidget:
        """Return what is in a dock; raises `KeyError` if there is none of that id."""
        late = self.docks[dock_id].findChild(Late)
        if not isinstance(late, Late):
            raise KeyError(dock_id)
        return late.fill()

    def show_view(self, view_id: str) -> None:
        """Bring a view to the front."""
        self.tabs.setCurrentWidget(self._views[view_id][1])

    def show_dock(self, dock_id: str) -> None:
        """Bring a dock to the front."""
        self.docks[dock_id].show()
        self.docks[dock_id].raise_()

    def open_run(self, name: str) -> None:
        """Show a run in every view that can show it."""
        self.showing.open(name)

    def views_for(self, run: Mapping[str, Any]) -> list[tuple[str, Callable[[Any], None]]]:
        """Return id and `show_run` of the views that can show a run."""
        found = []
        for view_id, (kind, late) in self._views.items():
            if hasattr(kind, "show_run") and kind.accepts(run):
                show_run: Callable[[Any], None] = getattr(late.fill(), "show_run")  # noqa: B009
                found.append((view_id, show_run))
        return found

    def front(self, ids: list[str]) -> None:
        """Bring one of these views to the front, unless one of them is there."""
        if self.tabs.currentWidget() not in [self._views[one][1] for one in ids]:
            self.show_view(ids[0])

    # ---- as Qt calls it

    def showEvent(self, event: QtGui.QShowEvent) -> None:  # noqa: N802
        """Make what is not seen after the window was painted."""
        super().showEvent(event)
        self.safety_bar.escape.watch(self.windowHandle())
        if not self.idle.has_begun:
            QtCore.QTimer.singleShot(AFTER_PAINT_MS, self._fill)

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802
        """Close, or ask first what is to become of the run."""
        if self.closing.may_close():
            self.layouts.keep()
            self.state.flush()
            self.link.close()
            event.accept()
        else:
            event.ignore()

    def createPopupMenu(self) -> QtWidgets.QMenu | None:  # noqa: N802
        """Return no menu: the bars stay where they are."""
        return None

    # ---- inside

    def _build(self) -> None:
        self.setObjectName("main_window")
        self.setWindowTitle("labctl")
        self.addToolBar(QtCore.Qt.ToolBarArea.TopToolBarArea, self.safety_bar)
        centre = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(centre)
        layout.setContentsMargins(2, 2, 2, 0)
        layout.setSpacing(2)
        layout.addWidget(self.banners)
        layout.addWidget(self.tabs, 1)
        self.setCentralWidget(centre)
        self.tabs.setCornerWidget(self.live_bar, QtCore.Qt.Corner.TopRightCorner)
        self.setStatusBar(self.status_line)
        for kind in load_views():
            self._add_view(kind)
        self._add_docks(load_docks())

    def _add_view(self, kind: type[Any]) -> None:
        late = Late(lambda: kind(self.context), self._is_painted)
        self._views[kind.id] = kind, late
        self.tabs.addTab(late, kind.title)
        self.tabs.setTabToolTip(self.tabs.count() - 1, f"{kind.title} ({kind.shortcut})")
        self.registry.add(
            f"view.{kind.id}",
            kind.title,
            lambda: self.show_view(kind.id),
            kind.shortcut or None,
            tooltip=f"Show {kind.title.lower()}",
            menu="View",
        )

    def _add_docks(self, docks: Sequence[Dock]) -> None:
        self.setDockOptions(
            QtWidgets.QMainWindow.DockOption.AllowTabbedDocks
            | QtWidgets.QMainWindow.DockOption.AllowNestedDocks
        )
        self.setCorner(QtCore.Qt.Corner.BottomLeftCorner, _AREAS["left"])
        self.setTabPosition(_AREAS["left"], QtWidgets.QTabWidget.TabPosition.North)
        self.setTabPosition(_AREAS["bottom"], QtWidgets.QTabWidget.TabPosition.North)
        groups: dict[str, QtWidgets.QDockWidget] = {}
        for dock in docks:
            widget = self._make_dock(dock)
            if dock.tab_group and dock.tab_group in groups:
                self.tabifyDockWidget(groups[dock.tab_group], widget)
            else:
                self.addDockWidget(_AREAS[dock.area], widget)
                groups[dock.tab_group or dock.id] = widget
            if dock.hidden:
                widget.hide()
        for first in groups.values():
            first.raise_()
        bottom = [one for one in groups.values() if self.dockWidgetArea(one) == _AREAS["bottom"]]
        self.resizeDocks(bottom, [BOTTOM_PX] * len(bottom), QtCore.Qt.Orientation.Vertical)

    def _make_dock(self, dock: Dock) -> QtWidgets.QDockWidget:
        late = Late(lambda: dock.make(self.context), self._is_painted)
        widget = QtWidgets.QDockWidget(dock.title, self)
        widget.setObjectName(dock.id)
        widget.setAccessibleName(dock.title)
        widget.setTitleBarWidget(DockTitle(widget))
        widget.setWidget(Scrolled(late, across=dock.area == "bottom"))
        self.docks[dock.id] = widget
        self.registry.add(
            f"dock.{dock.id}",
            dock.title,
            lambda: self.show_dock(dock.id),
            tooltip=f"Show {dock.title.lower()}",
            menu="View",
        )
        return widget

    def _connect(self) -> None:
        self.link.lost.connect(self._show_lost)
        self.link.connected.connect(self._show_connected)
        self.link.notice.connect(self._tell)
        self.idle.done.connect(self.showing.show_again)
        theme.changed().connect(self._widen)
        self._widen()
        if self.state.problem:
            self.banners.tell("warning", self.state.problem)

    def _widen(self) -> None:
        """Give the docks on the left the width that the letters take."""
        wanted = round(LEFT_PX * theme.font_size() / theme.FONT_SIZES["normal"])
        left = [one for one in self.docks.values() if self.dockWidgetArea(one) == _AREAS["left"]]
        narrow = [one for one in left if one.width() < wanted]
        self.resizeDocks(narrow, [wanted] * len(narrow), QtCore.Qt.Orientation.Horizontal)

    def _fill(self) -> None:
        if not self.idle.has_begun:
            self.idle.fill(self._parts())

    def fill(self) -> None:
        """Make every part now."""
        self.idle.finish(self._parts())

    def _parts(self) -> list[Late]:
        """Return all parts, those that are seen first."""
        views = [late for _, late in self._views.values()]
        found = [dock.findChild(Late) for dock in self.docks.values()]
        docks = [late for late in found if isinstance(late, Late)]
        return sorted([*views, *docks], key=lambda late: not late.isVisible())

    def _is_painted(self) -> bool:
        return self.idle.has_begun

    def _tell(self, level: str, text: str) -> None:
        if level == "info":
            self.status_line.showMessage(text, 5000)
        else:
            self.banners.tell(level, text)

    def _show_lost(self, reason: str) -> None:
        self.banners.tell(
            "error",
            f"No connection to the service: {reason}. Beams are unknown and values are old; the "
            "service goes on by itself if it lives, and the window connects again.",
            LOST_KEY,
        )

    def _show_connected(self) -> None:
        self.banners.clear(LOST_KEY)
