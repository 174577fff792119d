"""Do, in one thread, all that the service decides: which process holds the table, and what for."""

import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError, UsageError
from labctl.core.items import QueueItem
from labctl.core.status import Alarm, StationStatus
from labctl.service.daemon import recovery
from labctl.service.daemon.action_thread import ActionThread
from labctl.service.daemon.board import Board
from labctl.service.daemon.bus import Bus
from labctl.service.daemon.child import Child
from labctl.service.daemon.closing import Closing
from labctl.service.daemon.crew import Crew
from labctl.service.daemon.description import store_optics
from labctl.service.daemon.desk import RunDesk
from labctl.service.daemon.diary import Diary
from labctl.service.daemon.examination import ParameterCheck
from labctl.service.daemon.forecasts import Forecasts
from labctl.service.daemon.guard import SafetyService
from labctl.service.daemon.hands import Answer, Hands, Result
from labctl.service.daemon.hearing import Hearing
from labctl.service.daemon.live import NewestExposure
from labctl.service.daemon.mishaps import Mishaps
from labctl.service.daemon.orders import Orders
from labctl.service.daemon.place import StationPlace
from labctl.service.daemon.safety_watch import SafetyWatch
from labctl.service.daemon.served import ServedStation
from labctl.service.daemon.settings import DaemonSettings
from labctl.service.daemon.statement import Announcer, queue_status
from labctl.service.daemon.station_clock import clock_fields, make_clock, speed_of, store_clock
from labctl.service.daemon.turns import Turns
from labctl.service.places import last_sign_of_life
from labctl.service.queue.database import StationDatabase
from labctl.service.queue.queue import Queue

STORE_CLOCK_S = 10.0
BY_HAND_S = 600.0


class Supervisor:
    """Hold the processes of a station and the rules by which they take turns at the table."""

    def __init__(
        self, place: StationPlace, database: StationDatabase, settings: DaemonSettings
    ) -> None:
        self.place, self.database, self.settings = place, database, settings
        self._actions = ActionThread(
            "supervisor",
            begin=self._begin,
            turn=self._turn,
            failed=self._tell_failure,
        )
        self.mishaps = Mishaps(self)
        speed = speed_of(place.file, settings.speed)
        self.clock = make_clock(speed, database, last_sign_of_life(place.data))
        recovery.adopt_runs(database, place.data)
        check = ParameterCheck(place.file.station.procedures, self._estimate)
        self.queue = Queue(database, self.clock, check)
        self.bus = Bus()
        self.newest = NewestExposure()
        self.served = ServedStation(place, speed, self.later(self._process_lost))
        self.board = Board(
            place.file,
            self.clock,
            place.boot,
            simulated=place.file.simulation is not None,
            speed=speed,
            stale_s=max(3 * settings.poll_s, 10.0),
        )
        self.guard = SafetyService(place, self.later(self._safety_told))
        self.crew = Crew(
            place,
            self.served,
            self.guard,
            settings,
            self.clock,
            on_message=self._overhear,
            on_end=self.later(self._child_ended),
        )
        self.diary = Diary(database, self.clock, place.file.station.name)
        self.hands = Hands(self.crew, self.board, settings)
        self.desk = RunDesk(self)
        self.safety = SafetyWatch(self)
        self.closing = Closing(self)
        self.is_ending = False
        self._hearing = Hearing(self)
        self._orders = Orders(self)
        self._wall = RealClock()
        self._closed: list[str] | None = None
        self._close_lock = threading.Lock()
        self._turns = Turns(self)
        self._forecasts = Forecasts(self)
        self._stored_s = 0.0
        self._told_alarm = 0
        self._announcer = Announcer(self)

    # ---- life

    def start(self) -> None:
        """Start the processes; what was cut is recovered as its policy says."""
        cut = recovery.recovered(self.queue)
        self.diary.recovered(cut)
        for item in cut:
            alone = recovery.resumes_alone(item)
            self.raise_alarm(
                f"{item.summary[:100]} was cut short: {item.reason}",
                level="warning" if alone else "alarm",
                source="recovery",
                remedy="" if alone else f"approve item {item.id}",
            )
        self.crew.prepare()
        self.served.start()
        self.safety.start()
        self.announce()
        self._actions.start()

    def announce(self) -> None:
        """Tell local clients which processes there are."""
        guard = {"safety": self.guard.pid} if self.guard.is_up else {}
        self.place.announce(processes={**self.served.processes, **guard})

    def close(self) -> list[str]:
        """End everything; returns what is not known to be safe."""
        with self._close_lock:
            if self._closed is None:
                self._closed = self._close()
            return self._closed

    def _close(self) -> list[str]:
        unconfirmed: list[str] = []
        if self._actions.is_alive:
            try:
                self.order("close").result(self.settings.safe_s)
                self.closing.let_runs_end(self.settings.stop_s)
                unconfirmed = self.closing.confirm()
            except (LabctlError, TimeoutError) as error:
                unconfirmed = [f"the service did not end in order: {error}"]
            self._actions.close(self.settings.safe_s)
        self.crew.close()
        self.guard.close()
        self.served.close()
        self.bus.close()
        return unconfirmed

    # ---- from other threads

    def order(self, name: str, *arguments: Any) -> Future[Any]:
        """Have an order carried out; the future tells what came of it."""
        future: Future[Any] = Future()
        if self._actions.is_alive:
            self._actions.put(partial(self._orders.carry_out, future, name, arguments))
        else:
            future.set_exception(UsageError("the service is not running"))
        return future

    def by_hand(self, do: str, **fields: Any) -> Any:
        """Have something done at the table; raises what the table raises."""
        return self.by_hand_in_full(do, **fields).fields

    def by_hand_in_full(self, do: str, **fields: Any) -> Result:
        """Have something done at the table, as `by_hand`; the result has its payload."""
        answer: Answer = Future()
        self.order("by_hand", answer, do, fields).result(self.settings.safe_s)
        return answer.result(BY_HAND_S)

    def describe(self, opened: Mapping[str, Any]) -> None:
        """Remember what a worker found when it opened the table."""
        store_optics(self.database, opened["optics"])

    def status(self) -> StationStatus:
        """Return a snapshot."""
        # the number first: what is published meanwhile comes again as an increment
        seq = self.bus.seq
        self.board.queue = queue_status(self.database, self.queue.held)
        return self.board.status(seq)

    def approve(self, item: str) -> QueueItem:
        """Let an item run again, and the queue with it if it was held for that."""
        again = self.queue.requeue(item)
        if self.queue.held == recovery.CUT:
            self.queue.release()
        return again

    def make_safe(self, who: str) -> list[str]:
        """Make the table safe now, whatever goes on."""
        self._actions.put(self.desk.expect_abort)
        try:
            self.queue.hold(f"laser off by {who}")
        finally:
            unconfirmed = self.closing.make_safe(f"laser off by {who}")
        self.bus.publish("safety", {"laser_off_by": who, "unconfirmed": unconfirmed})
        return unconfirmed

    def raise_alarm(self, text: str, **fields: Any) -> Alarm:
        """Raise an alarm."""
        alarm = self.board.raise_alarm(text=text, **{"level": "alarm", **fields})
        if alarm.id > self._told_alarm:
            self._told_alarm = alarm.id
            self.bus.publish("alarm", alarm.model_dump(mode="json"))
        return alarm

    def acknowledge(self, number: int, who: str) -> Alarm:
        """Acknowledge an alarm."""
        alarm = self.board.acknowledge(number, who)
        self.bus.publish("alarm", alarm.model_dump(mode="json"))
        return alarm

    def next_epoch(self) -> int:
        """Return the number of the next process that gets hold of the table."""
        self.board.epoch = recovery.next_epoch(self.database)
        return self.board.epoch

    def later(self, action: Callable[..., None]) -> Callable[..., None]:
        """Return a callable, for any thread, that has the supervisor's thread do an action."""
        return self._actions.later(action)

    def _estimate(self, item: QueueItem) -> Mapping[str, Any] | None:
        """Walk through an item at the open table; None if nobody holds it for that."""
        is_open = self.board.interactive or self.desk.worker is not None
        if self._actions.is_own or self.is_ending or not is_open:
            return None
        try:
            found: Mapping[str, Any] = self.by_hand(
                "estimate", procedure=item.procedure, values=item.parameters
            )
        except (LabctlError, TimeoutError):
            return None
        return found

    # ---- in the supervisor's thread

    def _begin(self) -> None:
        self.mishaps.begin()

    def _tell_failure(self, error: Exception) -> None:
        if isinstance(error, LabctlError):
            self.raise_alarm(error.message, source="service", remedy=error.remedy)
            return
        traceback.print_exception(error, file=sys.stderr)
        self.raise_alarm(f"{type(error).__name__}: {error}", source="service")

    def _overhear(self, child: Child, message: Mapping[str, Any]) -> None:
        """Take a message in the thread of a worker's pipe."""
        self._actions.put(partial(self._hear, child, self._hearing.overhear(message)))

    def _hear(self, child: Child, message: Mapping[str, Any]) -> None:
        worker = self.crew.see(child)
        if worker is not None:
            self._hearing.hear(worker, message)

    def _child_ended(self, child: Child, code: int) -> None:
        worker = self.crew.dismiss(child)
        if worker is None:
            return
        self.board.exposing = ()
        if not self.hands.ended(child):
            self.desk.ended(child, code)
        if worker.job:
            self.safety.worker_ended(worker, code)
        self._turns.worker_ended()

    def _process_lost(self, name: str) -> None:
        if name == "table":
            self.safety.fail("the simulated table has ended: restart the service")
        else:
            self.mishaps.lost(name, partial(self.served.restart_host, name))

    def _safety_told(self, event: Mapping[str, Any]) -> None:
        self.safety.told(event)

    def _turn(self) -> None:
        self.mishaps.look()
        if not self.is_ending:
            self._turns.go_on()
            self._forecasts.go_on()
            self.crew.prepare()
        self._publish_changes()

    def _publish_changes(self) -> None:
        now_s = self._wall.monotonic_s()
        if now_s - self._stored_s > STORE_CLOCK_S:
            self._stored_s = now_s
            store_clock(self.database, clock_fields(self.clock), self.clock.utc())
        self._announcer.announce(now_s)
