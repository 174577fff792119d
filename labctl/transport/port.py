"""Own one port: one link, one lock, one buffer, and the knowledge whether it is in step."""

import threading
from collections.abc import Callable, Sequence

from labctl.core.clock import Clock
from labctl.core.errors import BadReply, ConnectionFailed, NoReply
from labctl.core.link import Link
from labctl.transport.transcript import Direction, Transcript

MAX_REPLY_BYTES = 65536
"""No reply of the supported instruments comes near this."""

_MAX_DRAIN_BYTES = 1 << 20
_MAX_QUIET_PERIODS = 20


class Port:
    """Carry the bytes of every instrument on one port.

    `doubts` counts the events after which replies cannot be trusted: whoever has not proved the
    link since the last one must do so before asking. `openings` counts how often the link was
    opened. All methods are to be called with `lock` held.
    """

    def __init__(
        self,
        resource: str,
        open_link: Callable[[], Link],
        clock: Clock,
        transcript: Transcript | None = None,
    ) -> None:
        self.resource = resource
        self.clock = clock
        self.lock = threading.RLock()
        self.doubts = 0
        self.openings = 0
        self._open_link = open_link
        self._link: Link | None = None
        self._buffer = b""
        self._transcript = transcript

    def open(self) -> None:
        """Open the link unless it is open.

        Raises
        ------
        ConnectionFailed
            With the cause and the remedy.
        """
        if self._link is None:
            self._link = self._open_link()
            self._buffer = b""
            self.openings += 1
            self.doubts += 1

    def close(self) -> None:
        """Close the link and the transcript; closing twice is allowed."""
        self._drop()
        if self._transcript is not None:
            self._transcript.close()

    def hang_up(self) -> None:
        """Close the link; its next use opens it again, and it has to be proved."""
        self._drop()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._note(">", data)
        try:
            self._opened().write(data)
        except ConnectionFailed:
            self._drop()
            raise
        except BaseException:
            self.doubt("interrupted while writing")
            raise

    def read_until(self, terminators: Sequence[bytes], timeout_s: float) -> bytes:
        """Return one reply up to and including the first terminator.

        Raises
        ------
        NoReply
            If it does not come whole in time; the message holds what came.
        BadReply
            If it is longer than any reply.
        """
        return self._collect(lambda data: _end_of_reply(data, terminators), timeout_s)

    def read_count(self, count: int, timeout_s: float) -> bytes:
        """Return exactly `count` bytes; raises like `read_until`."""
        return self._collect(lambda data: count if len(data) >= count else None, timeout_s)

    def pending(self) -> bytes:
        """Take and return all that has come, without waiting."""
        taken, self._buffer = self._buffer, b""
        while len(taken) < _MAX_DRAIN_BYTES and (chunk := self._read(0.0)):
            taken += chunk
        return taken

    def drain(self, quiet_s: float) -> None:
        """Throw away what comes until nothing has come for `quiet_s`.

        Raises
        ------
        ConnectionFailed
            If the line never falls silent.
        """
        self._buffer = b""
        end_s = self.clock.monotonic_s() + _MAX_QUIET_PERIODS * quiet_s
        total = 0
        while chunk := self._read(quiet_s):
            total += len(chunk)
            if total > _MAX_DRAIN_BYTES or self.clock.monotonic_s() > end_s:
                raise ConnectionFailed(
                    f"{self.resource}: {total} bytes that nobody asked for, and no end",
                    remedy="check baud rate and wiring, and that nothing else uses the port",
                )

    def doubt(self, reason: str) -> None:
        """Let nobody on this port ask again before proving the link."""
        self._note("!", reason.encode("ascii", "backslashreplace"))
        self.doubts += 1

    def _collect(self, end_of: Callable[[bytes], int | None], timeout_s: float) -> bytes:
        deadline_s = self.clock.monotonic_s() + timeout_s
        try:
            while (end := end_of(self._buffer)) is None:
                if len(self._buffer) > MAX_REPLY_BYTES:
                    raise BadReply(f"a reply of more than {MAX_REPLY_BYTES} bytes")
                chunk = self._read(max(0.0, deadline_s - self.clock.monotonic_s()))
                if not chunk:
                    got = repr(self._buffer) if self._buffer else "nothing"
                    raise NoReply(f"got {got} within {timeout_s:g} s")
                self._buffer += chunk
        except ConnectionFailed:
            raise
        # an interrupted reply is still on its way, whatever the interruption was
        except BaseException as error:
            self.doubt(str(error) or type(error).__name__)
            raise
        reply, self._buffer = self._buffer[:end], self._buffer[end:]
        return reply

    def _read(self, timeout_s: float) -> bytes:
        try:
            chunk = self._opened().read(timeout_s)
        except ConnectionFailed:
            self._drop()
            raise
        if chunk:
            self._note("<", chunk)
        return chunk

    def _opened(self) -> Link:
        if self._link is None:
            raise ConnectionFailed(
                f"{self.resource}: the line has dropped", remedy="ask again to reopen the port"
            )
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        self._buffer = b""
        self.doubts += 1
        if link is not None:
            link.close()

    def _note(self, direction: Direction, data: bytes) -> None:
        if self._transcript is not None:
            self._transcript.add(direction, data)


def _end_of_reply(data: bytes, terminators: Sequence[bytes]) -> int | None:
    ends = [at + len(end) for end in terminators if (at := data.find(end)) >= 0]
    return min(ends, default=None)
