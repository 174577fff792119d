"""Take the byte stream of a client apart into requests: one flat JSON object per line."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

LONGEST_LINE = 65536
MOST_KEYS = 16

Request = dict[str, str | int | float | bool | None]


class Refused(Exception):
    """Say why something is not done."""


class Requests:
    """Collect bytes into requests."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Request | Refused]:
        """Yield every request that is complete, or what is wrong with it.

        Raises
        ------
        Refused
            If a line is too long: where the next one starts is then not known.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield _examined(line)
        if len(self._rest) > LONGEST_LINE:
            raise Refused(f"a line of more than {LONGEST_LINE} bytes")


def _examined(line: bytes) -> Request | Refused:
    try:
        return parse(line)
    except Refused as refusal:
        return refusal


def parse(line: bytes) -> Request:
    """Return the request of a line; raises `Refused` unless it is one flat JSON object."""
    if len(line) > LONGEST_LINE:
        raise Refused(f"a line of more than {LONGEST_LINE} bytes")
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=_no_constant)
    # nested too deeply, not UTF-8, or a number of too many digits
    except (ValueError, RecursionError) as error:
        raise Refused(f"not JSON: {str(error)[:100]}") from None
    if not isinstance(value, dict) or len(value) > MOST_KEYS:
        raise Refused("a request is one JSON object of a few keys")
    for key, item in value.items():
        if isinstance(item, (dict, list)) or (isinstance(item, float) and not math.isfinite(item)):
            raise Refused(f"{key[:40]!r} must be text, a finite number, true, false or null")
    return value


def text_of(request: Request, key: str, default: str | None = None) -> str:
    """Return a text of a request; raises `Refused`."""
    value = request.get(key, default)
    if not isinstance(value, str) or len(value) > LONGEST_LINE:
        raise Refused(f"{key!r} must be a text")
    return value


def whole_of(request: Request, key: str) -> int:
    """Return a whole number from 0 to 2⁵³ of a request; raises `Refused`."""
    value = request.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1 << 53:
        raise Refused(f"{key!r} must be a whole number from 0")
    return value


def number_of(request: Request, key: str) -> float:
    """Return a finite number from 0 of a request; raises `Refused`."""
    value = request.get(key)
    # written so that NaN is refused
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1e9:
        raise Refused(f"{key!r} must be a number from 0 to 1e9")
    return float(value)


def line_of(message: dict[str, Any]) -> bytes:
    """Return a message as a line."""
    return json.dumps(message).encode() + b"\n"


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")
