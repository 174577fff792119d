"""Keep what happened while nobody was there, for the morning report, and what the sample saw."""

from collections.abc import Iterable, Mapping
from typing import Any, cast, get_args

from labctl.core.clock import Clock
from labctl.core.items import ItemState, QueueItem
from labctl.service.night.events import EventLog, What
from labctl.service.night.ledger import Entry, Ledger
from labctl.service.night.settings import NightSettings
from labctl.service.queue.database import StationDatabase

_KNOWN = frozenset(get_args(What))
_ENDS: Mapping[ItemState, What] = {
    ItemState.FINISHED: "finished",
    ItemState.FAILED: "failed",
    ItemState.ABORTED: "aborted",
    ItemState.QUARANTINED: "quarantined",
    ItemState.SKIPPED: "skipped",
    ItemState.INTERRUPTED: "failed",
}


class Diary:
    """Write events of the night; a night begins with an item and ends when none is left.

    Used by the supervisor's thread only.
    """

    def __init__(self, database: StationDatabase, clock: Clock, station: str) -> None:
        self._database = database
        self._clock = clock
        self._station = station
        self._ledger = Ledger(database, NightSettings().ledger)
        self._log: EventLog | None = None

    def recovered(self, items: Iterable[QueueItem]) -> None:
        """Note what was cut short by the end of the service before."""
        for item in items:
            self.add("recovered", f"{item.state}: {item.reason}", item=item.id)

    def claimed(self, item: QueueItem) -> None:
        """Note that an item begins, or goes on."""
        data = {"estimate_s": item.estimate_s, "points": item.points}
        self.add("claimed", item.summary, item=item.id, data=data)

    def ended(self, item: QueueItem, state: ItemState, reason: str, run: str) -> None:
        """Note how an attempt at an item ended."""
        self.add(_ENDS.get(state, "aborted"), reason, item=item.id, run=run)

    def rest(self, why: str = "nothing is left that may start") -> None:
        """Note that nothing more starts by itself: the night is over."""
        if self._log is not None:
            self.add("night ended", why)
            self._log = None

    def told(self, item: str, message: Mapping[str, Any]) -> None:
        """Keep an event that a worker sent."""
        what = str(message["what"])
        if what in _KNOWN:
            self.add(
                cast("What", what),
                str(message["why"]),
                item=item,
                run=str(message["run"]),
                data=message["data"],
            )

    def entered(self, message: Mapping[str, Any]) -> None:
        """Keep entries of the ledger that a worker sent."""
        self._ledger.add(Entry(**entry) for entry in message["entries"])

    def add(
        self,
        what: What,
        why: str = "",
        *,
        item: str = "",
        run: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep an event; begins a night if none is on."""
        if self._log is None:
            self._log = EventLog(self._database, self._clock)
            words = "goes on after it was cut short" if self._log.goes_on else ""
            self._log.add("night began", words, data={"station": self._station})
        self._log.add(what, why, item=item, run=run, data=data)
