"""Find the line on which a key of a JSON text stands, for error messages."""

import json
import re
from collections.abc import Iterator, Sequence

_NEXT = re.compile(r'[{}\[\],:]|"(?:[^"\\]|\\.)*"|[^\s{}\[\],:"]+')

Path = tuple[str | int, ...]


def json_line_of(text: str, key: Sequence[str | int]) -> int:
    """Return the line (from 1) of a key, else of the nearest object around it, else 1.

    Parameters
    ----------
    text
        A JSON text that parses.
    key
        The way to the key; an int counts the entries of an array from 0.
    """
    wanted = tuple(key)
    best, best_at = 0, 0
    for at, path in _places(text):
        if best < len(path) <= len(wanted) and path == wanted[: len(path)]:
            best, best_at = len(path), at
            if best == len(wanted):
                break
    return text.count("\n", 0, best_at) + 1


def _places(text: str) -> Iterator[tuple[int, Path]]:
    """Yield offset and path of every key and of every entry of an array."""
    path: list[str | int] = []
    expects_key = False
    for match in _NEXT.finditer(text):
        part = match[0]
        if path and isinstance(path[-1], int) and part not in "]}," and not expects_key:
            yield match.start(), tuple(path)
        if part.startswith('"') and expects_key:
            path[-1], expects_key = json.loads(part), False
            yield match.start(), tuple(path)
        elif part in "{[":
            expects_key = part == "{"
            path.append("" if expects_key else 0)
        elif part in "}]":
            path.pop()
            expects_key = False
        elif part == ",":
            last = path[-1]
            if isinstance(last, int):
                path[-1] = last + 1
            else:
                expects_key = True
