"""Make an emulator misbehave at chosen replies: the faults of real lines and instruments.

The faults follow reliability.md section 2, rows 10 to 18 and 32. A reply is everything that one
complete command makes an instrument send, however the client cut the command into pieces.
"""

import math
import re
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from labctl.core.errors import UsageError
from labctl.core.parameters import nearest_hint
from labctl.sim.emulator import Emulator
from labctl.sim.wire.base import WireEmulator

FaultKind = Literal[
    "silence", "late", "truncate", "garbage", "duplicate", "drop", "stuck", "lie", "repeat"
]

_LAST_NUMBER = re.compile(rb"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?=\D*$)")

Reply = list[tuple[float, bytes]]
"""What one command made an instrument send: (due time in s, bytes)."""


@dataclass(frozen=True, slots=True)
class _Fault:
    kind: FaultKind
    first: int
    last: float
    delay_s: float
    keep: int | None
    noise: bytes
    reply: bytes | None
    value: str | None


class FaultScript(Emulator):
    """Stand between an emulator and its line, and spoil the replies that were chosen.

    `feed` and `take` may be called from several threads.

    Parameters
    ----------
    emulator
        The instrument behind the line.
    lock
        A reentrant lock that all instruments of one table share, so that they take turns.
    """

    def __init__(
        self, emulator: WireEmulator, lock: AbstractContextManager[Any] | None = None
    ) -> None:
        super().__init__()
        self._emulator = emulator
        self._faults: list[_Fault] = []
        self._replies = 0
        self._previous: Reply = []
        self._drops = 0
        self._lock = lock or threading.RLock()

    @property
    def drops(self) -> int:
        """Return how often the line has dropped; a link is dead once this has changed."""
        return self._drops

    @property
    def replies(self) -> int:
        """Return how many replies the instrument has given so far."""
        return self._replies

    def at(
        self,
        n: int,
        kind: FaultKind,
        *,
        count: float = 1,
        delay_s: float = 30.0,
        keep: int | None = None,
        noise: bytes = b"\x00\xff",
        reply: bytes | None = None,
        value: str | None = None,
    ) -> None:
        """Arm a fault for the n-th reply from now; the next reply is 1.

        Parameters
        ----------
        kind
            `silence`; `late` by `delay_s`; `truncate` to `keep` bytes (default half);
            `garbage` puts `noise` into the middle; `duplicate`; `drop` the line instead of
            replying; `stuck`: from then on no motor finishes; `lie`: the whole reply becomes
            `reply`, or its last number `value`; `repeat` the reply before.
        count
            How many replies in a row it lasts; `math.inf` until `clear`.

        Raises
        ------
        UsageError
            If there is no such fault, or `n` or `count` is not at least 1.
        """
        if kind not in get_args(FaultKind):
            raise UsageError(f"no fault {kind!r}{nearest_hint(kind, get_args(FaultKind))}")
        if not (n >= 1 and count >= 1):
            raise UsageError(f"faults count from reply 1 on, got n={n}, count={count}")
        if kind == "lie" and (reply is None) == (value is None):
            raise UsageError("a lie needs either the reply or the value to tell")
        with self._lock:
            first = self._replies + n
            last = math.inf if kind == "stuck" else first + count - 1
            self._faults.append(_Fault(kind, first, last, delay_s, keep, noise, reply, value))

    def clear(self) -> None:
        """Disarm all faults; a motor that was stuck moves again at its next command."""
        with self._lock:
            self._faults.clear()
            self._emulator.stuck = False

    def feed(self, data: bytes, now_s: float) -> None:
        """Pass bytes on, one at a time so that every complete command is one reply."""
        with self._lock:
            for byte in data:
                if any(fault.kind == "stuck" for fault in self._armed(self._replies + 1)):
                    self._emulator.stuck = True
                self._emulator.feed(bytes([byte]), now_s)
                reply = self._collect()
                if reply:
                    self._transmit(reply, now_s)

    def take(self, now_s: float) -> bytes:
        """Return all bytes that are due by now, in order."""
        with self._lock:
            return super().take(now_s)

    def next_due_s(self) -> float | None:
        """Return when the next bytes are due, or None if nothing is on its way."""
        with self._lock:
            return super().next_due_s()

    def _armed(self, index: int) -> list[_Fault]:
        return [fault for fault in self._faults if fault.first <= index <= fault.last]

    def _collect(self) -> Reply:
        reply: Reply = []
        while (due_s := self._emulator.next_due_s()) is not None:
            reply.append((due_s, self._emulator.take(due_s)))
        return reply

    def _transmit(self, reply: Reply, now_s: float) -> None:
        self._replies += 1
        told = reply
        for fault in self._armed(self._replies):
            if fault.kind == "drop":
                self._drops += 1
                super().take(math.inf)
                told = []
            else:
                told = _spoil(fault, told, self._previous, now_s)
        self._previous = reply
        for due_s, data in told:
            self.send(data, due_s)


def _spoil(fault: _Fault, reply: Reply, previous: Reply, now_s: float) -> Reply:
    """Return a reply as a fault leaves it."""
    data = b"".join(part for _, part in reply)
    due_s = max((due for due, _ in reply), default=now_s)
    match fault.kind:
        case "silence":
            return []
        case "late":
            return [(due + fault.delay_s, part) for due, part in reply]
        case "truncate":
            data = data[: len(data) // 2 if fault.keep is None else fault.keep]
        case "garbage":
            data = data[: len(data) // 2] + fault.noise + data[len(data) // 2 :]
        case "duplicate":
            return [*reply, *reply]
        case "lie" if fault.reply is not None:
            data = fault.reply
        case "lie" if fault.value is not None:
            data = _LAST_NUMBER.sub(fault.value.encode("latin-1"), data)
        case "repeat":
            data = b"".join(part for _, part in previous)
    return [(due_s, data)] if data else []
