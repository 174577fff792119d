"""Run an item as the night does: with conditions that suspend it, a dose meter, and reasons told.

The service alone writes the station database: what the parts of the night would write to it is
sent there as events.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, cast

from labctl.core.errors import LabctlError
from labctl.core.items import ItemState, QueueItem
from labctl.engine import Control, Observer
from labctl.service.daemon.wire import Outbox
from labctl.service.night.attempt import Attempt, Ended
from labctl.service.night.events import What
from labctl.service.night.ledger import Entry, Ledger
from labctl.service.night.meter import DoseMeter
from labctl.service.night.restoration import Restoration
from labctl.service.night.settings import NightSettings
from labctl.service.night.suspension import Suspension
from labctl.service.places import RESULT_FILE, find_run
from labctl.service.queue.queue import Queue
from labctl.service.session import Session

MOST_TEMPERATURES = 40
LONGEST_REASON = 2000
_QUIET = frozenset({"waited", "sentinel", "resumed"})


class AttendedRun:
    """Make one attempt at an item, on a table that is open."""

    def __init__(
        self,
        session: Session,
        out: Outbox,
        control: Control,
        observer: Observer,
        rest: Callable[[], None],
    ) -> None:
        self._session = session
        self._out = out
        self._rest = rest
        settings = NightSettings()
        meter = DoseMeter(session.station, cast("Ledger", _SentLedger(out)))
        meter.install()
        restoration = Restoration(session, settings, self._tell, control)
        self._attempt = Attempt(
            session,
            cast("Queue", _SentQueue(out)),
            settings,
            self._tell,
            restoration,
            Suspension(session, settings, self._tell, restoration),
            meter,
            observer,
            control,
        )

    def conduct(self, item: QueueItem, run: str) -> None:
        """Run an item, or go on with `run`, and send how it ended."""
        ended = self._attempt.once(item, run)
        self._out.send("ended", **self._fields(ended))

    def _fields(self, ended: Ended) -> Mapping[str, Any]:
        return {
            "run": ended.run,
            "state": ended.state.value,
            "points": ended.points,
            "reason": ended.reason[:LONGEST_REASON],
            "hopeless": ended.hopeless,
            "error": ended.details.get("error", ""),
            "remedy": str(ended.details.get("remedy", ""))[:LONGEST_REASON],
            "temperatures": self._temperatures(ended.run),
        }

    def _temperatures(self, run: str) -> list[Any]:
        if not run:
            return []
        with contextlib.suppress(LabctlError, OSError, ValueError, AttributeError):
            path = find_run(run, self._session.output) / RESULT_FILE
            found = json.loads(path.read_text(encoding="utf-8")).get("temperatures", [])
            return list(found)[:MOST_TEMPERATURES]
        return []

    def _tell(self, what: What, why: str = "", **data: object) -> None:
        if what in _QUIET:
            # nothing is done at the table until the next step, which may be hours away
            self._rest()
        # the item is the one in hand, and the service knows which
        data.pop("item", None)
        run = str(data.pop("run", ""))
        plain = json.loads(json.dumps(data, default=str))
        self._out.send("night", what=what, why=why[:LONGEST_REASON], run=run, data=plain)


class _SentLedger:
    """Send entries to the service, in place of a ledger."""

    def __init__(self, out: Outbox) -> None:
        self._out = out

    def add(self, entries: Iterable[Entry]) -> None:
        self._out.send("ledger", entries=[asdict(entry) for entry in entries])

    def warnings(self, _planned_j: Mapping[str, Mapping[str, float]]) -> list[str]:
        return []


class _SentQueue:
    """Send the states of the item to the service, in place of a queue."""

    def __init__(self, out: Outbox) -> None:
        self._out = out

    def attach_run(self, _item: str, _run: str) -> None:
        """Do nothing: the service learns it from the start of the run."""

    def change_state(self, _item: str, state: ItemState) -> None:
        self._out.send("item", state=state.value)
