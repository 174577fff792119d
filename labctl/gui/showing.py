"""Show runs in the views: the one that is on by itself, others when people open them."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from qtpy import QtCore

from labctl.client import Event
from labctl.core.status import StationStatus
from labctl.gui.link import Link

if TYPE_CHECKING:
    from labctl.gui.runs.opened import OpenedRun


class Shows(Protocol):
    """Describe what a run is shown by."""

    def views_for(self, run: Mapping[str, Any]) -> list[tuple[str, Callable[[Any], None]]]:
        """Return id and `show_run` of the views that can show a run."""
        ...

    def front(self, ids: list[str]) -> None:
        """Bring one of these views to the front, unless one of them is there."""
        ...


class Showing(QtCore.QObject):
    """Keep the run that the views show.

    A run that begins, or is on when the window comes, is shown from its first point on, without
    taking the view in front away; it does not take the place of one that a person opened.
    """

    opened = QtCore.Signal(object)
    """The run that is shown from now on."""

    def __init__(self, link: Link, shows: Shows, parent: QtCore.QObject) -> None:
        super().__init__(parent)
        self._link = link
        self._shows = shows
        self._by_hand = False
        self._is_told = False
        self._given: set[str] = set()
        self.run: OpenedRun | None = None
        link.event.connect(self._hear)
        link.status_changed.connect(self._follow)

    def open(self, name: str, by_hand: bool = True) -> None:
        """Show a run; by hand it also comes to the front."""
        from labctl.gui.runs.opened import OpenedRun

        if self.run is not None:
            self.run.close()
            self.run.deleteLater()
        self._by_hand, self._is_told = by_hand, False
        self._given = set()
        run = self.run = OpenedRun(self._link, name, self)
        run.changed.connect(lambda: self._tell(run))
        run.complete.connect(lambda: self._tell(run))
        run.failed.connect(lambda reason: self._link.notice.emit("error", f"{name}: {reason}"))

    def show_again(self) -> None:
        """Give the run to views that were made after it was opened."""
        if self.run is not None and self._is_told:
            self._given = set()
            self._give(self.run)

    def _hear(self, event: Event) -> None:
        if event.kind == "run" and "ended" in event.data:
            self._by_hand = False

    def _follow(self, status: StationStatus) -> None:
        name = status.run.name if status.run is not None else ""
        shown = self.run.name if self.run is not None else ""
        if name and name != shown and not self._by_hand:
            self.open(name, by_hand=False)

    def _tell(self, run: "OpenedRun") -> None:
        if run is not self.run or not run.detail:
            return
        ids = self._give(run)
        if not self._is_told:
            self._is_told = True
            if self._by_hand and ids:
                self._shows.front(ids)
            self.opened.emit(run)

    def _give(self, run: "OpenedRun") -> list[str]:
        """Give it to the views that can show it by now: some need a point or two of it."""
        views = self._shows.views_for(run.detail)
        new = [(view_id, show_run) for view_id, show_run in views if view_id not in self._given]
        for view_id, show_run in new:
            self._given.add(view_id)
            show_run(run)
        return [view_id for view_id, _ in views]
