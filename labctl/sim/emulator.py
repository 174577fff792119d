"""Define what a wire emulator is: bytes and time in, bytes out, no input or output of its own."""

import heapq
from abc import ABC, abstractmethod
from itertools import count


class Emulator(ABC):
    """Play one instrument at its port.

    A subclass implements `feed` from the instrument's manual (never from a driver) and calls
    `send` for what it answers. The owner of the port calls `feed` with what a client wrote, and
    `take` to collect what has become due. All times are monotonic seconds of the station clock.
    """

    def __init__(self) -> None:
        self._outbox: list[tuple[float, int, bytes]] = []
        self._order = count()

    @abstractmethod
    def feed(self, data: bytes, now_s: float) -> None:
        """Accept bytes from the client, in pieces of any size."""

    def send(self, data: bytes, due_s: float) -> None:
        """Put bytes on the line at a time."""
        heapq.heappush(self._outbox, (due_s, next(self._order), data))

    def take(self, now_s: float) -> bytes:
        """Return all bytes that are due by now, in order."""
        ready = b""
        while self._outbox and self._outbox[0][0] <= now_s:
            ready += heapq.heappop(self._outbox)[2]
        return ready

    def next_due_s(self) -> float | None:
        """Return when the next bytes are due, or None if nothing is on its way."""
        return self._outbox[0][0] if self._outbox else None
