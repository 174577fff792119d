"""Plan the night: walk through every item of a queue in the order in which they would run."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from labctl.core.errors import LabctlError
from labctl.core.items import ItemId, ItemState, QueueItem
from labctl.service.queue.conditions import Entry, Standing, choose, entry_of, is_claimable
from labctl.service.queue.examination import DryRuns
from labctl.service.queue.night_plan import NightPlan, PlannedItem, add_dose
from labctl.service.queue.spots import Walk
from labctl.service.queue.spread import Forecast, Spreads

SPARE_BYTES = 1 << 30
"""What must stay free on the disk beside what the runs need."""


def plan_night(
    items: Sequence[QueueItem],
    walks: DryRuns,
    now_utc: datetime,
    *,
    spreads: Spreads | None = None,
    folder: Path | None = None,
    held: str = "",
) -> NightPlan:
    """Return what a queue would do from now on; touches no hardware.

    Parameters
    ----------
    items
        All items of the queue in order, also those that have ended: others may wait for them.
    walks
        Walks through the items of the station.
    now_utc
        The time at which the queue would start, or goes on.
    spreads
        What past runs tell about predicted durations; without it, the prior.
    folder
        Where the runs go; its disk must hold them.
    held
        Why nothing starts at present.
    """
    night = _Night(items, walks, now_utc, spreads or Spreads())
    night.play()
    free_bytes = shutil.disk_usage(folder).free if folder else None
    return night.result(free_bytes, held)


@dataclass
class _Night:
    items: Sequence[QueueItem]
    walks: DryRuns
    now_utc: datetime
    spreads: Spreads
    planned: dict[ItemId, PlannedItem] = field(default_factory=dict)
    behind_pause: bool = False

    def __post_init__(self) -> None:
        self._by_id = {item.id: item for item in self.items}
        self._standing = {
            item.id: Standing(item.state, number) for number, item in enumerate(self.items)
        }
        self._waiting: dict[ItemId, Entry] = {
            item.id: entry_of(item, number)
            for number, item in enumerate(self.items)
            if is_claimable(item)
        }
        self._anchor_s = self.now_utc.timestamp()
        self._earliest_s = self._anchor_s
        self._forecast = Forecast(self.spreads)

    @property
    def _now_s(self) -> float:
        return self._anchor_s + self._forecast.total_s

    def play(self) -> None:
        """Let the items take their turns on the forecast's clock."""
        self._end_the_running()
        while self._waiting:
            choice = choose(self._waiting.values(), self._now_s, self._standing.get)
            for item_id, reason in choice.skips.items():
                self._skip(item_id, reason)
            if choice.entry is not None:
                self._run(self._by_id[choice.entry.id])
            elif choice.next_s is not None:
                self._wait_until(choice.next_s)
            elif not choice.skips:
                break
        for item_id in list(self._waiting):
            self._skip(item_id, "it waits for an item that does not run by itself")

    def _end_the_running(self) -> None:
        for item in self.items:
            if item.state is ItemState.RUNNING and item.estimate_s is not None:
                started = datetime.fromisoformat(item.started_utc)
                passed_s = (self.now_utc - started).total_seconds()
                self._forecast.add(item.procedure, max(item.estimate_s - passed_s, 0.0))
            if item.state in (ItemState.RUNNING, ItemState.PAUSED):
                self.behind_pause |= item.kind == "pause"
                self._move(item.id, ItemState.FINISHED)

    def _run(self, item: QueueItem) -> None:
        if item.kind == "pause":
            self.behind_pause = True
            self._place(item, Walked(remarks=("the operator has to go on here",)))
            return
        self._place(item, self._walk(item))

    def _walk(self, item: QueueItem) -> "Walked":
        try:
            found = self.walks.walk(item)
        except LabctlError as error:
            return Walked(problems=(error.message,))
        ended_by = found.run.ended_by
        remarks = () if found.run.complete else (f"all numbers are lower bounds: {ended_by}",)
        return Walked(found, tuple(found.run.violations), remarks)

    def _place(self, item: QueueItem, walked: "Walked") -> None:
        start_s = self._now_s
        remarks = [*walked.remarks, *self._deadline_remark(item)]
        if walked.found is not None and not walked.problems:
            self._forecast.add(item.procedure, walked.found.run.total_s)
        runs = not walked.problems
        self.planned[item.id] = PlannedItem(
            item.id,
            item.summary,
            item.kind,
            start_utc=_utc(start_s) if runs else None,
            end_utc=_utc(self._now_s) if runs else None,
            end_interval_utc=self._interval_utc() if runs else None,
            duration_s=self._now_s - start_s,
            points=walked.found.run.points if walked.found and runs else 0,
            dose_j=walked.found.dose_j if walked.found and runs else None,
            disk_bytes=walked.found.disk_bytes if walked.found and runs else 0,
            problems=walked.problems,
            remarks=remarks,
        )
        self._move(item.id, ItemState.FINISHED if runs else ItemState.FAILED)

    def _deadline_remark(self, item: QueueItem) -> list[str]:
        deadline = item.conditions.deadline
        latest = self._interval_utc()[1]
        if deadline is None or latest <= deadline:
            return []
        return [f"may miss its deadline: the items before it may last until {latest:%H:%M} UTC"]

    def _wait_until(self, when_s: float) -> None:
        if self._interval_utc()[1].timestamp() <= when_s:
            self._anchor_s, self._forecast = when_s, Forecast(self.spreads)
        else:
            self._anchor_s += when_s - self._now_s
        self._earliest_s = when_s

    def _interval_utc(self) -> tuple[datetime, datetime]:
        low_s, high_s = self._forecast.interval_s()
        return _utc(max(self._anchor_s + low_s, self._earliest_s)), _utc(self._anchor_s + high_s)

    def _skip(self, item_id: ItemId, reason: str) -> None:
        item = self._by_id[item_id]
        self.planned[item_id] = PlannedItem(item.id, item.summary, item.kind, skipped=reason)
        self._move(item_id, ItemState.SKIPPED)

    def _move(self, item_id: ItemId, state: ItemState) -> None:
        self._standing[item_id] = Standing(state, self._standing[item_id].position)
        self._waiting.pop(item_id, None)

    def result(self, free_bytes: int | None, held: str) -> NightPlan:
        """Return the plan, the items in the order in which they would run."""
        planned = list(self.planned.values())
        dose_j: dict[str, dict[str, float]] = {}
        for item in planned:
            add_dose(dose_j, item.dose_j or {})
        disk_bytes = sum(item.disk_bytes for item in planned)
        problems = [f"{item.summary}: {text}" for item in planned for text in item.problems]
        if free_bytes is not None and disk_bytes + SPARE_BYTES > free_bytes:
            problems.append(
                f"the runs need {disk_bytes / 1e9:.2f} GB, {free_bytes / 1e9:.2f} GB are free, of "
                f"which {SPARE_BYTES / 1e9:.2f} GB must stay free"
            )
        return NightPlan(
            planned,
            self.now_utc,
            _utc(self._now_s),
            self._interval_utc(),
            sum(item.points for item in planned),
            dose_j,
            disk_bytes,
            free_bytes,
            problems,
            self._remarks(planned, held),
        )

    def _remarks(self, planned: Sequence[PlannedItem], held: str) -> list[str]:
        remarks = [f"nothing starts before the queue is released: {held}"] if held else []
        if self.behind_pause:
            remarks.append("times behind a pause count as if the operator went on at once")
        remarks += [f"{item.summary}: skipped: {item.skipped}" for item in planned if item.skipped]
        return remarks + [f"{item.summary}: {text}" for item in planned for text in item.remarks]


@dataclass(frozen=True, slots=True)
class Walked:
    """Hold the walk through an item, with what keeps it from starting and what does not."""

    found: Walk | None = None
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
