"""Stand between the queue of the service and everything in the window that edits it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from qtpy import QtCore

from labctl.client import Table
from labctl.client.files import add_queue_file, save_queue_file
from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError
from labctl.core.items import ItemState, QueueItem
from labctl.core.status import StationStatus
from labctl.core.units import parse_quantity
from labctl.gui.link import Link
from labctl.gui.plural import counted
from labctl.gui.queue.model import Snapshot
from labctl.gui.queue.parameters import Procedure, known_names

T = TypeVar("T")
Failed = Callable[[LabctlError], None]

SHORTEST_MS, LONGEST_MS = 150, 2000
CARE = 4
"""A queue that takes long to fetch is fetched so many times less often."""
LANE = "queue"
END_PROCEDURE = "warm_up"
END_LABEL = "end of queue"


class QueueDesk(QtCore.QObject):
    """Know the queue and the procedures, and give orders; one for each window.

    Signals: `shown` (a `Snapshot` of the items), `learned` (the procedures are known), and
    `wanted` (procedure, parameters, label, id of the item to change or "": fill in the form).
    """

    shown = QtCore.Signal(object)
    learned = QtCore.Signal()
    wanted = QtCore.Signal(str, object, str, str)

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self.setObjectName("queue_desk")
        self.link = link
        self.snapshot = Snapshot()
        self.procedures: dict[str, Procedure] = {}
        self._wall = RealClock()
        self._is_asking = False
        self._revision = -1
        self._timer = QtCore.QTimer(self, singleShot=True, interval=SHORTEST_MS)
        self._timer.timeout.connect(self._fetch)
        link.status_changed.connect(self._follow)
        link.connected.connect(self.learn)
        link.connected.connect(self.refresh)
        link.described.connect(lambda _: self.learn())
        link.event.connect(self._hear)
        if link.status is not None:
            self.learn()
            self.refresh()

    # ---- what is

    def learn(self) -> None:
        """Ask which procedures there are."""
        self.link.ask(_procedures, self._learn, lambda _: None)

    def refresh(self) -> None:
        """Fetch the items soon."""
        if not self._timer.isActive():
            self._timer.start()

    @property
    def waiting(self) -> list[QueueItem]:
        """Return the items that wait, in order."""
        return [item for item in self.snapshot.items if item.state is ItemState.WAITING]

    @property
    def end_item(self) -> QueueItem | None:
        """Return the item that ends the queue, if one was chosen."""
        waiting = self.waiting
        is_end = waiting and waiting[-1].procedure == END_PROCEDURE
        return waiting[-1] if is_end and waiting[-1].label == END_LABEL else None

    def place(self) -> int | None:
        """Return where new items go: before the end action; None for the end of the queue."""
        return None if self.end_item is None else len(self.waiting) - 1

    def _learn(self, found: Sequence[Mapping[str, Any]]) -> None:
        names = known_names(self.link.description)
        described = [Procedure.of(one, names) for one in found]
        self.procedures = {one.name: one for one in described}
        self.learned.emit()

    def _follow(self, status: StationStatus) -> None:
        if status.queue.revision != self._revision:
            self.refresh()

    def _hear(self, event: Any) -> None:
        if event.kind in ("queue", "run", "resync"):
            self.refresh()

    def _fetch(self) -> None:
        if self._is_asking:
            self._timer.start()
            return
        self._is_asking = True
        begun_s = self._wall.monotonic_s()

        def show(found: Snapshot) -> None:
            took_s = self._wall.monotonic_s() - begun_s
            pause_ms = round(1000 * CARE * took_s)
            self._timer.setInterval(min(max(SHORTEST_MS, pause_ms), LONGEST_MS))
            self._is_asking = False
            self._revision = found.revision
            self.snapshot = found
            self.shown.emit(found)

        def fail(_: LabctlError) -> None:
            self._is_asking = False

        self.link.ask(_snapshot, show, fail)

    # ---- what is to be

    def do(
        self,
        work: Callable[[Table], T],
        done: Callable[[T], None] | None = None,
        failed: Failed | None = None,
        *,
        lane: str = LANE,
    ) -> None:
        """Give an order to the service and look at the queue afterwards."""

        def finish(result: T) -> None:
            self.refresh()
            if done is not None:
                done(result)

        def fail(error: LabctlError) -> None:
            self.refresh()
            if failed is not None:
                failed(error)
            else:
                self.link.notice.emit("error", _told(error))

        # in one lane: edits arrive in the order in which they were made
        self.link.ask(work, finish, fail, lane=lane)

    def ask_form(self, item: QueueItem) -> None:
        """Let the form change an item."""
        self.wanted.emit(item.procedure, dict(item.parameters), item.label, item.id)

    def load(self, procedure: str, parameters: Mapping[str, Any], label: str) -> None:
        """Let the form show parameters, as for a new item."""
        self.wanted.emit(procedure, dict(parameters), label, "")

    def move(self, ids: Sequence[str], to: int) -> None:
        """Move waiting items in front of the waiting item of a number, counted without them."""
        waiting = {item.id for item in self.waiting}
        moving = [one for one in ids if one in waiting]
        if moving:
            self.do(lambda table: table.queue.move(moving, to))

    def step(self, ids: Sequence[str], by: int) -> None:
        """Move waiting items up (-1) or down (1) by one place; quick repeats add up."""

        def work(table: Table) -> None:
            # as the queue is then, not as it is shown now
            order = [item.id for item in table.queue.list((ItemState.WAITING,))]
            moving = [one for one in order if one in ids]
            if moving:
                table.queue.move(moving, max(order.index(moving[0]) + by, 0))

        self.do(work)

    def remove(self, ids: Sequence[str]) -> None:
        """Remove items that do not run."""
        if ids:
            self.do(lambda table: table.queue.remove(list(ids)), self._removed)

    def open_file(self, path: Path) -> None:
        """Add the items of a queue file."""
        self.do(
            lambda table: add_queue_file(table, path),
            lambda jobs: self._say(f"{counted(len(jobs), 'item')} added from {path.name}"),
        )

    def save_file(self, path: Path) -> None:
        """Write what waits to a queue file."""
        kept = [item for item in self.snapshot.items
                if item.state in (ItemState.WAITING, ItemState.QUARANTINED)]  # fmt: skip
        self.do(
            lambda _: save_queue_file(path, kept),
            lambda file: self._say(f"{counted(len(kept), 'item')} saved to {file}"),
        )

    def _removed(self, items: Sequence[QueueItem]) -> None:
        what = items[0].procedure or "a pause" if len(items) == 1 else counted(len(items), "item")
        self._say(f"removed {what}; Ctrl+Z undoes it")

    def _say(self, text: str) -> None:
        self.link.notice.emit("info", text)


def desk_of(link: Link) -> QueueDesk:
    """Return the desk of a window; it is made when it is first asked for."""
    found = link.findChild(QueueDesk, "queue_desk")
    return found if isinstance(found, QueueDesk) else QueueDesk(link)


def _procedures(table: Table) -> Sequence[Mapping[str, Any]]:
    # the first quantity that is read takes half a second: not while somebody types it
    parse_quantity("1 uW", "W")
    return table.procedures()


def _snapshot(table: Table) -> Snapshot:
    # the revision first: what changes meanwhile makes another look
    revision = table.status().queue.revision
    return Snapshot.of(table.queue.list(), revision)


def _told(error: LabctlError) -> str:
    return f"{error.message}: {error.remedy}" if error.remedy else error.message
