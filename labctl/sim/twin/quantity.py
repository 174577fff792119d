"""Declare the numbers of the simulated table: value, unit, meaning and range in one line."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Group(BaseModel):
    """Hold numbers that belong to one thing; frozen, strictly typed, finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True
    )


def number(default: float, unit: str, description: str, **limits: float) -> Any:
    """Declare a field of a `Group`; `limits` are pydantic's `ge`, `gt`, `le` and `lt`."""
    return Field(
        default, description=description, json_schema_extra={"unit": unit}, **dict[str, Any](limits)
    )


def leaves(group: Group, prefix: str = "") -> Iterator[tuple[str, float | int, str, str]]:
    """Yield (dotted name, value, unit, description) of every number, in order of declaration."""
    for key, field in type(group).model_fields.items():
        value = getattr(group, key)
        if isinstance(value, Group):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            extra = field.json_schema_extra
            unit = str(extra["unit"]) if isinstance(extra, Mapping) else ""
            yield f"{prefix}{key}", value, unit, field.description or ""
