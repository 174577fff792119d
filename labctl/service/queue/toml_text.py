"""Write plain values as TOML; the standard library only reads it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from labctl.core.errors import UsageError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_key(name: str) -> str:
    """Return a key, quoted if it must be."""
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def toml_value(value: Any) -> str:
    """Return text, numbers, lists and tables (in line) as TOML.

    Raises
    ------
    UsageError
        For None and anything else that TOML does not have.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, Mapping):
        pairs = (f"{toml_key(name)} = {toml_value(part)}" for name, part in value.items())
        return "{" + ", ".join(pairs) + "}"
    raise UsageError(
        f"TOML has no way to write {'an empty value' if value is None else type(value).__name__}",
        remedy="export to a .json file instead",
    )


def _text(value: str) -> str:
    # JSON escapes whatever TOML wants escaped, but for one control character
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
