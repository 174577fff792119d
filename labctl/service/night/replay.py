"""Let a failure of last night happen again, in a test."""

import re
from dataclasses import dataclass

from labctl.core.errors import ConfigError
from labctl.core.link import Backend, Link, LinkSettings
from labctl.service.night.failures import Exchange, FailedExchange
from labctl.sim.emulator import Emulator

_NUMBER = re.compile(rb"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_QUIET_S = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Say where an emulator answers in another form than the instrument did."""

    number: int
    exchange: Exchange
    answered: bytes


def differences(
    failure: FailedExchange, emulator: Emulator, start_s: float = 0.0
) -> list[Difference]:
    """Feed an emulator with what was written, and compare the forms of the replies.

    Numbers are taken as equal: their noise is another. What is left are the exchanges that did not
    go as the instrument's manual says.
    """
    found = []
    now_s = start_s
    for number, exchange in enumerate(failure.exchanges):
        now_s += exchange.wait_s
        emulator.feed(exchange.write, now_s)
        answered = b""
        while (due_s := emulator.next_due_s()) is not None and due_s <= now_s + _QUIET_S:
            answered += emulator.take(due_s)
            now_s = max(now_s, due_s)
        if _form(answered) != _form(exchange.read):
            found.append(Difference(number, exchange, answered))
    return found


class FaultyBackend:
    """Open links that answer as an emulator does, but for the one exchange that failed.

    The reply to the first writing of what was written then is the one that came then: nothing, a
    part of it, or something else. Fulfils `labctl.core.link.Backend`.
    """

    def __init__(self, backend: Backend, failure: FailedExchange) -> None:
        if not failure.faulty.write:
            raise ConfigError(
                f"{failure.file or failure.instrument}: nothing was written in the exchange that "
                "failed, so there is nothing to answer"
            )
        self._backend = backend
        self._failure = failure
        self.happened = False

    def open_link(self, resource: str, settings: LinkSettings) -> Link:
        """Open a byte link; that of the failed instrument answers once as it did."""
        link = self._backend.open_link(resource, settings)
        return _FaultyLink(link, self) if resource == self._failure.resource else link

    def open_sdk(self, resource: str) -> object:
        """Open a vendor SDK, which is as it was."""
        return self._backend.open_sdk(resource)

    def reply_to(self, data: bytes) -> bytes | None:
        """Return what came instead of the reply to some bytes; None if nothing went wrong."""
        if self.happened or data != self._failure.faulty.write:
            return None
        self.happened = True
        return self._failure.faulty.read


class _FaultyLink:
    """Put the recorded reply in place of one reply of another link."""

    def __init__(self, link: Link, backend: FaultyBackend) -> None:
        self._link = link
        self._backend = backend
        self._instead: bytes | None = None

    def write(self, data: bytes) -> None:
        self._instead = self._backend.reply_to(data)
        self._link.write(data)

    def read(self, timeout_s: float) -> bytes:
        if self._instead is None:
            return self._link.read(timeout_s)
        instead, self._instead = self._instead, None
        # the true reply is taken off the line, as if the instrument had never sent it
        self._link.read(timeout_s)
        return instead or self._link.read(timeout_s)

    def close(self) -> None:
        self._link.close()


def _form(data: bytes) -> bytes:
    return _NUMBER.sub(b"#", data)
