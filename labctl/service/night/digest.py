"""Collect what a night left behind: events, runs, results, failed exchanges."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from labctl.core.errors import LabctlError, UsageError
from labctl.core.items import ItemState, QueueItem
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Exposure
from labctl.service.night.budget import Budget, budget_of
from labctl.service.night.events import NightEvent, read_events
from labctl.service.night.failures import FailedExchange
from labctl.service.places import RESULT_FILE
from labctl.service.queue import rows
from labctl.service.queue.database import StationDatabase
from labctl.store.catalogue import Catalogue
from labctl.store.reader import RunReader

NEAR_S = 60.0
"""Exchanges that failed so shortly before an attempt did may have been its cause."""


@dataclass(frozen=True, slots=True)
class RunDigest:
    """Hold what one run measured, where its time went, and what is doubtful in it.

    `doubts` counts points by the reason for which something in them is not good; `simulated`
    says what was simulated, as the run recorded it.
    """

    name: str
    folder: str
    procedure: str
    state: str
    points: int
    attempts: int
    begin: datetime
    end: datetime
    budget: Budget
    result: Mapping[str, Any] = field(default_factory=dict)
    doubts: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    simulated: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Hold a time without measuring: how long, why, and how the table was brought back."""

    item: str
    run: str
    begin: datetime
    end: datetime | None
    cause: str
    outcome: str
    differs: bool = False

    @property
    def duration_s(self) -> float:
        """Return the length in s; 0 if it never ended."""
        return (self.end - self.begin).total_seconds() if self.end else 0.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Hold a failed attempt and what was done about it."""

    item: str
    run: str
    time: datetime
    error: str
    what: str
    done: str
    remedy: str
    exchanges: Sequence[FailedExchange] = ()


@dataclass(frozen=True, slots=True)
class ItemDigest:
    """Hold one item with its runs. `missing` says which points are not there, and why."""

    item: QueueItem
    runs: Sequence[RunDigest]
    begin: datetime | None
    end: datetime | None
    missing: str = ""

    @property
    def points(self) -> int:
        """Return how many points are safe in the runs of the item."""
        return sum(run.points for run in self.runs)


@dataclass(frozen=True, slots=True)
class Digest:
    """Hold everything that the report of a night shows."""

    night: str
    begin: datetime
    end: datetime
    station: str
    items: Sequence[ItemDigest]
    sentinels: Sequence[RunDigest]
    gaps: Sequence[Gap]
    faults: Sequence[Fault]
    exchanges: Sequence[FailedExchange]
    events: Sequence[NightEvent]
    waiting: Sequence[QueueItem]
    unconfirmed: Sequence[str] = ()
    ended_by: str = ""

    @property
    def points(self) -> int:
        """Return how many points were committed."""
        return sum(one.points for one in self.items)

    @property
    def simulated(self) -> str:
        """Return what was simulated, from the records of the runs."""
        return ", ".join(dict.fromkeys(
            run.simulated for one in self.items for run in one.runs if run.simulated
        ))  # fmt: skip

    @property
    def runs(self) -> Sequence[ItemDigest]:
        """Return the items that were to be measured, without the pauses."""
        return [one for one in self.items if one.item.kind == "run"]

    @property
    def finished(self) -> int:
        """Return how many items that were to be measured have finished."""
        return sum(one.item.state is ItemState.FINISHED for one in self.runs)


def digest_of(
    database: StationDatabase,
    root: Path,
    exchanges: Sequence[FailedExchange] = (),
    night: str | None = None,
) -> Digest:
    """Collect a night, by default the last one.

    Raises
    ------
    UsageError
        If there is no such night.
    """
    events = read_events(database, night)
    if not events:
        raise UsageError(
            f"no night is known in {database.path}"
            if night is None
            else f"there is no night {night}",
            remedy="'labctl queue run FILE' makes one",
        )
    began, ended = events[0], events[-1]
    is_over = ended.what == "night ended"
    here = [one for one in exchanges if began.time <= one.utc <= ended.time]
    return Digest(
        night=began.night,
        begin=began.time,
        end=ended.time,
        station=str(began.data.get("station", "")),
        items=_items(database, root, events),
        sentinels=_sentinels(root, events),
        gaps=gaps_of(events),
        faults=faults_of(events, here),
        exchanges=here,
        events=events,
        waiting=_waiting(database),
        unconfirmed=tuple(ended.data.get("unconfirmed", ())) if is_over else (),
        ended_by=ended.why if is_over else "it was cut short, or goes on",
    )


def gaps_of(events: Sequence[NightEvent]) -> list[Gap]:
    """Return the times without measuring: suspensions, and failures until the run went on."""
    found: list[Gap] = []
    for place, event in enumerate(events):
        if event.what not in ("suspended", "failed"):
            continue
        ends = ("resumed",) if event.what == "suspended" else ("started", "gave up")
        later = (one for one in events[place + 1 :] if one.what in ends and one.item == event.item)
        end = next(later, None)
        within = events[place + 1 : events.index(end)] if end else []
        compared = [one for one in (*within, *([end] if end else [])) if "sentinel" in one.data]
        numbers = compared[-1].data["sentinel"]["numbers"] if compared else None
        words = (compared[-1] if compared else end).why if end else "it did not go on"
        found.append(
            Gap(event.item, event.run, event.time, end.time if end else None, event.why,
                words or "the run went on", numbers is not None and _differs(numbers))
        )  # fmt: skip
    return found


def faults_of(events: Sequence[NightEvent], exchanges: Sequence[FailedExchange]) -> list[Fault]:
    """Return the failed attempts, each with what was done and the exchanges that broke then."""
    found: list[Fault] = []
    for place, event in enumerate(events):
        if event.what not in ("failed", "recovered", "not safe", "export failed"):
            continue
        answer = next(
            (one for one in events[place + 1 :]
             if one.what in ("retried", "gave up", "made safe", "started")
             and one.item in (event.item, "")),
            None,
        )  # fmt: skip
        since = event.time - timedelta(seconds=NEAR_S)
        near = [one for one in exchanges if since <= one.utc <= event.time]
        found.append(
            Fault(event.item, event.run, event.time, str(event.data.get("error", event.what)),
                  event.why, f"{answer.what} {answer.why}".strip() if answer else "",
                  str(event.data.get("remedy", "")), near[-2:])
        )  # fmt: skip
    return found


def digest_run(folder: Path) -> RunDigest:
    """Return what is known of one run; raises `StorageError` if it cannot be read."""
    with RunReader(folder) as reader:
        states = reader.states
        return RunDigest(
            name=reader.run,
            folder=str(folder),
            procedure=reader.procedure,
            state=reader.state.value,
            points=len(reader),
            attempts=len(reader.starts),
            begin=datetime.fromisoformat(reader.start.utc),
            end=datetime.fromisoformat(states[-1].utc if states else reader.start.utc),
            budget=budget_of(reader),
            result=_result(folder),
            doubts=_doubts(reader),
            problem=next((one.reason for one in reversed(states) if one.reason), ""),
            simulated=_simulated(reader.start.station),
        )


def _simulated(station: Mapping[str, Any]) -> str:
    told = station.get("simulation")
    return f"truth {told.get('truth')}, seed {told.get('seed')}" if told else ""


def _items(database: StationDatabase, root: Path, events: Sequence[NightEvent]) -> list[ItemDigest]:
    ids = dict.fromkeys(event.item for event in events if event.item)
    catalogue, found = Catalogue(root), []
    for item_id in ids:
        try:
            with database.reading() as db:
                item = rows.fetch(db, item_id)
        except UsageError:
            continue
        runs = []
        for name in item.runs:
            # a run that cannot be read is listed under its item by name only
            try:
                runs.append(digest_run(catalogue.find(name)))
            except LabctlError:
                continue
        times = [event.time for event in events if event.item == item_id]
        found.append(ItemDigest(item, runs, times[0], times[-1], _missing(item, runs)))
    return found


def _missing(item: QueueItem, runs: Sequence[RunDigest]) -> str:
    if item.kind == "pause" or item.state is ItemState.FINISHED:
        return ""
    have = sum(run.points for run in runs)
    if item.points is None:
        return f"{have} points are there, how many were to come is not known: {item.reason}"
    if have >= item.points:
        return ""
    which = "all" if not have else f"{have} to {item.points - 1}"
    return f"points {which} of {item.points}: {item.reason or item.state}"


def _sentinels(root: Path, events: Sequence[NightEvent]) -> list[RunDigest]:
    names = [event.data["sentinel"].get("run", "") for event in events if "sentinel" in event.data]
    return [digest_run(Catalogue(root).find(name)) for name in names if name]


def _waiting(database: StationDatabase) -> list[QueueItem]:
    open_states = (ItemState.WAITING, ItemState.INTERRUPTED, ItemState.QUARANTINED)
    with database.reading() as db:
        found = db.execute("SELECT body FROM items ORDER BY position, number").fetchall()
    items = [rows.item_of(body) for (body,) in found]
    return [item for item in items if item.state in open_states]


def _result(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _doubts(reader: RunReader) -> dict[str, int]:
    found: dict[str, int] = {}
    for point in reader.points(skip_damaged=True):
        for value in point.data.values():
            if isinstance(value, Reading | Exposure) and value.quality is not Quality.GOOD:
                found[value.reason] = found.get(value.reason, 0) + 1
    if damaged := reader.damaged():
        found["the point is damaged on the disk"] = len(damaged)
    return found


def _differs(numbers: Mapping[str, Any]) -> bool:
    from labctl.service.night.comparison import Comparison

    return not Comparison(**numbers).agrees
