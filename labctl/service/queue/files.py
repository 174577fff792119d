"""Read and write queues as TOML or JSON files.

Every exported item carries the hash of its content. An item that was changed by hand after the
export, so that its hash does not fit, comes back in quarantine with the reason, and the others
run. Items without a hash, as people write them, are new.
"""

import functools
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from labctl.core.clock import Clock
from labctl.core.errors import ConfigError, UsageError
from labctl.core.items import ItemState, QueueItem
from labctl.core.parameters import nearest_hint
from labctl.service.queue.file_items import FileReader, item_hash, printable
from labctl.service.queue.file_model import without_dates
from labctl.service.queue.json_lines import json_line_of
from labctl.service.queue.toml_text import toml_key, toml_value
from labctl.station.keylines import line_of
from labctl.store.atomic import replace_file

FORMAT = 1
LARGEST_BYTES = 16_000_000
_REMEDY = "configs/queues/overnight.toml is a complete, commented example"
_TABLES = ("parameters", "conditions")


def read_queue_file(path: str | Path, clock: Clock) -> list[QueueItem]:
    """Return the items of a queue file, loops expanded, each with an identity of its own.

    Parameters
    ----------
    path
        A `.toml` or `.json` file.
    clock
        The clock of the station; `+2 h` and `22:00+01:00` count from its time.

    Raises
    ------
    ConfigError
        If the file cannot be read, or says anything unknown or out of range; every problem is
        named with file, line and key.
    """
    file = Path(path)
    return parse_queue(_read(file), file, clock.utc())


def parse_queue(text: str, path: Path, now_utc: datetime) -> list[QueueItem]:
    """Return the items of the text of a queue file; see `read_queue_file`."""
    parse, find_line = _format_of(path)
    name = printable(str(path))
    document = parse(text, name)
    reader = FileReader(name, functools.partial(find_line, text), now_utc)
    _check_head(document, reader)
    return reader.read(document.get("item", []))


def write_queue_file(path: str | Path, items: Sequence[QueueItem]) -> Path:
    """Write items with their hashes; an old file is replaced as a whole.

    What they ask for is written, not how far they have come. Items in quarantine stay there.

    Raises
    ------
    UsageError
        If the name ends neither in `.toml` nor in `.json`, or TOML cannot hold a parameter.
    StorageError
        If the file cannot be written.
    """
    file = Path(path)
    _format_of(file, UsageError)
    entries = [_entry(item) for item in items]
    for entry in entries:
        entry["hash"] = item_hash(entry)
    if file.suffix == ".json":
        text = json.dumps({"format": FORMAT, "item": entries}, indent=2, ensure_ascii=False) + "\n"
    else:
        text = f"format = {FORMAT}\n" + "".join(map(_toml_item, entries))
    return replace_file(file, lambda fresh: _write(fresh, text))


def _entry(item: QueueItem) -> dict[str, Any]:
    plain = item.model_dump(mode="json", exclude_defaults=True)
    names = ("id", "kind", "procedure", "label", "parameters", "conditions")
    entry = {name: plain[name] for name in names if name in plain}
    if item.state is ItemState.QUARANTINED:
        entry["quarantined"] = item.reason or "in quarantine when it was exported"
    return entry


def _toml_item(entry: Mapping[str, Any]) -> str:
    lines = ["", "[[item]]"]
    lines += [
        f"{toml_key(name)} = {toml_value(value)}"
        for name, value in entry.items()
        if name not in _TABLES
    ]
    for table in _TABLES:
        if entry.get(table):
            lines += ["", f"[item.{table}]"]
            lines += [f"{toml_key(name)} = {toml_value(v)}" for name, v in entry[table].items()]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _read(path: Path) -> str:
    name = printable(str(path))
    try:
        if path.is_dir():
            raise ConfigError(f"{name}: is a folder, not a queue file", remedy=_REMEDY)
        with path.open("rb") as stream:
            data = stream.read(LARGEST_BYTES + 1)
    # ValueError: a path with a NUL character
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{name}: cannot read the queue file: {reason}") from error
    if len(data) > LARGEST_BYTES:
        raise ConfigError(f"{name}: more than {LARGEST_BYTES} bytes: this is no queue file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: the text is not UTF-8", remedy=_REMEDY) from error


def _format_of(
    path: Path, error: type[ConfigError | UsageError] = ConfigError
) -> tuple[Callable[[str, str], dict[str, Any]], Callable[[str, Sequence[str | int]], int]]:
    if path.suffix == ".toml":
        return _parse_toml, line_of
    if path.suffix == ".json":
        return _parse_json, json_line_of
    raise error(f"{printable(str(path))}: a queue file ends in .toml or .json", remedy=_REMEDY)


def _parse_toml(text: str, name: str) -> dict[str, Any]:
    try:
        return dict(without_dates(tomllib.loads(text)))
    # ValueError covers syntax and integers of too many digits
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid TOML: {_told(error)}", remedy=_REMEDY) from error


def _parse_json(text: str, name: str) -> dict[str, Any]:
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        told = f"{name}:{error.lineno}: not valid JSON: {error.msg}"
        raise ConfigError(told, remedy=_REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid JSON: {_told(error)}", remedy=_REMEDY) from error
    if not isinstance(document, dict):
        raise ConfigError(f"{name}:1: a queue file holds one object", remedy=_REMEDY)
    return document


def _check_head(document: Mapping[str, Any], reader: FileReader) -> None:
    for key in document:
        if key not in ("format", "item"):
            hint = printable(nearest_hint(key, ("format", "item")))
            reader.problems.append(((key,), f"unknown key{hint}"))
    version = document.get("format", FORMAT)
    if version != FORMAT or isinstance(version, bool):
        told = f"format {printable(repr(version))[:50]} is not known; this labctl reads {FORMAT}"
        reader.problems.append((("format",), told))
    if not isinstance(document.get("item", []), list):
        told = "write each item as a table of its own: [[item]]"
        reader.problems.append((("item",), told))
        reader.check()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {printable(repr(twice))} is given twice")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no finite number")


def _told(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else printable(str(error))
