"""Tell when each item of a queue ends, in time for ten thousand of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from labctl.core.items import ItemState, QueueItem
from labctl.core.status import StationStatus


@dataclass(frozen=True, slots=True)
class Ending:
    """Say when an item ends, on the station's clock; `utc` is in UTC.

    `is_least` tells that it may be later: what takes an unknown time comes before it.
    """

    utc: datetime
    is_least: bool = False


class Timeline:
    """Know how the waiting items follow each other; the present moment is added when asked.

    An item ends at `C + max(now + left, M)`: C is the time that it and all before it take, M the
    latest of the fixed earliest starts among them, less what had been taken up by then.
    """

    def __init__(self, items: Sequence[QueueItem] = ()) -> None:
        waits = [item.state is ItemState.WAITING for item in items]
        takes = [_takes_s(item) if wait else 0.0 for item, wait in zip(items, waits, strict=True)]
        known = np.nan_to_num(np.array(takes, dtype=float), nan=0.0)
        self._sum_s = np.cumsum(known)
        starts = [_earliest_s(item) if wait else -math.inf
                  for item, wait in zip(items, waits, strict=True)]  # fmt: skip
        fixed = np.array(starts, dtype=float) - (self._sum_s - known)
        self._fixed_s = np.maximum.accumulate(fixed) if len(fixed) else fixed
        vague = [math.isnan(taken) for taken in takes]
        self._is_vague = np.logical_or.accumulate(vague) if vague else np.zeros(0, bool)
        self._waits = waits

    def ending(self, row: int, status: StationStatus | None) -> Ending | None:
        """Return when the item in a row ends; None if it does not wait or nothing is known."""
        begin = begin_of(status)
        if begin is None or row >= len(self._waits) or not self._waits[row]:
            return None
        end_s = self._sum_s[row] + max(begin.utc.timestamp(), self._fixed_s[row])
        is_least = bool(self._is_vague[row]) or begin.is_least
        return Ending(datetime.fromtimestamp(float(end_s), UTC), is_least)

    def last(self, status: StationStatus | None) -> Ending | None:
        """Return when all that waits is done, or the present run if nothing waits."""
        rows = [row for row in range(len(self._waits) - 1, -1, -1) if self._waits[row]]
        return self.ending(rows[0], status) if rows else begin_of(status)

    @staticmethod
    def now(status: StationStatus) -> datetime:
        """Return the time of the station."""
        return datetime.fromisoformat(status.utc)

    def is_blind(self, row: int) -> bool:
        """Tell whether nothing is known of how long an item and those before it take."""
        return bool(self._is_vague[row]) and self._sum_s[row] == 0.0

    def left_s(self) -> float:
        """Return the time that all known waiting items take together."""
        return float(self._sum_s[-1]) if len(self._sum_s) else 0.0

    def is_vague(self) -> bool:
        """Tell whether an item waits that takes an unknown time."""
        return bool(len(self._is_vague) and self._is_vague[-1])


def begin_of(status: StationStatus | None) -> Ending | None:
    """Return when the first waiting item can begin: now, or at the end of the present run."""
    if status is None or not status.utc:
        return None
    now_s = datetime.fromisoformat(status.utc).timestamp()
    run = status.run
    left_s = 0.0 if run is None else run.left_s
    return Ending(datetime.fromtimestamp(now_s + (left_s or 0.0), UTC), left_s is None)


def _takes_s(item: QueueItem) -> float:
    """Return the predicted duration; NaN if it is not known, as for a pause."""
    if item.kind == "pause" or item.estimate_s is None:
        return math.nan
    return item.estimate_s


def _earliest_s(item: QueueItem) -> float:
    times = [] if item.conditions.not_before is None else [item.conditions.not_before]
    times += [datetime.fromisoformat(item.ready_utc)] if item.ready_utc else []
    return max((time.timestamp() for time in times), default=-math.inf)


def show_time(ending: Ending | None) -> str:
    """Return a time of day in UTC."""
    return "" if ending is None else f"{'≥ ' if ending.is_least else ''}{ending.utc:%H:%M}"


def show_moment(ending: Ending | None, now_utc: datetime | None) -> str:
    """Return a time of day with its zone, and the date if it is not the day of `now_utc`."""
    if ending is None:
        return ""
    if now_utc is None or now_utc.date() == ending.utc.date():
        return f"{show_time(ending)} UTC"
    return f"{'≥ ' if ending.is_least else ''}{ending.utc:%a %d %b %H:%M} UTC"


def show_duration(seconds: float | None) -> str:
    """Return a duration as people say it: `42 s`, `4 min 10 s`, `6 h 05 min`."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    hours, minutes = divmod(round(whole / 60), 60)
    return f"{hours} h {minutes:02d} min"
