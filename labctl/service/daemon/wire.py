"""Speak in lines of JSON between the service and its processes; never more than a size.

Arrays follow a line as raw bytes, whose number its field `payload_bytes` says: an image of the
camera in base64 costs more time than to expose it.
"""

import json
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from typing import IO, Any

from labctl.core.errors import BadReply

LARGEST_BYTES = 16_000_000
"""Longest line, and longest payload: an image of the camera has about 1 MB."""
MOST_WAITING = 20_000
PAYLOAD, PAYLOAD_BYTES = "payload", "payload_bytes"


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line; raises `ValueError` if it holds a NaN or is too long."""
    line = json.dumps(message, allow_nan=False, separators=(",", ":")).encode() + b"\n"
    if len(line) > LARGEST_BYTES:
        raise ValueError(f"a message of {len(line)} bytes is too long")
    return line


def messages(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the messages of a stream until its end; a payload is the field `payload`, as bytes.

    A last line without an end is what a killed process leaves behind: it is not yielded.

    Raises
    ------
    BadReply
        If a line or a payload is too long, or a line is no JSON object.
    """
    while line := stream.readline(LARGEST_BYTES + 1):
        if not line.endswith(b"\n"):
            if len(line) > LARGEST_BYTES:
                raise BadReply(f"a line is longer than {LARGEST_BYTES} bytes")
            return
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise BadReply(f"a line is no JSON: {line[:80]!r}") from error
        if not isinstance(message, dict):
            raise BadReply(f"a line is no JSON object: {line[:80]!r}")
        if PAYLOAD_BYTES in message:
            length = _payload_length(message.pop(PAYLOAD_BYTES))
            message[PAYLOAD] = stream.read(length)
            if len(message[PAYLOAD]) < length:
                return
        yield message


def _payload_length(length: object) -> int:
    if type(length) is not int or not 0 <= length <= LARGEST_BYTES:
        raise BadReply(f"a payload claims {length!r} bytes")
    return length


_Parts = tuple[bytes, bytes] | tuple[()]
"""A line and its payload; nothing."""


class Outbox:
    """Send messages from a thread of its own, so that a slow reader never holds up a run.

    Messages with a `key` are live: only the newest of each key waits. If too many others wait,
    they are dropped together and one `{"event": "resync"}` says so.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept: deque[_Parts] = deque()
        self._live: dict[str, _Parts] = {}
        self._ready = threading.Condition()
        self._is_closed = False
        self.is_broken = False
        """Whether the reader has gone."""
        self._thread = threading.Thread(target=self._send_all, name="outbox", daemon=True)
        self._thread.start()

    def send(self, event: str, *, key: str = "", payload: bytes = b"", **fields: Any) -> None:
        """Put a message on its way; returns at once."""
        if payload:
            fields[PAYLOAD_BYTES] = len(payload)
        line = (encode({"event": event, **fields}), payload)
        with self._ready:
            if self.is_broken:
                return
            if key:
                self._live[key] = line
            elif len(self._kept) >= MOST_WAITING:
                self._kept.clear()
                self._kept.append((encode({"event": "resync"}), b""))
                self._kept.append(line)
            else:
                self._kept.append(line)
            self._ready.notify_all()

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what waits, as far as the reader takes it in time."""
        with self._ready:
            self._is_closed = True
            self._ready.notify_all()
        self._thread.join(timeout_s)

    def _send_all(self) -> None:
        while parts := self._next():
            try:
                for part in parts:
                    _write_all(self._descriptor, part)
            except OSError:
                with self._ready:
                    self.is_broken = True
                    self._kept.clear()
                    self._live.clear()
                return

    def _next(self) -> _Parts:
        with self._ready:
            self._ready.wait_for(lambda: self._kept or self._live or self._is_closed)
            # what must not be lost goes first: a spectrum can wait
            if self._kept:
                return self._kept.popleft()
            return self._live.pop(next(iter(self._live))) if self._live else ()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
