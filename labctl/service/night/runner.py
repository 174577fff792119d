"""Run a whole queue in this process, with nobody there, and say in the morning what happened."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from labctl.core.errors import PartialData, RunAborted, SafetyError
from labctl.core.items import ItemState, QueueItem
from labctl.engine import Control, Observer
from labctl.service.night.attempt import Attempt, Ended
from labctl.service.night.events import EventLog, What
from labctl.service.night.ledger import Ledger
from labctl.service.night.meter import DoseMeter
from labctl.service.night.restoration import Restoration
from labctl.service.night.settings import NightSettings
from labctl.service.night.suspension import Suspension
from labctl.service.queue.queue import Queue
from labctl.service.session import Session

Notify = Callable[[str, str], None]
"""Tell people something: `notify(title, text)`."""

SAFE_AGAIN_S = 10.0
LONGEST_BACK_OFF_S = 3600.0


@dataclass(frozen=True, slots=True)
class Night:
    """Hold how a night ended. `unconfirmed` is what may not be safe, one sentence each."""

    night: str
    items: tuple[QueueItem, ...]
    unconfirmed: tuple[str, ...] = ()
    ended_by: str = ""

    def check(self) -> None:
        """Return if every item that was begun has finished.

        Raises
        ------
        SafetyError
            If the table is not known to be safe.
        PartialData
            If an item failed, or was skipped, aborted or interrupted.
        """
        if self.unconfirmed:
            raise SafetyError(
                f"the table is not known to be safe: {'; '.join(self.unconfirmed)}",
                remedy="look at the table: close the shutters and switch the lasers off by hand",
            )
        bad = [item for item in self.items if item.state is not ItemState.FINISHED]
        if bad:
            raise PartialData(
                f"{len(bad)} of {len(self.items)} items did not finish: "
                + "; ".join(f"{item.summary}: {item.state}" for item in bad[:3]),
                remedy="the morning report says why, and what to do",
            )


class QueueRunner:
    """Carry out the items of a queue one after the other, by their conditions and policies.

    Every decision is an event in the station database, with its time and its reason.

    Parameters
    ----------
    session
        The open table.
    queue
        The queue; a hold on it is lifted, because a person has asked for it to run.
    notify
        Called when a person should know something; may fail.
    observer
        Gets the events of every run.
    control
        Stops and aborts; a stop ends the night after the point being measured.
    """

    def __init__(
        self,
        session: Session,
        queue: Queue,
        *,
        settings: NightSettings | None = None,
        notify: Notify | None = None,
        observer: Observer | None = None,
        control: Control | None = None,
    ) -> None:
        self._session = session
        self._queue = queue
        self._settings = settings or NightSettings()
        self._notify = notify
        self._control = control or Control()
        self._clock = session.station.clock
        self.log = EventLog(queue.database, self._clock)
        self.ledger = Ledger(queue.database, self._settings.ledger)
        meter = DoseMeter(session.station, self.ledger)
        meter.install()
        self._restoration = Restoration(session, self._settings, self._tell, self._control)
        suspension = Suspension(session, self._settings, self._tell, self._restoration)
        self._attempt = Attempt(
            session, queue, self._settings, self._tell, self._restoration, suspension, meter,
            observer, self._control,
        )  # fmt: skip
        self._known: dict[str, ItemState] = {}
        self._item = ""
        self._done: list[str] = []
        self._ended_by = ""

    def run(self) -> Night:
        """Run until nothing may start any more, then make sure that the table is safe.

        Raises
        ------
        StorageError
            If the station database cannot be written; the table has been made safe.
        """
        unconfirmed: list[str] = []
        try:
            self._begin()
            while (item := self._next()) is not None and self._carry_out(item):
                pass
        except RunAborted as error:
            self._ended_by = error.message
        finally:
            unconfirmed = self._make_sure_safe()
        self._end(unconfirmed)
        items = tuple(self._queue.get(item_id) for item_id in self._done)
        return Night(self.log.night, items, tuple(unconfirmed), self._ended_by)

    # ---- Begin and end -----------------------------------------------------------------------

    def _begin(self) -> None:
        words = "goes on after it was cut short" if self.log.goes_on else ""
        self._tell("night began", words, station=self._session.station.name)
        for item_id in self._queue.recovered:
            item = self._queue.get(item_id)
            self._tell("recovered", f"{item.state}: {item.reason}", item=item_id)
            if item.state is ItemState.INTERRUPTED and item.conditions.on_recovery == "ask":
                self._tell("waited", "its policy is to ask before it is resumed", item=item_id)
            elif item.state is ItemState.QUARANTINED:
                self._tell("quarantined", item.reason, item=item_id)
                self._say("an item is in quarantine", f"{item.summary}: {item.reason}")
        if self._queue.held:
            self._tell("held", f"the hold is lifted, it was: {self._queue.held}")
            self._queue.release()
        self._known = {item.id: item.state for item in self._queue.list()}
        self._restoration.note_rest()

    def _end(self, unconfirmed: list[str]) -> None:
        waiting = self._queue.list((ItemState.WAITING, ItemState.INTERRUPTED))
        self._item = ""
        items = [self._queue.get(item_id) for item_id in self._done]
        items = [item for item in items if item.kind == "run"]
        finished = sum(item.state is ItemState.FINISHED for item in items)
        self._say(
            "the night has ended",
            f"{finished} of {len(items)} items finished, {len(waiting)} wait"
            + (f". NOT SAFE: {'; '.join(unconfirmed)}" if unconfirmed else "; the table is safe"),
        )
        self._tell(
            "night ended", self._ended_by or "nothing is left that may start",
            waiting=[item.id for item in waiting], unconfirmed=unconfirmed,
        )  # fmt: skip

    def _make_sure_safe(self) -> list[str]:
        """Try the safe state until it is confirmed or patience ends; say what is not."""
        end_s = self._clock.monotonic_s() + self._settings.unsafe_s
        told = False
        while unconfirmed := list(self._session.station.safe()):
            if not told:
                self._say("the table is NOT CONFIRMED safe", "; ".join(unconfirmed))
                self._tell("not safe", "; ".join(unconfirmed))
                told = True
            if self._clock.monotonic_s() >= end_s:
                return unconfirmed
            self._clock.sleep(SAFE_AGAIN_S)
        self._tell("made safe", "shutters closed, emission off, heater on hold, read back")
        return []

    # ---- One item after the other ------------------------------------------------------------

    def _next(self) -> QueueItem | None:
        """Return the next item; waits on the clock for one that is not ready yet."""
        while not self._control.stopping:
            self._item = ""
            item = self._queue.claim()
            self._note_changes()
            if item is not None:
                self._known[item.id] = item.state
                return item
            ready = self._queue.next_start_utc()
            if ready is None:
                return None
            self._wait_until(ready)
        self._ended_by = self._control.reason
        return None

    def _note_changes(self) -> None:
        """Tell what became of items without having been begun: skipped or refused."""
        for item in self._queue.list():
            before = self._known.get(item.id)
            if item.state is not before and item.state.is_end and item.id not in self._done:
                self._tell("skipped", item.reason or str(item.state), item=item.id)
                if before is not None or item.state is not ItemState.FINISHED:
                    self._done.append(item.id)
            self._known[item.id] = item.state

    def _wait_until(self, ready: datetime) -> None:
        left_s = (ready - self._clock.utc()).total_seconds()
        self._tell("waited", f"nothing is ready before {ready.isoformat()}", wait_s=left_s)
        # the stamp is rounded: without the excess the item might not be ready yet
        end_s = self._clock.monotonic_s() + left_s + 1e-3
        while self._clock.monotonic_s() < end_s and not self._control.stopping:
            self._restoration.sleep(min(end_s - self._clock.monotonic_s(), 1.0))

    def _carry_out(self, item: QueueItem) -> bool:
        """Carry out an item; returns whether the night goes on."""
        self._item = item.id
        self._done.append(item.id)
        self._tell("claimed", item.summary, estimate_s=item.estimate_s, points=item.points)
        if item.kind == "pause":
            goes_on = self._pause(item.summary)
            self._queue.finish(item.id, ItemState.FINISHED, reason=self._ended_by)
            return goes_on
        ended = self._run_item(item)
        self._queue.finish(item.id, ended.state, ended.run, ended.reason)
        self._known[item.id] = ended.state
        if ended.state is ItemState.FINISHED:
            self._tell("finished", ended.reason, run=ended.run, points=ended.points)
            return not self._control.stopping
        self._say(f"an item {ended.state}", f"{item.summary}: {ended.reason}")
        if ended.unsafe and (unconfirmed := self._make_sure_safe()):
            self._hold(f"the table is not confirmed safe: {'; '.join(unconfirmed)}")
            return False
        if ended.state is ItemState.ABORTED and (self._control.stopping or self._control.aborting):
            self._ended_by = self._control.reason
            return False
        return self._follow_policy(item, ended)

    def _run_item(self, item: QueueItem) -> Ended:
        """Try an item until it ends, or its policy gives up."""
        if refusal := self._attempt.examine(item):
            self._tell("gave up", refusal)
            return Ended(ItemState.SKIPPED, reason=refusal)
        retry, failures, run, points = item.conditions.retry, 0, item.resumes, -1
        while True:
            ended = self._attempt.once(item, run)
            if ended.state is not ItemState.FAILED:
                return ended
            # a run that makes progress is not stuck: only failures at one point in a row count
            failures = 1 if ended.points > points >= 0 else failures + 1
            run, points = ended.run, ended.points
            self._tell("failed", ended.reason, run=run, **ended.details)
            if ended.hopeless or failures > retry.most:
                why = "another attempt cannot help" if ended.hopeless else f"{failures} in a row"
                self._tell("gave up", f"{why}: {ended.reason}", run=run, points=points)
                return ended
            if ended.unsafe and self._make_sure_safe():
                return ended
            wait_s = min(retry.wait_s * 2.0 ** (failures - 1), LONGEST_BACK_OFF_S)
            self._tell("retried", f"after {wait_s:g} s, {failures} of {retry.most}", run=run)
            try:
                self._restoration.sleep(wait_s)
            except RunAborted as error:
                return Ended(ItemState.ABORTED, run, error.message, points)

    # ---- Policies ----------------------------------------------------------------------------

    def _follow_policy(self, item: QueueItem, ended: Ended) -> bool:
        match item.conditions.on_failure:
            case "stop":
                self._hold(f"{item.summary} {ended.state}: {ended.reason}")
                return False
            case "pause":
                return self._pause(f"{item.summary} {ended.state}")
        return True

    def _pause(self, why: str) -> bool:
        """Wait for somebody; returns whether the night goes on without."""
        limit_s = self._settings.pause_s
        self._tell("pause", f"{why}: waits {limit_s:g} s for somebody", wait_s=limit_s)
        self._say("the queue waits for you", why)
        self._control.pausing = True
        end_s = self._clock.monotonic_s() + limit_s
        while self._control.pausing and self._clock.monotonic_s() < end_s:
            if self._control.stopping:
                break
            self._restoration.sleep(1.0)
        came, self._control.pausing = not self._control.pausing, False
        if came or self._settings.after_pause == "continue":
            self._tell("pause", "somebody let it go on" if came else "nobody came: it goes on")
            return not self._control.stopping
        self._hold(f"{why}: nobody came within {limit_s:g} s")
        return False

    def _hold(self, why: str) -> None:
        self._ended_by = why
        self._queue.hold(why)
        self._tell("held", why)

    # ---- Telling -----------------------------------------------------------------------------

    def _tell(self, what: What, why: str = "", **data: object) -> None:
        item = str(data.pop("item", self._item))
        run = str(data.pop("run", ""))
        self.log.add(what, why, item=item, run=run, data=data)

    def _say(self, title: str, text: str) -> None:
        if self._notify is None:
            return
        try:
            self._notify(title, text)
        # a message that cannot be sent must never stop the night
        except Exception as error:  # noqa: BLE001
            self._tell("waited", f"nobody could be told {title!r}: {error}")
