"""Know the runs of the station: their lines at once, the rest as it is looked at."""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qtpy import QtCore, QtGui

from labctl.client import Event, Table
from labctl.core.errors import LabctlError
from labctl.gui.link import Link
from labctl.gui.queue.desk import QueueDesk
from labctl.gui.runs.search import Entry
from labctl.gui.runs.thumbnail import draw_thumbnail

PAGE = 1000
AT_ONCE = 2
"""Runs that are looked into side by side: the table comes first."""
MOST_PICTURES = 400
REFRESH_MS = 400


@dataclass(frozen=True, slots=True)
class _Found:
    detail: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    picture: QtGui.QImage | None = None


class RunIndex(QtCore.QObject):
    """Hold entries and thumbnails of all runs, the newest first.

    Signals: `listed` (the list of runs is another one), `learned` (more is known of a run).
    """

    listed = QtCore.Signal()
    learned = QtCore.Signal(str)

    def __init__(self, link: Link, desk: QueueDesk) -> None:
        super().__init__(link)
        self._link, self._desk = link, desk
        self.entries: dict[str, Entry] = {}
        self._pictures: OrderedDict[str, QtGui.QImage] = OrderedDict()
        self._known: dict[str, tuple[Any, ...]] = {}
        self._wanted: deque[str] = deque()
        self._asked: set[str] = set()
        self._timer = QtCore.QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self._list)
        link.event.connect(self._hear)
        link.connected.connect(self.refresh)
        desk.learned.connect(self._learn_units)
        self.refresh()

    def refresh(self) -> None:
        """Look for runs soon."""
        if not self._timer.isActive():
            self._timer.start()

    def picture(self, name: str) -> QtGui.QImage | None:
        """Return the thumbnail of a run, or None if it is not known (yet)."""
        if name in self._pictures:
            self._pictures.move_to_end(name)
        return self._pictures.get(name)

    def want(self, name: str, *, now: bool = False) -> None:
        """Look into a run; what was asked for last is looked into first."""
        if name not in self.entries or name in self._asked:
            return
        if not now and self._known.get(name) == _age(self.entries[name].line):
            return
        if name in self._wanted:
            self._wanted.remove(name)
        self._wanted.append(name)
        self._go_on()

    def want_all(self) -> None:
        """Look into all runs, because a search asks for what only their records tell."""
        for name in reversed(list(self.entries)):
            if self._known.get(name) != _age(self.entries[name].line):
                self._wanted.appendleft(name)
        self._go_on()

    @property
    def unknown(self) -> int:
        """Return how many runs were not looked into."""
        return sum(not entry.detail for entry in self.entries.values())

    def note(self, name: str, text: str, tags: Sequence[str], rating: int) -> None:
        """Keep notes on a run, beside its record."""

        def done(notes: Mapping[str, Any]) -> None:
            self._merge(name, notes=notes)

        self._link.ask(lambda table: table.set_notes(name, text, tags, rating), done)

    # ---- the list

    def _hear(self, event: Event) -> None:
        if event.kind in ("run", "resync"):
            self.refresh()

    def _list(self) -> None:
        self._link.ask(lambda table: table.runs(PAGE), self._take, lambda _: None)

    def _take(self, lines: Sequence[Mapping[str, Any]]) -> None:
        before = self.entries
        self.entries = {}
        for line in lines:
            name = str(line["run"])
            old = before.get(name)
            self.entries[name] = (
                Entry(line, units=self._units(line))
                if old is None
                else Entry(line, old.detail, old.notes, old.units)
            )
        if list(before) != list(self.entries):
            self.listed.emit()
        for name, entry in self.entries.items():
            if name in before and before[name].line != entry.line:
                self.learned.emit(name)

    def _units(self, line: Mapping[str, Any]) -> dict[str, str]:
        procedure = self._desk.procedures.get(str(line.get("procedure", "")))
        return {one.name: one.unit for one in procedure.parameters} if procedure else {}

    def _learn_units(self) -> None:
        self.entries = {
            name: Entry(entry.line, entry.detail, entry.notes, self._units(entry.line))
            for name, entry in self.entries.items()
        }

    # ---- looking into runs

    def _go_on(self) -> None:
        while self._wanted and len(self._asked) < AT_ONCE:
            name = self._wanted.pop()
            if name not in self.entries or name in self._asked:
                continue
            self._asked.add(name)
            age = _age(self.entries[name].line)

            def done(found: _Found, name: str = name, age: tuple[Any, ...] = age) -> None:
                self._asked.discard(name)
                self._known[name] = age
                self._keep_picture(name, found.picture)
                self._merge(name, found.detail, found.notes)
                self._go_on()

            def failed(_: LabctlError, name: str = name, age: tuple[Any, ...] = age) -> None:
                self._asked.discard(name)
                self._known[name] = age
                self._go_on()

            self._link.ask(partial(_look, name=name), done, failed)

    def _keep_picture(self, name: str, picture: QtGui.QImage | None) -> None:
        if picture is not None:
            self._pictures[name] = picture
            while len(self._pictures) > MOST_PICTURES:
                self._pictures.popitem(last=False)

    def _merge(
        self,
        name: str,
        detail: Mapping[str, Any] | None = None,
        notes: Mapping[str, Any] | None = None,
    ) -> None:
        old = self.entries.get(name)
        if old is not None:
            self.entries[name] = Entry(
                old.line,
                old.detail if detail is None else detail,
                old.notes if notes is None else notes,
                old.units,
            )
            self.learned.emit(name)


def _look(table: Table, name: str) -> _Found:
    run = table.run(name)
    picture = None
    try:
        with run.open() as reader:
            picture = draw_thumbnail(reader)
    except LabctlError:
        # a run on another machine, or a damaged one, has no picture but all the rest
        picture = None
    return _Found(run.detail, table.notes(name), picture)


def _age(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells whether a run has changed since it was looked into."""
    return (line.get("state"), line.get("points"))
