"""Read JSON from strangers: finite numbers, no key twice, bounded size and depth."""

import json
import math
from typing import Any, NoReturn

from labctl.core.errors import UsageError

LARGEST_BYTES = 1 << 20
DEEPEST = 32
LARGEST_WHOLE = 1 << 63


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    UsageError
        If it is no JSON of at most `LARGEST_BYTES` and `DEEPEST` levels, holds NaN, infinity, a
        whole number beyond 64 bits, half of a character, or a key twice.
    """
    if len(body) > LARGEST_BYTES:
        raise UsageError(f"the body has {len(body)} bytes, {LARGEST_BYTES} are allowed")
    try:
        value = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_once
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise UsageError(f"the body is no JSON: {str(error)[:200]}") from None
    _check(value)
    return value


def _check(value: Any) -> None:
    level = [value]
    for depth in range(DEEPEST + 1):
        holders = [one for one in level if isinstance(one, dict | list)]
        for one in level:
            _check_single(one)
        if not holders:
            return
        if depth < DEEPEST:
            level = [part for one in holders for part in _parts(one)]
    raise _too_deep()


def _parts(holder: dict[str, Any] | list[Any]) -> list[Any]:
    return [*holder.keys(), *holder.values()] if isinstance(holder, dict) else holder


def _check_single(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError("the body holds a number that is not finite")
    if isinstance(value, int) and not -LARGEST_WHOLE <= value < LARGEST_WHOLE:
        raise UsageError("the body holds a whole number beyond 64 bits")
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise UsageError("the body holds half of a character (a lone surrogate)")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _too_deep() -> UsageError:
    return UsageError(f"the body is nested deeper than {DEEPEST} levels")
