"""Pass events to any number of listeners, in bounded memory.

Events are of two sorts. *Live* ones (readings, spectra, progress, steps) replace the one of the
same key that a slow listener has not fetched yet. *Kept* ones (points, states, queue, alarms)
are never dropped one by one: a listener that falls too far behind gets a single `resync` event
in their place and reads the status, and the points from the store, again.
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labctl.core.clock import Clock, RealClock

LIVE = frozenset({"readings", "spectrum", "progress", "step"})
"""Kinds of which a slow listener gets the newest only; the other kinds are kept."""
RESYNC = "resync"
HISTORY = 2048
"""Kept events that a late listener can still get, in number."""
BACKLOG = 512
"""Kept events that may wait for one listener."""


@dataclass(frozen=True, slots=True)
class BusEvent:
    """Hold one event. `data` is plain JSON; `seq` grows by one with every event of this start.

    Kinds: `run` (a run began or ended), `point`, `state` (of the station), `note`, `queue`,
    `alarm`, `safety`; live: `readings`, `spectrum`, `progress`, `step`; and `resync`.
    """

    seq: int
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Subscription:
    """Hold what one listener has not fetched yet; a context manager that ends the subscription.

    `get` may be called from one thread. `notify`, if given, is called without arguments, from
    any thread and quickly to return, whenever there is something to fetch.
    """

    def __init__(self, bus: "Bus", capacity: int, notify: Callable[[], None] | None) -> None:
        self._bus = bus
        self._capacity = capacity
        self._notify = notify
        self._kept: deque[BusEvent] = deque()
        self._live: dict[str, BusEvent] = {}
        self._resync: BusEvent | None = None
        self._ready = threading.Condition()
        self._is_closed = False
        self.dropped = 0
        """Live events that were replaced by newer ones before they were fetched."""

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing will come any more."""
        return self._is_closed

    def get(self, timeout_s: float | None = 0.0) -> BusEvent | None:
        """Return the next event, or None if none came within `timeout_s` of the machine's time.

        None as timeout waits until something comes or the subscription ends.
        """
        with self._ready:
            if not self._has_any() and not self._is_closed and timeout_s != 0:
                self._ready.wait_for(lambda: self._has_any() or self._is_closed, timeout_s)
            return self._take()

    def close(self) -> None:
        """End the subscription; allowed repeatedly and from any thread."""
        self._bus.forget(self)
        with self._ready:
            self._is_closed = True
            self._ready.notify_all()
        self._tell()

    def offer(self, event: BusEvent) -> None:
        """Take an event from the bus; never waits for the listener."""
        with self._ready:
            if event.kind in LIVE:
                key = str(event.data.get("key", event.kind))
                self.dropped += self._live.pop(key, None) is not None
                self._live[key] = event
            elif self._resync is not None:
                # what follows a resync is read anew by the listener in any case
                self._resync = BusEvent(event.seq, RESYNC, self._resync.data)
            elif len(self._kept) >= self._capacity:
                self.resync(event.seq, f"more than {self._capacity} events were waiting")
            else:
                self._kept.append(event)
        self.wake()

    def resync(self, seq: int, reason: str) -> None:
        """Replace all that waits by one mark up to number `seq`."""
        with self._ready:
            self._kept.clear()
            self._live.clear()
            self._resync = BusEvent(seq, RESYNC, {"reason": reason})

    def wake(self) -> None:
        """Tell whoever waits that there is something to fetch."""
        with self._ready:
            self._ready.notify_all()
        self._tell()

    def _has_any(self) -> bool:
        return bool(self._kept or self._live or self._resync)

    def _take(self) -> BusEvent | None:
        if self._resync is not None:
            event, self._resync = self._resync, None
            return event
        key = min(self._live, key=lambda one: self._live[one].seq, default=None)
        if self._kept and (key is None or self._kept[0].seq < self._live[key].seq):
            return self._kept.popleft()
        return None if key is None else self._live.pop(key)

    def _tell(self) -> None:
        if self._notify is not None:
            self._notify()


class Bus:
    """Number events and pass them on. Every method may be called from any thread."""

    def __init__(self, *, history: int = HISTORY, clock: Clock | None = None) -> None:
        self._clock = clock or RealClock()
        self._lock = threading.Lock()
        self._history: deque[BusEvent] = deque(maxlen=history)
        self._forgotten = 0
        """Number of the newest kept event that is no longer in the history."""
        self._listeners: set[Subscription] = set()
        self._seq = 0

    @property
    def seq(self) -> int:
        """Return the number of the last event."""
        return self._seq

    @property
    def listeners(self) -> int:
        """Return how many subscriptions are open."""
        return len(self._listeners)

    def publish(self, kind: str, data: Mapping[str, Any]) -> BusEvent:
        """Give an event its number and pass it to every listener, waiting for none of them."""
        with self._lock:
            self._seq += 1
            event = BusEvent(self._seq, kind, data)
            if kind not in LIVE:
                if len(self._history) == self._history.maxlen:
                    self._forgotten = self._history[0].seq
                self._history.append(event)
            # under the lock: each listener gets them in order
            for listener in self._listeners:
                listener.offer(event)
        return event

    def subscribe(
        self,
        since_seq: int | None = None,
        *,
        capacity: int = BACKLOG,
        notify: Callable[[], None] | None = None,
    ) -> Subscription:
        """Listen from after event `since_seq` on, or from now on.

        If kept events after `since_seq` are no longer in the history, or `since_seq` lies in the
        future (it is of another start of the service), the first event is a `resync`.
        """
        listener = Subscription(self, capacity, notify)
        with self._lock:
            if since_seq is not None:
                if since_seq < self._forgotten or since_seq > self._seq:
                    listener.resync(self._seq, "the events in between are no longer kept")
                else:
                    for event in self._history:
                        if event.seq > since_seq:
                            listener.offer(event)
            self._listeners.add(listener)
        return listener

    def resync(self, reason: str) -> None:
        """Let every listener read anew: events have been lost on their way here."""
        with self._lock:
            self._seq += 1
            self._forgotten = self._seq
            self._history.clear()
            for listener in self._listeners:
                listener.resync(self._seq, reason)
                listener.wake()

    def forget(self, listener: Subscription) -> None:
        """Stop giving events to a listener."""
        with self._lock:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every subscription."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.close()
