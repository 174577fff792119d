r"""Find the exchanges that failed in the transcripts of a night, and keep them for the tests.

A kept failure is a TOML file in the format of the golden transcripts: `[[exchange]]` with `write`,
`read`, `wait_s` and `comment`; bytes stand as the Latin-1 characters of the same number.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from labctl import __version__
from labctl.core.clock import Clock
from labctl.core.errors import StorageError
from labctl.service.queue.toml_text import toml_value
from labctl.station.station import OpticalTable
from labctl.store.atomic import replace_file
from labctl.transport.transcript import Entry, read_transcript

SESSION = "session.json"
BEFORE, AFTER = 6, 8
"""Entries shown before and after the one at which the link was doubted."""
SAME_FAULT_S = 3.0
"""Doubts of one port that follow within this time are one failure."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """Hold what was written and what came back. `wait_s` is the time before it."""

    write: bytes
    read: bytes = b""
    wait_s: float = 0.0
    comment: str = ""


@dataclass(frozen=True, slots=True)
class FailedExchange:
    """Hold one failure on a port, with the exchanges around it."""

    instrument: str
    resource: str
    driver: str
    options: Mapping[str, Any]
    utc: datetime
    note: str
    exchanges: tuple[Exchange, ...]
    file: str = ""

    @property
    def faulty(self) -> Exchange:
        """Return the exchange that failed: the one with a comment."""
        return next((one for one in self.exchanges if one.comment), self.exchanges[-1])


def begin_transcripts(folder: Path, station: OpticalTable, clock: Clock) -> None:
    """Note beside the transcripts what their times mean and which driver wrote them."""
    content = {
        "utc": clock.utc().isoformat(),
        "monotonic_s": clock.monotonic_s(),
        "instruments": {
            name: {"driver": one.driver, "resource": one.resource, "options": one.options}
            for name, one in station.file.instruments.items()
        },
    }
    text = json.dumps(content, indent=1)
    replace_file(folder / SESSION, lambda fresh: _write(fresh, text))


def failed_exchanges(folder: Path) -> list[FailedExchange]:
    """Return the failures in all transcripts below a folder, in order of time.

    Raises
    ------
    StorageError
        If a transcript cannot be read.
    """
    found: list[FailedExchange] = []
    try:
        for head in sorted(folder.rglob(SESSION)):
            session = json.loads(head.read_text(encoding="utf-8"))
            for path in sorted(head.parent.glob("*.txt")):
                found += _of_port(path, session)
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"the transcripts in {folder} cannot be read: {error}") from error
    return sorted(found, key=lambda one: one.utc)


def keep_failure(failure: FailedExchange, path: Path) -> Path:
    """Write a failure as TOML; returns the name it got."""
    head: dict[str, Any] = {
        "instrument": failure.instrument,
        "driver": failure.driver,
        "resource": failure.resource,
        "utc": failure.utc.isoformat(),
        "why": failure.note,
        "source": f"recorded by labctl {__version__}",
        "honesty": "bytes as they went over the line; what they mean is for the reader to say",
    }
    lines = [f"{key} = {toml_value(value)}" for key, value in head.items()]
    lines.append(f"options = {toml_value(failure.options)}")
    for one in failure.exchanges:
        lines += ["", "[[exchange]]"]
        if one.comment:
            lines.append(f"comment = {toml_value(one.comment)}")
        if one.wait_s >= 0.001:
            lines.append(f"wait_s = {one.wait_s:.3f}")
        lines.append(f"write = {toml_value(one.write.decode('latin-1'))}")
        lines.append(f"read = {toml_value(one.read.decode('latin-1'))}")
    text = "\n".join(lines) + "\n"
    return replace_file(path, lambda fresh: _write(fresh, text))


def load_failure(path: Path) -> FailedExchange:
    """Read a kept failure.

    Raises
    ------
    StorageError
        If it cannot be read or is none.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        exchanges = tuple(
            Exchange(
                one["write"].encode("latin-1"), one["read"].encode("latin-1"),
                float(one.get("wait_s", 0.0)), one.get("comment", ""),
            )
            for one in content["exchange"]
        )  # fmt: skip
        return FailedExchange(
            content["instrument"], content["resource"], content["driver"], content["options"],
            datetime.fromisoformat(content["utc"]), content["why"], exchanges, path.name,
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StorageError(f"{path} holds no failed exchange: {error}") from error


def _of_port(path: Path, session: Mapping[str, Any]) -> Iterator[FailedExchange]:
    about = session["instruments"].get(path.stem, {})
    begin = datetime.fromisoformat(session["utc"])
    for doubt, entries in _around_doubts(list(read_transcript(path))):
        yield FailedExchange(
            instrument=path.stem,
            resource=about.get("resource", ""),
            driver=about.get("driver", ""),
            options=about.get("options", {}),
            utc=begin + timedelta(seconds=doubt.monotonic_s - session["monotonic_s"]),
            note=doubt.data.decode("latin-1"),
            exchanges=tuple(exchanges_of(entries)),
        )


def _around_doubts(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Sequence[Entry]]]:
    """Yield every note of doubt with the entries around it; those of one failure together."""
    doubts = [place for place, entry in enumerate(entries) if entry.direction == "!"]
    while doubts:
        first = last = doubts.pop(0)
        while doubts and _belongs(entries[doubts[0]], entries[last], doubts[0] - last):
            last = doubts.pop(0)
        yield entries[first], entries[max(first - BEFORE, 0) : last + AFTER]


def _belongs(doubt: Entry, before: Entry, distance: int) -> bool:
    return distance <= AFTER and doubt.monotonic_s - before.monotonic_s <= SAME_FAULT_S


def exchanges_of(entries: Sequence[Entry]) -> Iterator[Exchange]:
    """Return what was written, and what was read before the next writing; notes are comments."""
    blocks: list[list[Entry]] = []
    for entry in entries:
        if entry.direction == ">" or not blocks:
            blocks.append([])
        blocks[-1].append(entry)
    end_s = blocks[0][0].monotonic_s if blocks else 0.0
    for block in blocks:
        notes = [entry.data.decode("latin-1") for entry in block if entry.direction == "!"]
        yield Exchange(
            write=b"".join(entry.data for entry in block if entry.direction == ">"),
            read=b"".join(entry.data for entry in block if entry.direction == "<"),
            wait_s=max(block[0].monotonic_s - end_s, 0.0),
            comment="; ".join(notes),
        )
        end_s = block[-1].monotonic_s


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
