"""Take items from the queue, give them to workers, and see each to its end."""

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError, UsageError
from labctl.core.items import ItemState, QueueItem, plain
from labctl.core.status import RunStatus
from labctl.service.daemon import endings
from labctl.service.daemon.child import Child
from labctl.service.daemon.crew import Worker
from labctl.service.daemon.endings import Intent, Verdict

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor

CLAIM_PAUSE_S = 0.5


class RunDesk:
    """Hold the item in hand and its worker; used by the supervisor's thread only.

    An item can be in hand without a worker: it was paused at once, and goes on with a new one.
    """

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self._queue = supervisor.queue
        self._board = supervisor.board
        self._wall = RealClock()
        self._claimed_s = -CLAIM_PAUSE_S
        self._revision = -1
        self.item: QueueItem | None = None
        self.worker: Worker | None = None
        self.intent: Intent = ""
        self.is_waiting = False
        """Whether the item in hand waits for a person."""
        self.state = ""
        """What the engine last said of the run."""
        self.lost_host = ""
        self.once: deque[str] = deque()
        """Items that somebody wants now, whether or not the queue goes on by itself."""
        self._repeated = ("", -2)
        self._failures: dict[str, tuple[int, int]] = {}
        """By item: at which point it last failed, and how often in a row."""
        self._run = ""
        self._opened = False
        self._end: Mapping[str, Any] | None = None
        self._refusal: Mapping[str, Any] | None = None

    # ---- from the queue to a worker

    def claim(self) -> bool:
        """Take the next item in hand; False if there is none that may start."""
        now_s, revision = self._wall.monotonic_s(), self._queue.database.revision
        if revision == self._revision and now_s - self._claimed_s < CLAIM_PAUSE_S:
            return False
        self._claimed_s = now_s
        self.item = self._claim_once() or self._queue.claim()
        self._revision = self._queue.database.revision
        if self.item is None:
            return False
        self._run = self.item.resumes
        self._repeated = ("", -2)
        self.is_waiting = self.item.kind == "pause"
        if self.is_waiting:
            text = self.item.label or "the queue waits for the operator"
            self._s.raise_alarm(text, level="info", source="queue", remedy="'labctl continue'")
        return True

    def _claim_once(self) -> QueueItem | None:
        """Take an item that somebody wants now from a queue that is held, and hold it again."""
        while self.once:
            wanted, held = self.once.popleft(), self._queue.held
            waiting = self._queue.list((ItemState.WAITING, ItemState.INTERRUPTED))
            # it is the first, unless somebody has moved it since; an active queue needs no help
            if not held or not waiting or waiting[0].id != wanted:
                continue
            with self._queue.database.transaction():
                self._queue.release()
                item = self._queue.claim()
                self._queue.hold(held)
            return item
        return None

    def start(self) -> None:
        """Give the item in hand to a worker."""
        item = self.item
        if item is None or self.worker is not None:
            return
        self._opened, self._end, self._refusal = False, None, None
        self.intent, self.state, self.lost_host, self.is_waiting = "", "", "", False
        epoch = self._s.next_epoch()
        self._board.set_run(
            RunStatus(
                name=self._run,
                item=item.id,
                procedure=item.procedure,
                label=item.label,
                started_utc=self._s.clock.utc().isoformat(),
                step="opening the table",
            )
        )
        self._s.diary.claimed(item)
        job = "resume" if self._run else "run"
        self.worker = self._s.crew.employ(
            job, epoch, item=item.id, queue_item=plain(item), run=self._run
        )

    def tell(self, do: str, intent: Intent, reason: str = "") -> None:
        """Steer the run; raises `UsageError` if there is none."""
        if self.worker is None or not self.worker.child.send(do, reason=reason):
            raise UsageError("no run is on", remedy="'labctl status' shows what goes on")
        if intent:
            self.intent = intent

    def expect_abort(self) -> None:
        """Take notice that the table is being made safe: the run can only end."""
        if self.worker is not None:
            self.intent = "abort"

    # ---- what the worker says

    def hear(self, message: Mapping[str, Any]) -> None:
        """Take an event of the run's worker."""
        match message["event"]:
            case "ended":
                self._end = message
            case "refused":
                self._refusal = message["error"]
            case "run":
                self._began(message)
            case "state":
                self._changed(str(message["state"]), str(message["reason"]))
            case "opened" | "waiting" | "step":
                self._stepped(message)
            case "point" | "progress" | "note":
                self._progressed(message)
            case "item" | "night" | "ledger":
                self._kept(message)

    def _kept(self, message: Mapping[str, Any]) -> None:
        """Write to the database what the worker would."""
        item_id = "" if self.item is None else self.item.id
        if message["event"] == "ledger":
            self._s.diary.entered(message)
        elif message["event"] == "night":
            self._s.diary.told(item_id, message)
            text = f"{message['what']}: {message['why']}" if message["why"] else message["what"]
            self._s.bus.publish("note", {"item": item_id, "run": self._run, "text": text})
        elif self.item is not None:
            self._mark(str(message["state"]))

    def _stepped(self, message: Mapping[str, Any]) -> None:
        if message["event"] == "opened":
            self._opened = True
            self._board.change_run(step="making sure that the table is safe")
        elif message["event"] == "waiting":
            self._board.change_run(step=f"waiting for {message['owner']}")
        else:
            self._board.change_run(step=str(message["text"]))
            self._publish("step", message)

    def _progressed(self, message: Mapping[str, Any]) -> None:
        if message["event"] == "point":
            self._board.change_run(point=int(message["number"]) + 1)
        elif message["event"] == "progress":
            known = {"point": message["done"], "total": message["total"]}
            self._board.change_run(**known, left_s=message["left_s"])
        self._publish(str(message["event"]), message)

    def _began(self, message: Mapping[str, Any]) -> None:
        self._run = str(message["run"])
        if self.item is not None:
            self.item = self._queue.attach_run(self.item.id, self._run)
        self._board.change_run(
            name=self._run,
            attempt=message["attempt"],
            point=message["first_point"],
            total=message["total"],
        )
        self._publish("run", message)

    def _changed(self, state: str, reason: str) -> None:
        self.state = state
        self._board.change_run(reason=reason)
        self._mark(state)
        self._s.bus.publish(
            "note", {"run": self._run, "text": f"{state}: {reason}" if reason else state}
        )

    def _mark(self, state: str) -> None:
        if self.item is not None and state in ("running", "paused"):
            self._queue.change_state(
                self.item.id, ItemState.PAUSED if state == "paused" else ItemState.RUNNING
            )

    def _publish(self, kind: str, message: Mapping[str, Any]) -> None:
        fields = {key: value for key, value in message.items() if key != "event"}
        item = "" if self.item is None else self.item.id
        self._s.bus.publish(kind, {"item": item, "run": self._run, **fields})

    # ---- the end

    def ended(self, child: Child, code: int) -> bool:
        """Take notice that a worker ended; True if it was this one."""
        if self.worker is None or self.worker.child is not child:
            return False
        self.worker = None
        item = self.item
        if item is not None:
            self._settle(item, self._judge(item, code))
        return True

    def drop(self, state: ItemState, reason: str) -> None:
        """End the item in hand, which has no worker."""
        self.drop_as(Verdict(state, reason))

    def drop_as(self, verdict: Verdict) -> None:
        """End the item in hand, which has no worker, as a verdict says."""
        if self.item is not None and self.worker is None:
            self._end = None
            self._settle(self.item, verdict)

    def _judge(self, item: QueueItem, code: int) -> Verdict:
        if self._refusal is not None and self._end is None:
            verdict = endings.refused(item, self._refusal, self._opened, self.lost_host)
            return self._once(item, verdict, -1)
        if self._end is None:
            return endings.crashed(item, code)
        point = int(self._end.get("points", 0))
        before, failures = self._failures.get(item.id, (point, 0))
        failures = failures + 1 if before == point else 1
        if self._end["state"] == "failed":
            self._failures[item.id] = (point, failures)
        verdict = endings.ended(item, self._end, self.intent, self.lost_host, failures)
        return self._once(item, verdict, point)

    def _once(self, item: QueueItem, verdict: Verdict, point: int) -> Verdict:
        """Let a point be repeated once for a process that ended."""
        if verdict.again and self._repeated == (self._run, point):
            return endings.failed(item, verdict.reason)
        if verdict.again:
            self._repeated = (self._run, point)
        return verdict

    def _settle(self, item: QueueItem, verdict: Verdict) -> None:
        end = self._end or {}
        if verdict.alarm:
            remedy = str((self._end or self._refusal or {}).get("remedy", ""))
            self._s.raise_alarm(verdict.alarm, level="warning", source="run", remedy=remedy)
        if verdict.state is None:
            self.is_waiting = not verdict.again
            if self.is_waiting:
                self._queue.change_state(item.id, ItemState.PAUSED)
            self._board.change_run(step="paused; the point is repeated later", left_s=None)
            return
        points = end.get("points") if verdict.state is ItemState.FINISHED else None
        done = self._queue.finish(
            item.id, verdict.state, self._run, verdict.reason, points=points or None
        )
        self._s.diary.ended(item, done.state, verdict.reason, self._run)
        try:
            if verdict.requeue:
                self._queue.requeue(item.id, resume=bool(self._run), wait_s=verdict.wait_s)
            else:
                self._failures.pop(item.id, None)
        except LabctlError as error:
            self._s.raise_alarm(error.message, level="warning", source="queue")
        if verdict.hold:
            self._queue.hold(verdict.hold)
        if done.state is ItemState.QUARANTINED or (
            done.state is ItemState.INTERRUPTED and done.conditions.on_recovery == "ask"
        ):
            self._s.raise_alarm(
                f"{item.summary[:100]} is {done.state}: {done.reason}",
                source="queue",
                remedy=f"look into it, then approve item {item.id}",
            )
        self.item, self.intent, self.is_waiting = None, "", False
        self._board.set_run(None)
        self._s.bus.publish(
            "run",
            {
                "item": item.id,
                "run": self._run,
                "ended": done.state.value,
                "reason": verdict.reason,
                "points": end.get("points"),
                "temperatures": list(end.get("temperatures", ())),
            },
        )
        self._run = ""
