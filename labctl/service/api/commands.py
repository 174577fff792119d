"""Carry each command out once, and put on record who gave it, before its sender is answered."""

import asyncio
import hashlib
import logging
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labctl.core.errors import StorageError
from labctl.service.api.audit import Audit
from labctl.service.api.guard import API, BODY, IDENTITY
from labctl.service.api.identity import Identity
from labctl.service.api.problems import Problem, Refusal, response_of
from labctl.service.queue.content import canonical_json

log = logging.getLogger(__name__)

KEY_HEADER = "idempotency-key"
MOST_REMEMBERED = 1024
SAFETY_COMMANDS = frozenset({"control/safe", "control/abort"})
"""These are never refused because a disk is full."""
UNRECORDED = frozenset({"table/estimate"})
"""Questions that need a body: nothing comes of them."""

_KEY = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


@dataclass(slots=True)
class _Answer:
    """Hold the answer to one command, once there is one."""

    digest: str
    messages: list[Message] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"]) if self.messages else 500


class Commands:
    """Record commands (POST, PUT), and answer a repeated one without doing it again.

    A client that got no answer sends the command again with the same `Idempotency-Key`; so does
    whoever replays a recorded request. Either gets the first answer.
    """

    def __init__(self, app: ASGIApp, audit: Audit) -> None:
        self._app = app
        self._audit = audit
        self._answers: OrderedDict[tuple[str, str], _Answer] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; commands are recorded."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT"):
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(scope, receive)
        except Refusal as refusal:
            await response_of(refusal.status, refusal.problem)(scope, receive, send)
            return
        for message in answer.messages:
            await send(message)

    async def _answer(self, scope: Scope, receive: Receive) -> _Answer:
        identity: Identity = scope["state"][IDENTITY]
        key, digest = _key(scope), _digest(scope)
        known = self._answers.get((identity.id, key)) if key else None
        if known is not None:
            if known.digest != digest:
                raise Refusal(409, "this Idempotency-Key belongs to another command")
            await known.done.wait()
            if not known.messages:
                raise Refusal(409, "this command failed before; look at the status and ask anew")
            return known
        answer = _Answer(digest)
        if key:
            self._answers[identity.id, key] = answer
            while len(self._answers) > MOST_REMEMBERED:
                self._answers.popitem(last=False)
        try:
            await self._carry_out(scope, receive, answer, identity)
        finally:
            answer.done.set()
            if key and answer.status >= 500:
                # a failure of the service itself may be tried again
                self._answers.pop((identity.id, key), None)
        return answer

    async def _carry_out(
        self, scope: Scope, receive: Receive, answer: _Answer, identity: Identity
    ) -> None:
        async def keep(message: Message) -> None:
            answer.messages.append(message)

        try:
            await self._app(scope, receive, keep)
        finally:
            command = scope["path"].removeprefix(API).partition("/")[2]
            if command not in UNRECORDED:
                problem = await self._record(scope, command, answer, identity)
                if problem is not None:
                    answer.messages.clear()
                    await response_of(507, problem)(scope, receive, keep)

    async def _record(
        self, scope: Scope, command: str, answer: _Answer, identity: Identity
    ) -> Problem | None:
        arguments = [scope["query_string"].decode("latin-1"), scope["state"][BODY]]
        name = command.replace("/", ".")[:200]
        try:
            await asyncio.to_thread(
                self._audit.append,
                identity.who,
                identity.role.value,
                name,
                arguments,
                _result(answer),
            )
        except StorageError as error:
            log.exception("the audit cannot be written: %s by %s", name, identity.who)
            if command not in SAFETY_COMMANDS:
                return Problem(
                    error="StorageError",
                    message=f"{name}: {_result(answer)}, but it is not on record: {error.message}",
                    remedy=error.remedy,
                )
        return None


def _key(scope: Scope) -> str:
    found = [value for name, value in scope["headers"] if name.lower() == KEY_HEADER.encode()]
    if not found:
        return ""
    text: str = found[0].decode("latin-1")
    if len(found) > 1 or not _KEY.fullmatch(text):
        raise Refusal(400, "an Idempotency-Key has 8 to 64 letters, digits, '-' and '_'")
    return text


def _digest(scope: Scope) -> str:
    whole: Any = [scope["path"], scope["query_string"].decode("latin-1"), scope["state"][BODY]]
    return hashlib.sha256(canonical_json(whole).encode()).hexdigest()


def _result(answer: _Answer) -> str:
    if answer.status < 400:
        return "done"
    body = b"".join(message.get("body", b"") for message in answer.messages[1:])
    return f"refused ({answer.status}): {body.decode('utf-8', 'replace')}"
