"""Define what waits in a queue: a procedure with parameters, conditions and policies."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from labctl.core.parameters import DurationS

ItemId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
"""Identity of an item for its whole life; positions change, identities do not."""


class ItemState(StrEnum):
    """Say where an item is. `quarantined` items have killed their worker twice."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    SKIPPED = "skipped"
    FAILED = "failed"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"
    QUARANTINED = "quarantined"

    @property
    def is_end(self) -> bool:
        """Tell whether an item in this state will not run by itself."""
        return self not in (ItemState.WAITING, ItemState.RUNNING, ItemState.PAUSED)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Retry(_Frozen):
    """Say how often and after which pause a failed item is tried again."""

    most: int = Field(default=0, ge=0, le=10, description="Further attempts after a failure")
    wait_s: DurationS = Field(default=60.0, description="Pause before an attempt")


class Conditions(_Frozen):
    """Say when an item may run, and what happens if it fails."""

    not_before: datetime | None = Field(default=None, description="Earliest start, with zone")
    deadline: datetime | None = Field(
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
    names of the runs that it led to, `reason` why it ended as it did.
    """

    id: ItemId
    kind: Literal["run", "pause"] = "run"
    procedure: str = ""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    label: str = Field(default="", max_length=100)
    conditions: Conditions = Conditions()
    state: ItemState = ItemState.WAITING
    estimate_s: float | None = None
    points: int | None = None
    attempts: int = 0
    runs: tuple[str, ...] = ()
    reason: str = ""
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


def plain(value: BaseModel) -> dict[str, Any]:
    """Return a model as plain JSON values."""
    return value.model_dump(mode="json")
