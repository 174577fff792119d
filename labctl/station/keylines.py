"""Find the line on which a key of a TOML text stands, for error messages."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]
_LONGEST_STATEMENT = 200


def line_of(text: str, key: Sequence[str | int]) -> int:
    """Return the line (from 1) of a key, else of the nearest table around it, else 1.

    Parameters
    ----------
    text
        A TOML text that parses.
    key
        The way to the key; an int counts the entries of an array of tables from 0.
    """
    best, best_length = 1, 0
    wanted = tuple(key)
    for number, path in _statements(text):
        shared = _shared(path, wanted)
        if shared > best_length:
            best, best_length = number, shared
    return best


def _shared(path: Path, wanted: Path) -> int:
    """Return how much of `wanted` a statement says; nothing if it goes another way."""
    length = min(len(path), len(wanted))
    if path[:length] != wanted[:length]:
        return next(i for i in range(length) if path[i] != wanted[i])
    return length


def _statements(text: str) -> Iterator[tuple[int, Path]]:
    """Yield the line and the full key of every table header and every assignment."""
    lines = text.splitlines()
    table: Path = ()
    counts: dict[Path, int] = {}
    row = 0
    while row < len(lines):
        end = _statement_end(lines, row)
        statement = "\n".join(lines[row:end])
        bare = statement.strip()
        if bare.startswith("["):
            table = _key(_parse(statement))
            if bare.startswith("[["):
                table = (*_with_indices(table[:-1], counts), table[-1])
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            else:
                table = _with_indices(table, counts)
            yield row + 1, table
        elif bare and not bare.startswith("#"):
            yield row + 1, (*table, *_assigned_key(statement))
        row = end


def _statement_end(lines: list[str], start: int) -> int:
    """Return the row behind the statement: multi-line strings and arrays go on."""
    for end in range(start + 1, min(start + _LONGEST_STATEMENT, len(lines)) + 1):
        if _parse("\n".join(lines[start:end])) is not None:
            return end
    return start + 1


def _assigned_key(statement: str) -> Path:
    """Return the key in front of the first `=` that is not part of a quoted key."""
    at = statement.find("=")
    while at >= 0:
        parsed = _parse(statement[:at] + "= 0")
        if parsed:
            return _key(parsed)
        at = statement.find("=", at + 1)
    return ()


def _with_indices(table: Path, counts: Mapping[Path, int]) -> Path:
    """Put the running number of an array of tables into the name of a table within it."""
    path: Path = ()
    for part in table:
        path = (*path, part)
        if path in counts:
            path = (*path, counts[path])
    return path


def _key(parsed: Mapping[str, Any] | None) -> Path:
    path: Path = ()
    node: Any = parsed
    while isinstance(node, list) or (isinstance(node, Mapping) and node):
        if isinstance(node, list):
            node = node[0] if node else None
            continue
        name = next(iter(node))
        path, node = (*path, name), node[name]
    return path


def _parse(text: str) -> Mapping[str, Any] | None:
    try:
        return tomllib.loads(text)
    # ValueError covers syntax and integers of too many digits
    except (ValueError, RecursionError):
        return None
