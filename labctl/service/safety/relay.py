"""Own the line to one guarded device: pass bytes on for the holder, look at the interlock, close.

The device is asked by one party at a time. Commands of the holder are passed on whole, one by
one, each judged at the moment at which it would go out; a question about the interlock goes in
between. Closing takes the line from everybody at once.
"""

from collections import deque
from collections.abc import Callable

from labctl.service.safety.channel import Channel, Mode
from labctl.service.safety.config import PortConfig
from labctl.service.safety.interlock import Interlock
from labctl.service.safety.line import Line
from labctl.service.safety.protocol import Refused
from labctl.service.safety.script import Closing

_OPEN_WITHIN_S = 1.0
_REOPEN_S = 0.2
_ANSWER_S = 0.05
"""How long a reply about the interlock may take."""
_PATIENCE_S = 0.25
"""How long an unanswered question of the holder keeps the interlock from being asked."""
_QUIET_S = 0.03
_TRY_AGAIN_S = 1.0
_LONGEST_COMMAND = 4096


Judge = Callable[["GuardedPort", bytes, Channel], str]
"""Return why a command may not pass, or an empty string."""


class GuardedPort:
    """Hold one guarded device.

    Attributes
    ----------
    verdict
        Why the device is not known to be safe; empty once a closing script was confirmed.
    open_since_s
        When a command went out that may open; None once the device was seen open and then safe.
    """

    def __init__(self, config: PortConfig, judge: Judge, now_s: float) -> None:
        self.config = config
        self.name = config.name
        self.mode = Mode.DOWN
        self.down_reason = "not opened yet"
        self.verdict = "not closed yet"
        self.sent_s: float | None = None
        self.done_s: float | None = None
        self.open_since_s: float | None = None
        self._was_seen_open = False
        self.interlock = Interlock(config.interlock, now_s) if config.interlock else None
        self._judge = judge
        self._line = Line(config.resource, config.line)
        self._closing: Closing | None = None
        self._close_by_s: float | None = None
        self._channel: Channel | None = None
        self._pending: deque[tuple[bytes, bool]] = deque()
        self._partial = b""
        self._heard = b""
        self._asked_s: float | None = None
        self._until_s = now_s

    def fileno(self) -> int:
        """Return the descriptor to wait for; −1 if there is none."""
        return -1 if self.mode in (Mode.DOWN, Mode.OPENING) else self._line.fileno()

    @property
    def is_up(self) -> bool:
        """Tell whether the line is open."""
        return self.mode not in (Mode.DOWN, Mode.OPENING)

    @property
    def is_closing(self) -> bool:
        """Tell whether a closing script runs, or waits for the line."""
        return self.mode is Mode.CLOSING or self._close_by_s is not None

    def is_due_again(self, now_s: float) -> bool:
        """Tell whether a closing that was not confirmed is to be tried again."""
        late = self.done_s is None or now_s - self.done_s > _TRY_AGAIN_S
        return bool(self.verdict) and not self.is_closing and self.is_up and late

    # -- the holder's side

    def attach(self, channel: Channel) -> None:
        """Give the port to a channel; a former one is dropped. Raises `Refused` if it is down."""
        if not self.is_up:
            raise Refused(f"{self.name}: {self.down_reason}")
        if self._channel is not None:
            self._channel.drop("the port was opened again")
        self._channel, self._partial = channel, b""
        self._pending.clear()

    def detach(self, channel: Channel) -> None:
        """Forget a channel."""
        if self._channel is channel:
            self._channel, self._partial = None, b""
            self._pending.clear()

    def write(self, channel: Channel, data: bytes, now_s: float) -> None:
        """Take bytes of the holder; whole commands go out as soon as the line is free."""
        if channel is not self._channel:
            channel.refuse("the port was opened again")
            return
        *commands, self._partial = (self._partial + data).split(self.config.command_end)
        if len(self._partial) > _LONGEST_COMMAND:
            self._partial = b""
            channel.refuse(f"a command of more than {_LONGEST_COMMAND} bytes")
            return
        for number, command in enumerate(commands, 1):
            self._pending.append((command, number == len(commands)))
        if not commands:
            channel.accept()
        self._go_on(now_s)

    # -- closing

    def close_device(self, now_s: float) -> None:
        """Take the line and begin to close; `is_closing` until the verdict is there."""
        self.verdict, self.sent_s, self.done_s = "not closed yet", None, None
        if not self.is_up:
            self._close_by_s = now_s + _OPEN_WITHIN_S
            return
        try:
            # what came before belongs to nobody any more
            self._line.read()
            self._start_closing(now_s)
        except OSError as error:
            self._go_down(error, now_s)

    # -- the device's side

    def on_readable(self, now_s: float) -> None:
        """Read and hand out what the device sent."""
        try:
            data = self._line.read()
            if data:
                self._take(data, now_s)
            self._advance(now_s)
        except OSError as error:
            self._go_down(error, now_s)

    def tick(self, now_s: float) -> None:
        """Do what has become due."""
        try:
            self._advance(now_s)
        except OSError as error:
            self._go_down(error, now_s)

    def shut(self) -> None:
        """Let go of the line."""
        self._line.close()
        self.mode = Mode.DOWN

    def _take(self, data: bytes, now_s: float) -> None:
        if self.mode is Mode.CLOSING and self._closing is not None:
            self._closing.feed(data, now_s)
        elif self.mode is Mode.ASKING:
            self._hear_interlock(data, now_s)
        elif self.mode is Mode.FREE:
            self._pass_back(data)
        elif self.mode is Mode.QUIET:
            self._until_s = now_s + _QUIET_S

    def _pass_back(self, data: bytes) -> None:
        *replies, self._heard = (self._heard + data)[-_LONGEST_COMMAND:].split(self.config.end)
        for reply in replies:
            self._asked_s = None
            self._follow(reply + self.config.end)
        if self._channel is not None:
            self._channel.deliver(data)

    def _follow(self, reply: bytes) -> None:
        """Know from what the holder is told when a device that was opened is closed again."""
        script = self.config.script
        if script.unsafe.fullmatch(reply):
            self._was_seen_open = True
        elif self._was_seen_open and script.safe.fullmatch(reply):
            self._was_seen_open, self.open_since_s = False, None

    def _hear_interlock(self, data: bytes, now_s: float) -> None:
        *replies, self._heard = (self._heard + data)[-_LONGEST_COMMAND:].split(self.config.end)
        for reply in replies:
            whole = reply + self.config.end
            if self.interlock is not None and self.interlock.judge(whole, now_s):
                self.mode, self._asked_s = Mode.FREE, None
            elif self._channel is not None and self._asked_s is not None:
                # the late answer to what the holder asked before
                self._channel.deliver(whole)

    def _advance(self, now_s: float) -> None:
        if self._close_by_s is not None and now_s > self._close_by_s:
            self._close_by_s = None
            self._conclude(f"the line is down: {self.down_reason}", now_s)
        if self.mode is Mode.DOWN and now_s >= self._until_s:
            self.mode, self._until_s = Mode.OPENING, now_s + _OPEN_WITHIN_S
            self._line.begin()
        if self.mode is Mode.OPENING:
            self._come_up(now_s)
        elif self.mode is Mode.CLOSING and self._closing is not None:
            self._drive(self._closing, now_s)
        elif self.mode is Mode.ASKING and now_s > self._until_s:
            self.mode, self._until_s = Mode.QUIET, now_s + _QUIET_S
            if self.interlock is not None:
                # the holder's turn first, or a silent device would lock him out
                self.interlock.due_s = self._until_s + self.interlock.config.period_s
        elif self.mode is Mode.QUIET and now_s > self._until_s:
            self.mode, self._asked_s, self._heard = Mode.FREE, None, b""
        self._go_on(now_s)

    def _come_up(self, now_s: float) -> None:
        if self._line.is_up():
            self.mode, self.down_reason = Mode.FREE, ""
            if self._close_by_s is not None:
                self._close_by_s = None
                self._start_closing(now_s)
        elif now_s > self._until_s:
            raise OSError("it does not answer")

    def _start_closing(self, now_s: float) -> None:
        self._closing = Closing(self.config.script, self.config.end, now_s)
        self.mode, self.sent_s = Mode.CLOSING, now_s
        self._line.write(self._closing.outgoing())

    def _drive(self, closing: Closing, now_s: float) -> None:
        closing.tick(now_s)
        if data := closing.outgoing():
            self._line.write(data)
        if closing.is_over:
            self._closing = None
            self._conclude(closing.problem, now_s)
            self.mode, self._until_s = Mode.QUIET, now_s + _QUIET_S
            if self.interlock is not None:
                self.interlock.excuse(self._until_s)

    def _conclude(self, problem: str, now_s: float) -> None:
        self.verdict, self.done_s = problem, now_s
        if not problem:
            self._was_seen_open, self.open_since_s = False, None

    def _go_on(self, now_s: float) -> None:
        """Ask the interlock if it is due, else pass on the next command."""
        while self.mode is Mode.FREE:
            if self.interlock is not None and now_s >= self.interlock.due_s:
                waiting = self._asked_s is not None and now_s - self._asked_s < _PATIENCE_S
                if not waiting:
                    self._ask_interlock(self.interlock, now_s)
                    return
            if not self._pending:
                return
            self._pass_on(now_s)

    def _ask_interlock(self, interlock: Interlock, now_s: float) -> None:
        interlock.due_s = now_s + interlock.config.period_s
        self.mode, self._until_s, self._heard = Mode.ASKING, now_s + _ANSWER_S, b""
        self._line.write(interlock.config.send)

    def _pass_on(self, now_s: float) -> None:
        command, is_last = self._pending.popleft()
        channel = self._channel
        if channel is None:
            return
        if reason := self._judge(self, command, channel):
            while self._pending and not is_last:
                _, is_last = self._pending.popleft()
            channel.refuse(reason)
            return
        if not self.config.script.harmless.fullmatch(command) and self.open_since_s is None:
            self.open_since_s = now_s
            self.verdict = "the holder may have opened it"
        self._asked_s, self._heard = now_s, b""
        self._line.write(command + self.config.command_end)
        if is_last:
            channel.accept()

    def _go_down(self, error: OSError, now_s: float) -> None:
        self._line.close()
        self.down_reason = error.strerror or str(error)
        if self._closing is not None:
            self._closing = None
            self._conclude(f"the line is down: {self.down_reason}", now_s)
        self.mode, self._until_s = Mode.DOWN, now_s + _REOPEN_S
        self._pending.clear()
        if self._channel is not None:
            channel, self._channel = self._channel, None
            channel.drop(f"{self.name}: the line has dropped: {self.down_reason}")
