"""Follow a service: a snapshot, then everything that happens, also across lost connections."""

import http.client
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from labctl.client.connection import Connection
from labctl.client.stream import Stream
from labctl.core.errors import ConnectionFailed

LONGEST_LINE = 32_000_000

STATUS, LOST = "status", "lost"


@dataclass(frozen=True, slots=True)
class Event:
    """Hold one thing that happened.

    Kinds: those of the service (`run`, `point`, `state`, `note`, `queue`, `alarm`, `safety`,
    `readings`, `spectrum`, `progress`, `step`); `status` with a whole new snapshot as `data`;
    `resync` (events are missing: read points again); `lost` (no connection: all values grow old).
    """

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    seq: int | None = None


class EventStream(Stream):
    """Iterate over the events of a service, for ever; `close` ends it, from any thread.

    Parameters
    ----------
    connection
        To the service.
    kinds
        Kinds that are wanted besides `status`, `resync` and `lost`; none means all.
    """

    def __init__(self, connection: Connection, kinds: Sequence[str] = ()) -> None:
        super().__init__(connection)
        self._kinds = ",".join(kinds)
        self._since: int | None = None
        self._boot = ""

    def __iter__(self) -> Iterator[Event]:
        """Yield events; a refused token raises, a lost connection is made again."""
        for part in self._follow(self._listen):
            if isinstance(part, ConnectionFailed):
                yield Event(LOST, {"reason": part.message})
            else:
                yield part

    def _listen(self) -> Iterator[Event]:
        query = {"since": self._since, "boot": self._boot, "kinds": self._kinds}
        given = {name: value for name, value in query.items() if value not in (None, "")}
        for event in self._receive("/events", given, parse_events):
            self._note(event)
            yield event

    def _note(self, event: Event) -> None:
        if event.seq is not None:
            self._since = event.seq
        if event.kind == STATUS:
            boot = str(event.data.get("boot", ""))
            if boot != self._boot:
                self._boot, self._since = boot, event.data.get("seq")


def parse_events(stream: BinaryIO | http.client.HTTPResponse) -> Iterator[Event]:
    """Yield the server-sent events of a stream until its end; a last part without end is dropped.

    Raises
    ------
    ConnectionFailed
        If the stream holds something else.
    """
    fields: dict[str, str] = {}
    while line := stream.readline(LONGEST_LINE):
        if not line.endswith(b"\n"):
            return
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if "data" in fields:
                yield _event(fields)
            fields = {}
        elif not text.startswith(":"):
            name, _, value = text.partition(":")
            fields[name] = value.removeprefix(" ")


def _event(fields: Mapping[str, str]) -> Event:
    try:
        data = json.loads(fields["data"])
        seq = int(fields["id"]) if "id" in fields else None
        if not isinstance(data, dict):
            raise ValueError("no object")
    except (ValueError, RecursionError) as error:
        raise ConnectionFailed(f"the service sent an event that is none: {error}") from error
    return Event(fields.get("event", "message"), data, seq)
