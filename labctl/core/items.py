"""Define what waits in a queue: a procedure with parameters, conditions and policies."""

import math
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from labctl.core.parameters import DurationS

DEEPEST = 32
"""Levels of lists and tables that parameters may have."""

ItemId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
"""Identity of an item for its whole life; positions change, identities do not."""


class ItemState(StrEnum):
    """Say where an item is."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    SKIPPED = "skipped"
    FAILED = "failed"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"
    QUARANTINED = "quarantined"
    """Has killed its worker twice, or was altered by hand: runs only when a person says so."""

    @property
    def is_end(self) -> bool:
        """Tell whether an item in this state will not run by itself."""
        return self not in (ItemState.WAITING, ItemState.RUNNING, ItemState.PAUSED)


def _dated(value: object) -> object:
    """Refuse numbers and bare times, which pydantic would take for seconds since 1970."""
    text = isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", value)
    if not text and not isinstance(value, datetime):
        raise ValueError("write a date and time with its zone, such as 2026-01-31T22:00:00+01:00")
    return value


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("the zone is missing: write it as in 2026-01-31T22:00:00+01:00")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("no such date in UTC") from None


UtcTime = Annotated[datetime, BeforeValidator(_dated), AfterValidator(_in_utc)]
"""Date and time, given with any zone and held in UTC."""


def check_plain(value: object, depth: int = 0) -> None:
    """Raise `ValueError` if a JSON value cannot be kept: too deep, not finite, no valid text."""
    if depth > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise ValueError("holds half of a character (a lone surrogate)")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no finite number")
    elif isinstance(value, Mapping):
        for name, part in value.items():
            check_plain(name, depth)
            check_plain(part, depth + 1)
    elif isinstance(value, list | tuple):
        for part in value:
            check_plain(part, depth + 1)


def _plain_parameters(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    check_plain(value)
    return value


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Retry(_Frozen):
    """Say how often and after which pause a failed item is tried again."""

    most: int = Field(default=0, ge=0, le=10, description="Further attempts after a failure")
    wait_s: DurationS = Field(default=60.0, description="Pause before an attempt")


class Conditions(_Frozen):
    """Say when an item may run, and what happens if it fails."""

    not_before: UtcTime | None = Field(default=None, description="Earliest start, with zone")
    deadline: UtcTime | None = Field(
        default=None, description="Skipped if it has not started by then"
    )
    after: ItemId | None = Field(default=None, description="Runs only when that item has ended")
    only_if: Literal["finished", "any"] = Field(
        default="finished", description="How the item in `after` must have ended"
    )
    retry: Retry = Retry()
    on_failure: Literal["skip", "pause", "stop"] = Field(
        default="skip", description="What a failure means for the rest of the queue"
    )
    on_recovery: Literal["resume", "ask", "skip"] = Field(
        default="ask", description="What happens with it after a crash or power cut"
    )


class QueueItem(_Frozen):
    """Hold one entry of the queue: a run, or a pause for the operator.

    `estimate_s` is the predicted duration from the dry run when it was added; `runs` are the
    names of the runs that it led to, `reason` why it ended as it did. `resumes` names the run
    that the next attempt goes on with (empty: it starts a new one), `ready_utc` is the end of the
    pause before a further attempt, and `crashes` counts attempts that ended with their worker.
    """

    id: ItemId
    kind: Literal["run", "pause"] = "run"
    procedure: str = ""
    parameters: Annotated[dict[str, JsonValue], AfterValidator(_plain_parameters)] = Field(
        default_factory=dict
    )
    label: str = Field(default="", max_length=100)
    conditions: Conditions = Conditions()
    state: ItemState = ItemState.WAITING
    estimate_s: float | None = None
    points: int | None = None
    attempts: int = 0
    runs: tuple[str, ...] = ()
    reason: str = ""
    resumes: str = ""
    ready_utc: str = ""
    crashes: int = 0
    added_utc: str = ""
    started_utc: str = ""
    ended_utc: str = ""

    @property
    def summary(self) -> str:
        """Return one line for people."""
        if self.kind == "pause":
            return self.label or "pause for the operator"
        shown = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.procedure}{f' [{self.label}]' if self.label else ''}: {shown or 'defaults'}"


def new_item_id() -> str:
    """Return an identity that no other item has (48 random bits)."""
    return secrets.token_hex(6)


def plain(value: BaseModel) -> dict[str, Any]:
    """Return a model as plain JSON values."""
    return value.model_dump(mode="json")
