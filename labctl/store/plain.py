"""Write plain JSON: strict, compact, without NaN."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

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


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is not plain JSON")


_ENCODER = json.JSONEncoder(
    separators=(",", ":"), allow_nan=False, check_circular=False, default=_plain
)
