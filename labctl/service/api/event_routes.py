"""Offer the streams: events, and exposures."""

from collections.abc import Collection
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from labctl.service.api.access import Viewer
from labctl.service.api.frames import MOST_FRAME_STREAMS, FrameStream
from labctl.service.api.problems import Refusal
from labctl.service.api.stream import MOST_STREAMS, EventStream, Snapshots
from labctl.service.api.table import Table

Since = Annotated[int | None, Query(ge=0, le=2**53)]
Boot = Annotated[str, Query(max_length=64)]
Rate = Annotated[float, Query(ge=0.1, le=100.0)]
Kinds = Annotated[str, Query(max_length=200, pattern=r"^[a-z,]*$")]


class _Counted(EventStream):
    """Count the streams that are open."""

    open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _Counted.open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            _Counted.open -= 1


class _CountedFrames(FrameStream):
    """Count the streams that are open."""

    open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _CountedFrames.open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            _CountedFrames.open -= 1


def event_router(table: Table, snapshots: Snapshots) -> APIRouter:
    """Return the addresses of the streams."""
    router = APIRouter(tags=["watch"])

    @router.get("/events", response_class=Response, responses=_SSE)
    async def events(
        _: Viewer, since: Since = None, boot: Boot = "", kinds: Kinds = ""
    ) -> Response:
        """Stream a snapshot, then events; `since` and `boot` of the last one seen resume it."""
        if _Counted.open >= MOST_STREAMS:
            raise Refusal(429, f"{MOST_STREAMS} clients are listening already")
        # numbers of another start of the service mean nothing
        if boot and boot != snapshots.boot:
            since = None
        wanted: Collection[str] = [kind for kind in kinds.split(",") if kind]
        return _Counted(table, snapshots, since, wanted)

    @router.get("/frames", response_class=Response, responses=_BYTES)
    async def frames(_: Viewer, most_per_s: Rate = 30.0) -> Response:
        """Stream exposures as bytes, the newest only; see `labctl.service.api.frames`."""
        if _CountedFrames.open >= MOST_FRAME_STREAMS:
            raise Refusal(429, f"{MOST_FRAME_STREAMS} clients are looking already")
        return _CountedFrames(table.exposures, snapshots, most_per_s)

    return router


_BYTES: dict[int | str, dict[str, object]] = {
    200: {"description": "Frames", "content": {"application/octet-stream": {}}}
}
_SSE: dict[int | str, dict[str, object]] = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}
}
