"""Write plain JSON: strict, compact, without NaN."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from labctl.core.errors import UsageError


def to_json(content: object) -> str:
    """Return compact JSON; raises `UsageError` for what JSON cannot hold, NaN included."""
    try:
        return _ENCODER.encode(content)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"this cannot be stored: {error}",
            remedy="record finite numbers, text, arrays, readings and spectra only",
        ) from error


def to_json_fast(content: object) -> bytes:
    """Return the same content as `to_json` in a tenth of the time, for what is in every point."""
    try:
        text = orjson.dumps(content, default=_plain)
    except TypeError:  # text that is not Unicode, for instance: the slow way knows how, or why not
        return to_json(content).encode()
    # a number that is not finite comes out as null, and so does None: the slow way tells them apart
    if b"null" in text:
        return to_json(content).encode()
    return text


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is not plain JSON")


_ENCODER = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False, check_circular=False, default=_plain
)
