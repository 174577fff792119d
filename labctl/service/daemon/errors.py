"""Raise in the service what a worker reported."""

from collections.abc import Mapping
from typing import Any

from labctl.core import errors
from labctl.core.errors import LabctlError

_KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, LabctlError)
}


def error_from(fields: Mapping[str, Any] | None) -> LabctlError:
    """Return the error that the fields describe."""
    found = fields or {}
    kind = _KINDS.get(str(found.get("kind")), LabctlError)
    return kind(str(found.get("message", "no reason given")), remedy=str(found.get("remedy", "")))
