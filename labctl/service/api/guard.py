"""Stand before the app: nothing reaches it that is unknown, too large or malformed."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labctl.core.errors import UsageError
from labctl.service.api.gate import Gate
from labctl.service.api.identity import Peer
from labctl.service.api.problems import Refusal, defect, response_of
from labctl.service.api.strict_json import LARGEST_BYTES, parse_json

log = logging.getLogger(__name__)

API = "/api/"
PEER, IDENTITY, BODY = "labctl_peer", "labctl_identity", "labctl_body"
"""Names in `scope["state"]`: `Peer`, `Identity`, and the parsed body of a command."""
BODY_S = 20.0
"""How long the body of a request may take to arrive."""
DRAIN_S = 1.0

SECURITY_HEADERS = (
    (b"content-security-policy", b"default-src 'none'; script-src 'self'; style-src 'self'; "
     b"img-src 'self' data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
     b"form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)  # fmt: skip


class Guard:
    """Check host, origin, identity, size and form of every request before it goes on.

    A connection that nobody vouches for (no `Peer` in the scope) counts as remote.
    """

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        hardened, reader = _hardened(send), _Reader(receive)
        try:
            body = await self._admit(scope, reader)
        except Refusal as refusal:
            await reader.drain()
            challenge = {"www-authenticate": "Bearer"} if refusal.status == 401 else {}
            # what was not read yet must not be taken for the next request
            response = response_of(
                refusal.status, refusal.problem, {"connection": "close"} | challenge
            )
            await response(scope, receive, hardened)
            return
        await self._pass_on(scope, _replayed(body, receive), hardened)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        # whatever went wrong, the service goes on, and no detail leaves it
        except Exception as error:
            log.exception("unexpected %s", type(error).__name__)
            if not started:
                await response_of(500, defect(error))(scope, receive, send)

    async def _admit(self, scope: Scope, reader: "_Reader") -> bytes:
        state = scope.setdefault("state", {})
        peer = state.get(PEER, Peer("remote"))
        headers = _headers(scope)
        host = self._gate.check_host(peer, headers)
        if not scope["path"].startswith(API):
            if scope["method"] not in ("GET", "HEAD"):
                raise Refusal(405, f"{scope['method'][:20]} is not for pages")
            return b""
        self._gate.check_origin(scope["scheme"], host, headers)
        state[IDENTITY] = await self._gate.identify(peer, headers)
        body = await asyncio.wait_for(reader.body(headers), BODY_S)
        state[BODY] = _parsed(body, headers)
        return body


class _Reader:
    """Read the body of one request, and never more of it than is allowed."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0
        self._has_ended = False

    async def body(self, headers: Mapping[str, Sequence[str]]) -> bytes:
        """Return the body; raises `Refusal` (413) if it is too large."""
        for length in headers.get("content-length", ()):
            if not length.isdecimal() or int(length[:12]) > LARGEST_BYTES:
                raise _too_large()
        parts = bytearray()
        while not self._has_ended:
            parts += await self._part()
            if len(parts) > LARGEST_BYTES:
                raise _too_large()
        return bytes(parts)

    async def drain(self) -> None:
        """Take what nobody reads, within limits, so that its sender gets to read the answer."""
        with contextlib.suppress(TimeoutError, Refusal):
            async with asyncio.timeout(DRAIN_S):
                while not self._has_ended and self._taken < LARGEST_BYTES:
                    await self._part()

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "the client went away")
        part: bytes = message.get("body", b"")
        self._taken += len(part)
        self._has_ended = not message.get("more_body", False)
        return part


def _too_large() -> Refusal:
    return Refusal(413, f"a body may have {LARGEST_BYTES} bytes")


def _parsed(body: bytes, headers: Mapping[str, Sequence[str]]) -> Any:
    if not body:
        return None
    kinds = headers.get("content-type", ())
    kind = kinds[0].split(";")[0].strip().lower() if len(kinds) == 1 else ""
    if kind != "application/json":
        raise Refusal(415, "a body must be application/json")
    try:
        return parse_json(body)
    except UsageError as error:
        raise Refusal(400, error.message) from error


def _headers(scope: Scope) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in scope["headers"]:
        found[name.decode("latin-1").lower()].append(value.decode("latin-1"))
    return found


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def once() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def _hardened(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *SECURITY_HEADERS]}
        await send(message)

    return with_headers
