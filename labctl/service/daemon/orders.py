"""Carry out what operators order, in the supervisor's thread."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from labctl.core.errors import SafetyError, UsageError
from labctl.core.items import ItemState
from labctl.service.daemon.endings import closed
from labctl.service.daemon.hands import Answer
from labctl.service.daemon.safety_watch import RESET

if TYPE_CHECKING:
    from labctl.service.daemon.supervisor import Supervisor


class Orders:
    """Hold the orders by name. All but `submit` are used by the supervisor's thread only."""

    def __init__(self, supervisor: "Supervisor") -> None:
        self._s = supervisor
        self._actions: Mapping[str, Callable[..., Any]] = {
            "start_queue": self.proceed,
            "proceed": self.proceed,
            "pause": self.pause,
            "stop_after_run": lambda: supervisor.queue.hold("stopped after the run"),
            "stop_after_point": self.stop_after_point,
            "abort_now": self.abort_now,
            "release": self.release,
            "close": self.close,
            "by_hand": self.by_hand,
            "verify": supervisor.safety.verify,
            "run_now": self.run_now,
            "reopen": supervisor.hands.leave,
        }

    def carry_out(self, future: Future[Any], name: str, arguments: tuple[Any, ...]) -> None:
        """Carry out an order; the future gets what comes of it."""
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(self._actions[name](*arguments))
        # whoever ordered it gets it, whatever it is
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)

    def proceed(self) -> None:
        """Go on after a pause, a stop, or a failure that somebody has looked at."""
        s, item = self._s, self._s.desk.item
        if s.safety.is_latched:
            raise SafetyError(s.safety.failure, remedy=RESET)
        if s.safety.failure:
            s.safety.due = True
            s.safety.verify()
            raise SafetyError(
                f"the table is not known to be safe: {s.safety.failure}",
                remedy="it is examined again now: look at it, then continue",
            )
        s.queue.release()
        if s.desk.worker is not None:
            s.desk.tell("proceed", "")
        elif item is not None and item.kind == "pause":
            s.desk.drop(ItemState.FINISHED, "")
        elif item is not None:
            s.queue.change_state(item.id, ItemState.RUNNING)
            s.desk.is_waiting = False

    def run_now(self, item: str) -> None:
        """Let an item run next, also while the queue does not go on by itself."""
        s = self._s
        if s.safety.is_latched or s.safety.failure:
            raise SafetyError(
                f"the table is not known to be safe: {s.safety.failure}",
                remedy=RESET if s.safety.is_latched else "look at the table, then continue",
            )
        s.desk.once.append(item)

    def pause(self, kind: str) -> None:
        """Pause after the point, or at once."""
        desk = self._s.desk
        if desk.worker is None:
            self._s.queue.hold("paused by the operator")
        elif kind == "now":
            desk.tell("abort", "pause_now", "paused by the operator")
        else:
            desk.tell("pause", "")

    def stop_after_point(self) -> None:
        """End the run after its point."""
        self._s.queue.hold("stopped by the operator")
        if self._s.desk.worker is not None:
            self._s.desk.tell("stop", "stop", "stopped by the operator")
        else:
            self._s.desk.drop(ItemState.ABORTED, "stopped by the operator")

    def abort_now(self, reason: str) -> None:
        """End the run at once."""
        self._s.queue.hold(reason)
        if self._s.desk.worker is not None:
            self._s.desk.tell("abort", "abort", reason)
        else:
            self._s.desk.drop(ItemState.ABORTED, reason)

    def release(self) -> None:
        """Close the table for commands by hand."""
        self._s.hands.is_wanted = False
        self._s.hands.leave()

    def by_hand(self, answer: Answer, do: str, fields: Mapping[str, Any]) -> None:
        """Send a command to the table; while a run owns it only an estimate, else `UsageError`."""
        s = self._s
        if do == "estimate" and s.desk.worker is not None:
            # it asks no instrument anything: the process that has them answers it
            s.hands.ask(answer, do, fields, s.desk.worker)
            return
        if s.desk.item is not None or s.is_ending:
            run = s.board.run.status.name if s.board.run else ""
            raise UsageError(
                f"the table belongs to {run or 'a run that begins'}",
                remedy="wait for its end, or stop the run",
            )
        if s.hands.worker is None and s.safety.worker is not None:
            raise UsageError("the table is being examined", remedy="try again in a few seconds")
        if s.hands.worker is None and not s.safety.unlatch():
            raise SafetyError(s.safety.failure, remedy=RESET)
        s.hands.is_wanted = True
        s.hands.take(s.next_epoch())
        s.hands.ask(answer, do, fields)

    def close(self) -> None:
        """Begin to end: the run ends after its point, nothing new starts."""
        s, item = self._s, self._s.desk.item
        s.is_ending = True
        if s.desk.worker is not None:
            s.desk.tell("stop", "close", "the service is ending")
        elif item is not None and item.kind == "run":
            s.desk.drop_as(closed(item, "the service ended while it was paused"))
