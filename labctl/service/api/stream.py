"""Send a snapshot and then events to clients; one that does not read costs nothing.

The form is that of server-sent events. `status` events carry the whole `StationStatus`: the
first one at once, then whenever something changed, at most every `QUIET_S`, and at least every
`BEAT_S`, so that silence means that the connection is gone. All other events are those of the bus,
with its sequence number as `id`: with the last one as `since`, a client that was away gets what
it missed, or a `resync`.
"""

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from labctl.core.clock import Clock
from labctl.service.api.table import Table
from labctl.service.api.views import TrendKeeper
from labctl.service.daemon.bus import RESYNC, BusEvent, Subscription

BEAT_S = 2.0
QUIET_S = 0.5
STALLED_S = 30.0
"""A client that takes nothing for so long is disconnected."""
MOST_STREAMS = 64
STATUS = "status"


class Snapshots:
    """Take the status for all streams together, at most every `QUIET_S`."""

    def __init__(self, table: Table, trends: TrendKeeper, clock: Clock) -> None:
        self._table = table
        self._trends = trends
        self._clock = clock
        self._taken_s = -QUIET_S
        self._text = ""
        self._seq = 0
        self._lock = asyncio.Lock()
        self.boot = table.status().boot
        """Identity of this start of the service."""
        self.is_closing = False
        """Set when the service ends: then the streams end."""

    async def newest(self) -> tuple[int, str]:
        """Return sequence number and JSON text of the status."""
        async with self._lock:
            if self._clock.monotonic_s() - self._taken_s >= QUIET_S:
                self._seq, self._text = await asyncio.to_thread(self._take)
                self._taken_s = self._clock.monotonic_s()
            return self._seq, self._text

    def _take(self) -> tuple[int, str]:
        status = self._table.status()
        self._trends.take(status)
        return status.seq, status.model_dump_json()

    async def keep_trends(self) -> None:
        """Take a sample now and then, also while nobody looks; runs until it is cancelled."""
        while True:
            await self.newest()
            await asyncio.sleep(BEAT_S)


class EventStream(Response):
    """Stream events to one client until it goes, stalls, or the service ends."""

    media_type = "text/event-stream"

    def __init__(
        self, table: Table, snapshots: Snapshots, since_seq: int | None, kinds: Collection[str]
    ) -> None:
        super().__init__(headers={"x-accel-buffering": "no"})
        self._table = table
        self._snapshots = snapshots
        self._since_seq = since_seq
        self._kinds = frozenset(kinds)

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Stream."""
        headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def notify() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ready.set)

        gone = asyncio.create_task(disconnected(receive))
        try:
            seq, text = await self._snapshots.newest()
            is_new = self._since_seq is None
            await send_part(send, sse(STATUS, text, seq if is_new else None))
            # what the snapshot contains is not sent again, and nothing after it is missed
            since_seq = seq if is_new else self._since_seq
            with self._table.subscribe(since_seq, notify=notify) as events:
                await self._stream(events, ready, gone, send)
            # the service ends: so that a client knows that nothing is missing
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return
        finally:
            gone.cancel()

    async def _stream(
        self, events: Subscription, ready: asyncio.Event, gone: asyncio.Task[None], send: Send
    ) -> None:
        while not (events.is_closed or gone.done() or self._snapshots.is_closing):
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({waiting, gone}, timeout=BEAT_S, return_when="FIRST_COMPLETED")
            waiting.cancel()
            ready.clear()
            # one at a time: what waits in the subscription is bounded, a list here would not be
            while not gone.done() and (event := events.get()) is not None:
                if self._wants(event):
                    await send_part(send, sse(event.kind, _json(event), event.seq))
            if not gone.done():
                _, text = await self._snapshots.newest()
                await send_part(send, sse(STATUS, text))
                await asyncio.wait({gone}, timeout=QUIET_S)

    def _wants(self, event: BusEvent) -> bool:
        return event.kind == RESYNC or not self._kinds or event.kind in self._kinds


def sse(kind: str, text: str, seq: int | None = None) -> bytes:
    """Return one server-sent event; `text` is one line, `seq` where the stream can go on."""
    number = "" if seq is None else f"id: {seq}\n"
    return f"event: {kind}\n{number}data: {text}\n\n".encode()


def _json(event: BusEvent) -> str:
    data: Mapping[str, Any] = event.data
    return json.dumps(dict(data), allow_nan=False, default=str, separators=(",", ":"))


async def send_part(send: Send, body: bytes) -> None:
    """Send a part of a response; raises `TimeoutError` if the client does not take it."""
    message = {"type": "http.response.body", "body": body, "more_body": True}
    await asyncio.wait_for(send(message), STALLED_S)


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
