"""Define what a queue file may say of an item."""

from datetime import date, datetime, time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from labctl.core.items import Retry


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class FileConditions(_Section):
    """Say when an item may run; times are date and time with zone, `22:00+01:00` or `+2 h`."""

    not_before: str | None = Field(default=None, description="Earliest start")
    deadline: str | None = Field(default=None, description="Skipped if not started by then")
    after: str | None = Field(default=None, description="Label or id of the item to wait for")
    only_if: Literal["finished", "any"] = "finished"
    retry: Retry = Retry()
    on_failure: Literal["skip", "pause", "stop"] = "skip"
    on_recovery: Literal["resume", "ask", "skip"] = "ask"


class FileItem(_Section):
    """Describe one item, or with `loop` several.

    The parameters within one `loop` change together; several loops are nested, the first
    outermost.
    """

    id: str = ""
    kind: Literal["run", "pause"] = "run"
    procedure: str = ""
    label: str = Field(default="", max_length=100)
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    conditions: FileConditions = FileConditions()
    loop: list[dict[str, list[JsonValue]]] = Field(default_factory=list)
    quarantined: str = Field(default="", description="Why it must not run by itself")
    hash: str = Field(default="", description="Of all other keys; written by the export")


def without_dates(value: Any) -> Any:
    """Return TOML data as JSON data: dates and times become text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: without_dates(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_dates(part) for part in value]
    return value
