"""Let people use the table while no run owns it, and keep its values known meanwhile."""

import itertools
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from labctl.core.clock import RealClock
from labctl.core.errors import InstrumentError, UsageError
from labctl.service.daemon.board import Board
from labctl.service.daemon.child import Child
from labctl.service.daemon.crew import Crew, Worker
from labctl.service.daemon.errors import error_from
from labctl.service.daemon.settings import DaemonSettings
from labctl.service.daemon.wire import PAYLOAD


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what a command by hand led to: plain JSON, and the payload of an exposure."""

    fields: Any
    payload: bytes = b""


Answer = Future[Result]


class Hands:
    """Hold the worker for commands by hand; used by the supervisor's thread only."""

    def __init__(self, crew: Crew, board: Board, settings: DaemonSettings) -> None:
        self._crew = crew
        self._board = board
        self._settings = settings
        self._wall = RealClock()
        self._numbers = itertools.count(1)
        self._answers: dict[int, tuple[Answer, Worker]] = {}
        self._closing_s: float | None = None
        self.worker: Worker | None = None
        self.is_wanted = True
        """Whether the table is to be open while nothing runs."""

    @property
    def is_free(self) -> bool:
        """Tell whether the table is open, and nobody uses it or waits for an answer."""
        is_open = self._board.interactive and self._closing_s is None
        return is_open and not self._board.live and not self._answers

    def take(self, epoch: int) -> None:
        """Open the table."""
        if self.worker is None:
            self.worker = self._crew.employ("table", epoch, poll_s=self._settings.poll_s)
            self._closing_s = None

    def ask(
        self, answer: Answer, do: str, fields: Mapping[str, Any], worker: Worker | None = None
    ) -> None:
        """Send a command to whoever holds the table; `answer` gets its result."""
        worker = worker or self.worker
        number = next(self._numbers)
        if worker is not None and worker.child.send(do, id=number, **fields):
            self._answers[number] = (answer, worker)
        else:
            answer.set_exception(InstrumentError("the process that holds the table has ended"))

    def answered(self, message: Mapping[str, Any]) -> None:
        """Pass an answer on."""
        # the order to close has no number
        answer, _ = self._answers.pop(message.get("id") or 0, (None, None))
        if answer is None or not answer.set_running_or_notify_cancel():
            return
        if "error" in message:
            answer.set_exception(error_from(message["error"]))
        else:
            answer.set_result(Result(message.get("result"), message.get(PAYLOAD, b"")))

    def leave(self) -> None:
        """Close the table, so that somebody else can open it; kill it if that takes too long."""
        if self.worker is None:
            return
        now_s = self._wall.monotonic_s()
        if self._closing_s is None:
            self._closing_s = now_s
            # what is under way is broken off, in the safe state
            if self._board.live:
                self.worker.child.send("still")
            self.worker.child.send("close")
        elif now_s - self._closing_s > self._settings.safe_s:
            self.worker.child.kill()

    def ended(self, child: Child) -> bool:
        """Take notice that a worker ended; True if it was this one."""
        self._drop_answers(child)
        if self.worker is None or self.worker.child is not child:
            return False
        self.worker, self._closing_s = None, None
        self._board.interactive = self._board.live = False
        return True

    def _drop_answers(self, child: Child) -> None:
        lost = [number for number, (_, worker) in self._answers.items() if worker.child is child]
        for number in lost:
            answer, _ = self._answers.pop(number)
            if answer.set_running_or_notify_cancel():
                answer.set_exception(
                    UsageError(
                        "the table was closed before the command was carried out",
                        remedy="try again when no run owns the table",
                    )
                )
