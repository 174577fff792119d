"""Decide what the end of a run means for its item and for the queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from labctl.core.items import ItemState, QueueItem

Intent = Literal["", "pause_now", "stop", "abort", "close", "suspend"]
LONGEST_BACK_OFF_S = 3600.0
TABLE_FAULTS = frozenset(
    {
        "InstrumentError",
        "ConnectionFailed",
        "NoReply",
        "BadReply",
        "WrongIdentity",
        "ConfigError",
        "StorageError",
        "SafetyError",
    }
)
"""Errors that, before a run began, say something of the table and nothing of the item."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say what becomes of an item, and of the queue.

    `state` None keeps the item in hand: it goes on when somebody says so, or at once with
    `again`. `requeue` lets it wait again, for `wait_s` at least. `hold` is why nothing more
    starts, or empty. `alarm` is worth telling.
    """

    state: ItemState | None
    reason: str = ""
    requeue: bool = False
    wait_s: float = 0.0
    hold: str = ""
    alarm: str = ""
    again: bool = False


def crashed(item: QueueItem, code: int) -> Verdict:
    """Judge a worker that ended without a word."""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    reason = f"its worker ended by {how}"
    return Verdict(ItemState.INTERRUPTED, reason, alarm=f"{item.summary[:100]}: {reason}")


def refused(
    item: QueueItem, error: Mapping[str, Any], opened: bool, lost_host: str = ""
) -> Verdict:
    """Judge a run that could not begin."""
    reason = str(error.get("message", "refused"))[:1000]
    if lost_host:
        return Verdict(None, reason, alarm=f"{lost_host} ended: {reason}", again=True)
    kind = error.get("kind")
    if kind in TABLE_FAULTS and (not opened or kind == "StorageError"):
        # the next item would fail likewise: the whole night would be gone in a minute
        told = f"the table cannot be used: {reason}"
        return Verdict(ItemState.FAILED, reason, requeue=True, hold=told, alarm=told)
    return failed(item, reason)


def ended(
    item: QueueItem, message: Mapping[str, Any], intent: Intent, lost_host: str, failures: int
) -> Verdict:
    """Judge a run that ended properly.

    `failures` counts those at the same point in a row, this one included.
    """
    reason = str(message.get("reason", ""))[:1000]
    match message.get("state"):
        case "finished":
            return Verdict(ItemState.FINISHED, reason)
        case "aborted" if intent in ("pause_now", "suspend"):
            return Verdict(None, reason)
        case "aborted" if intent == "close":
            return closed(item, reason)
        case "aborted":
            alarm = "" if intent else f"{item.summary[:100]}: {reason}"
            return Verdict(ItemState.ABORTED, reason, alarm=alarm)
    if intent == "abort":
        # the table was made safe under its feet
        return Verdict(ItemState.ABORTED, reason)
    if lost_host:
        told = f"{lost_host} ended during {item.summary[:100]}; the point is repeated"
        return Verdict(None, reason, alarm=told, again=True)
    if message.get("error") == "StorageError":
        told = f"nothing can be stored: {reason}"
        return Verdict(ItemState.FAILED, reason, requeue=True, hold=told, alarm=told)
    return failed(item, reason, failures, hopeless=bool(message.get("hopeless")))


def failed(item: QueueItem, reason: str, failures: int = 1, *, hopeless: bool = True) -> Verdict:
    """Apply an item's own policy for failures; a `hopeless` one would fail again."""
    conditions, retry = item.conditions, item.conditions.retry
    alarm = f"{item.summary[:100]} failed: {reason}"
    if not hopeless and failures <= retry.most:
        wait_s = min(retry.wait_s * 2.0 ** (failures - 1), LONGEST_BACK_OFF_S)
        told = f"{alarm}; tried again after {wait_s:g} s"
        return Verdict(ItemState.FAILED, reason, requeue=True, wait_s=wait_s, alarm=told)
    hold = "" if conditions.on_failure == "skip" else alarm
    return Verdict(ItemState.FAILED, reason, hold=hold, alarm=alarm)


def closed(item: QueueItem, reason: str) -> Verdict:
    """Judge a run that the end of the service cut short."""
    if item.conditions.on_recovery == "resume":
        return Verdict(ItemState.ABORTED, reason, requeue=True)
    return Verdict(ItemState.INTERRUPTED, reason)
