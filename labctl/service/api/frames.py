"""Stream exposures as bytes: the newest only, to any number of clients of any speed.

The stream is a row of frames: four bytes with the length of the header (big-endian), the header
(JSON: the fields of a `LiveSpectrum` without its arrays, and `bytes`, the length of what
follows), then the wavelengths in nm as little-endian float32 and the counts as `dtype` and
`shape` say. A frame of the kind `beat` has nothing behind its header; it says that the connection
lives. A client that reads slowly misses exposures and never gets old ones.
"""

import asyncio
import contextlib
import json
import struct
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from labctl.core.clock import Clock, RealClock
from labctl.service.api.stream import BEAT_S, Snapshots, disconnected, send_part
from labctl.service.daemon.live import LiveSpectrum, NewestExposure

MOST_FRAME_STREAMS = 16
_LENGTH = struct.Struct(">I")
_BEAT: Mapping[str, Any] = {"kind": "beat"}


class FrameStream(Response):
    """Stream exposures to one client until it goes, stalls, or the service ends.

    Parameters
    ----------
    exposures
        Where the newest exposure is.
    snapshots
        Tells that the service ends.
    most_per_s
        Exposures per second that the client wants at most.
    """

    media_type = "application/octet-stream"

    def __init__(self, exposures: NewestExposure, snapshots: Snapshots, most_per_s: float) -> None:
        super().__init__(headers={"x-accel-buffering": "no"})
        self._exposures = exposures
        self._snapshots = snapshots
        self._pause_s = 1.0 / most_per_s
        self._clock: Clock = RealClock()

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Stream."""
        headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def notify() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ready.set)

        gone = asyncio.create_task(disconnected(receive))
        gone.add_done_callback(lambda _: ready.set())
        try:
            with self._exposures.watched(notify):
                await self._stream(ready, gone, send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return
        finally:
            gone.cancel()

    async def _stream(self, ready: asyncio.Event, gone: asyncio.Task[None], send: Send) -> None:
        shown: LiveSpectrum | None = None
        while not (gone.done() or self._snapshots.is_closing):
            newest, start_s = self._exposures.newest, self._clock.monotonic_s()
            ready.clear()
            if newest is not None and newest is not shown:
                shown = newest
                await send_part(send, frame_header(newest.fields(), len(newest.payload)))
                await send_part(send, newest.payload)
                spent_s = self._clock.monotonic_s() - start_s
                await asyncio.wait({gone}, timeout=max(self._pause_s - spent_s, 0.0))
            elif newest is self._exposures.newest:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ready.wait(), BEAT_S)
                    continue
                await send_part(send, frame_header(_BEAT, 0))


def frame_header(fields: Mapping[str, Any], length: int) -> bytes:
    """Return the beginning of a frame with `length` bytes behind it."""
    text = json.dumps({**fields, "bytes": length}, allow_nan=False, separators=(",", ":"))
    return _LENGTH.pack(len(text)) + text.encode("ascii")
