"""Keep what went over the wire, and play it back in place of the instrument."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

from labctl.core.clock import Clock
from labctl.core.errors import ConnectionFailed, StorageError

Direction = Literal[">", "<", "!"]


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one line: `>` was written, `<` was read, `!` is a note about the link."""

    monotonic_s: float
    direction: Direction
    data: bytes


class Transcript:
    r"""Append to a file of JSON lines `{"s": …, "dir": ">", "data": "KRDG? A\n"}`.

    Bytes are written as the Latin-1 characters of the same number, so that every byte survives.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        try:
            self._file: TextIO = path.open("a", encoding="ascii", buffering=1)
        except OSError as error:
            raise StorageError(
                f"the transcript {path} cannot be written: {error.strerror}",
                remedy="choose a folder that exists and is writable",
            ) from error

    def add(self, direction: Direction, data: bytes) -> None:
        """Append one entry, stamped with the monotonic clock."""
        entry = {
            "s": round(self._clock.monotonic_s(), 6),
            "dir": direction,
            "data": data.decode("latin-1"),
        }
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._file.close()


def read_transcript(path: Path) -> Iterator[Entry]:
    """Yield the entries of a transcript file in order."""
    with path.open(encoding="ascii") as lines:
        for line in lines:
            entry = json.loads(line)
            yield Entry(entry["s"], entry["dir"], entry["data"].encode("latin-1"))


class ReplayLink:
    """Play a transcript: accept exactly what was written and give back what was read.

    Raises
    ------
    ConnectionFailed
        If something else is written than the transcript holds, or more.
    """

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = [entry for entry in entries if entry.direction != "!"]
        self._next = 0

    def write(self, data: bytes) -> None:
        """Compare bytes with the transcript."""
        expected = self._take(">")
        if expected != data:
            raise ConnectionFailed(
                f"the transcript holds {expected!r} where {data!r} was written",
                remedy="record a new transcript, or undo the change of the driver",
            )

    def read(self, timeout_s: float) -> bytes:  # noqa: ARG002
        """Return what the transcript holds next, or b"" if a question is due."""
        return self._take("<")

    def close(self) -> None:
        """Do nothing: there is no port."""

    def _take(self, direction: Direction) -> bytes:
        due = self._entries[self._next : self._next + 1]
        if not due or due[0].direction != direction:
            return b""
        self._next += 1
        return due[0].data
