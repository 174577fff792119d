"""kill -9 a run against a served table at random instants, resume it, and check everything.

One campaign is one run: it is killed, resumed, perhaps killed again, and resumed to its end.
What must hold is compared with three witnesses that the killed process cannot influence any
more: what it acknowledged (synced before it went on), the rows of its database right after the
kill, and what reached the instruments, written down by the process that serves them.
"""

import contextlib
import json
import multiprocessing
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kill_victim
from table_process import Action, TableProcess

from labctl.core.clock import RealClock
from labctl.core.journal import RunState
from labctl.core.messages import Point, Record
from labctl.core.procedure import get_procedure
from labctl.core.results import Temperature
from labctl.engine.compare import in_words
from labctl.service import Session
from labctl.service.evaluation import evidence_of
from labctl.station.calibrations import CalibrationFolder
from labctl.store import RunReader
from labctl.store.folders import run_folders

PACKAGES = ("procedures", "adaptive_procedures")
LONGEST_S = 50.0
"""Time on the wall after which an attempt is taken to hang, in s."""
MOMENTS = ("started", "started", "committed", "exposing")
"""After what the kill comes: half of them at any time between the start and the end."""

SHORT: Mapping[str, Any] = {"exposure_s": 1.0, "accumulations": 3}
POWER_SERIES: Mapping[str, Any] = SHORT | {
    "windows": ["raman"],
    "regions": ["intermediate", "mono"],
    "powers": [50e-6, 100e-6, 200e-6, 300e-6],
    "refocus": False,
}
BISECTION: Mapping[str, Any] = SHORT | {"steps": 8, "wanted_counts": 3000.0}


@dataclass(slots=True)
class Attempt:
    """Hold what one process did before it ended or was killed."""

    name: str
    killed: bool
    wall_s: float
    first_point: int = 0
    began: bool = False
    messages: list[tuple[int, str]] = field(default_factory=list)
    acknowledged: dict[int, str] = field(default_factory=dict)
    open_at_kill: tuple[str, ...] = ()
    points_after: int = 0


@dataclass(slots=True)
class Campaign:
    """Hold one run with all attempts at it."""

    number: int
    procedure: str
    attempts: list[Attempt] = field(default_factory=list)
    rows: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    temperatures: Sequence[Temperature] = ()

    @property
    def kills(self) -> int:
        """Return how often the run was killed."""
        return sum(attempt.killed for attempt in self.attempts)


class Campaigns:
    """Run campaigns of one procedure against one served table."""

    def __init__(
        self, table: TableProcess, folder: Path, procedure: str, values: Mapping[str, Any]
    ) -> None:
        self.table = table
        self.procedure = procedure
        self.values = values
        self._folder = folder
        self._clock = RealClock()
        # the process that forks the victims has to find their modules
        os.environ["PYTHONPATH"] = str(Path(__file__).parent)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["kill_victim", "drivers.base", "scipy.optimize"])
        self.reference = self._undisturbed()
        self.wall_s = self.reference.attempts[-1].wall_s

    def run(
        self,
        number: int,
        chance: random.Random,
        kills: int = 1,
        moments: Sequence[str] = MOMENTS,
    ) -> Campaign:
        """Run once with some kills, resume to the end, and check it; `AssertionError` if wrong."""
        campaign = Campaign(number, self.procedure)
        output = self._new_output(f"{self.procedure}-{number}")
        for _ in range(kills):
            self._attempt(campaign, output, self._instant(chance, moments))
            self._check_rows(campaign, output)
            # a kill may also come after the last point, during analysis and export
            if self._is_finished(output):
                break
        if not self._is_finished(output):
            last = self._attempt(campaign, output, None)
            assert not last.killed
        self._check(campaign, output)
        shutil.rmtree(output)
        return campaign

    # -- processes

    def _undisturbed(self) -> Campaign:
        campaign = Campaign(0, self.procedure)
        output = self._new_output(f"{self.procedure}-undisturbed")
        self._attempt(campaign, output, None)
        self._check(campaign, output)
        return campaign

    def _new_output(self, name: str) -> Path:
        output = self._folder / name
        output.mkdir()
        calibrations = self._folder / "calibrations"
        if calibrations.exists():
            shutil.copytree(calibrations, output / "calibrations")
        return output

    def _instant(self, chance: random.Random, moments: Sequence[str]) -> tuple[str, int, float]:
        """Choose when to kill: after so many events of a kind, and a delay in s."""
        kind = chance.choice(moments)
        if kind == "started":
            return kind, 1, chance.uniform(0.0, self.wall_s)
        points = len(self.reference.points)
        return kind, chance.randint(1, points - 2), chance.uniform(0.0, 0.05)

    def _attempt(
        self, campaign: Campaign, output: Path, instant: tuple[str, int, float] | None
    ) -> Attempt:
        name = f"{campaign.procedure} {campaign.number} {len(campaign.attempts)}"
        self.table.mark(name)
        log_path = output / f"attempt{len(campaign.attempts)}.jsonl"
        ours, theirs = self._context.Pipe(duplex=False)
        arguments = (self.table.station, output, self.procedure, self.values, log_path, theirs)
        process = self._context.Process(target=kill_victim.work, args=arguments)
        process.start()
        theirs.close()
        start_s = self._clock.monotonic_s()
        if instant is not None and self._await(ours, instant[0], instant[1]):
            process.join(instant[2])
        process.join(0 if instant is not None else LONGEST_S)
        wall_s = self._clock.monotonic_s() - start_s
        process.kill()
        process.join()
        assert process.exitcode in ((0, -9) if instant is not None else (0,)), (
            f"{name} ended with {process.exitcode}"
        )
        attempt = Attempt(name, process.exitcode == -9, wall_s)
        ours.close()
        process.close()
        self.table.mark(f"end of {name}")
        _read_log(attempt, log_path)
        campaign.attempts.append(attempt)
        attempt.points_after = len(self._rows(output))
        actions = list(self.table.actions(name))
        if attempt.killed and actions:
            attempt.open_at_kill = actions[-1].open
        return attempt

    def _await(self, wire: Any, kind: str, count: int) -> bool:
        """Wait for the n-th event of a kind; False if the process ended before."""
        end_s = self._clock.monotonic_s() + LONGEST_S
        with contextlib.suppress(EOFError):
            while wire.poll(max(0.0, end_s - self._clock.monotonic_s())):
                count -= wire.recv() == kind
                if count == 0:
                    return True
        return False

    # -- witnesses

    def _rows(self, output: Path) -> dict[int, tuple[Any, ...]]:
        """Return the rows of the points as they are on the disk, from a copy of the folder."""
        run = kill_victim.latest_run(output)
        if run is None:
            return {}
        copy = output / "copy"
        shutil.copytree(run, copy)
        database = sqlite3.connect(copy / "run.sqlite")
        try:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = database.execute("SELECT number,header,payload,crc FROM points").fetchall()
        finally:
            database.close()
            shutil.rmtree(copy)
        return {row[0]: row[1:] for row in rows}

    def _check_rows(self, campaign: Campaign, output: Path) -> None:
        rows = self._rows(output)
        assert {number: rows[number] for number in campaign.rows} == campaign.rows
        for attempt in campaign.attempts:
            assert set(attempt.acknowledged) <= set(rows), "an acknowledged point is lost"
        campaign.rows = rows

    def _is_finished(self, output: Path) -> bool:
        run = kill_victim.latest_run(output)
        if run is None:
            return False
        with RunReader(run) as reader:
            return reader.state is RunState.FINISHED

    # -- what must hold

    def _check(self, campaign: Campaign, output: Path) -> None:
        run = kill_victim.latest_run(output)
        assert run is not None
        began = [folder for _, folder in run_folders(output) if _has_begun(folder)]
        assert began == [run], "more than one run has begun"
        self._check_rows(campaign, output)
        with RunReader(run) as reader:
            assert reader.state is RunState.FINISHED
            assert reader.damaged() == []
            # the table's time goes on while nobody watches, and never back
            assert all((start.gap_s or 0.0) >= 0 for start in reader.starts)
            entries = list(reader.entries())
            campaign.points = [entry.point for entry in entries]
            expected = list(self._expected(entries))
            campaign.temperatures = self._temperatures(reader, output)
        self._check_points(campaign)
        for attempt in campaign.attempts:
            check_order(attempt, expected)
            check_wire(attempt, list(self.table.actions(attempt.name)))

    def _check_points(self, campaign: Campaign) -> None:
        points = campaign.points
        assert [point.number for point in points] == list(range(len(points)))
        assert [point.attempt for point in points] == sorted(point.attempt for point in points)
        assert [point.utc for point in points] == sorted(point.utc for point in points)
        acknowledged = [
            (number, digest)
            for attempt in campaign.attempts
            for number, digest in attempt.acknowledged.items()
        ]
        numbers = [number for number, _ in acknowledged]
        assert len(set(numbers)) == len(numbers), "a point was acknowledged twice"
        for number, digest in acknowledged:
            assert kill_victim.digest(points[number]) == digest, f"point {number} has changed"
        if campaign.number > 0:
            assert len(points) == len(self.reference.points)

    def _expected(self, entries: Sequence[Any]) -> Iterator[tuple[int, str]]:
        """Yield what the plan asks for if it is answered from the record, from its start on."""
        procedure = get_procedure(self.procedure, PACKAGES)()
        plan = procedure.plan(procedure.Parameters.model_validate(dict(self.values)))
        answer: Any = None
        for entry in entries:
            for exchange in entry.exchanges:
                yield entry.point.number, in_words(plan.send(answer))
                answer = exchange.answer
            message = plan.send(answer)
            assert isinstance(message, Record)
            yield entry.point.number, in_words(message)
            answer = entry.point.number

    def _temperatures(self, reader: RunReader, output: Path) -> Sequence[Temperature]:
        calibrations = CalibrationFolder.open(output / "calibrations").items
        if not calibrations:
            return ()
        known = {calibration.kind: calibration for calibration in calibrations}
        procedure = get_procedure(self.procedure, PACKAGES)()
        return procedure.analyse(evidence_of(reader, known)).temperatures


def _has_begun(folder: Path) -> bool:
    with contextlib.suppress(Exception), RunReader(folder) as reader:
        return bool(reader.starts)
    return False


def _read_log(attempt: Attempt, path: Path) -> None:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "attempt" in entry:
            attempt.began, attempt.first_point = True, entry["first_point"]
        elif "message" in entry:
            attempt.messages.append((entry["point"], entry["message"]))
        elif "acknowledged" in entry:
            assert entry["acknowledged"] not in attempt.acknowledged
            attempt.acknowledged[entry["acknowledged"]] = entry["digest"]


def check_order(attempt: Attempt, expected: Sequence[tuple[int, str]]) -> None:
    """Check that an attempt asked for what was left of the plan, in order, and nothing else."""
    left = [step for step in expected if step[0] >= attempt.first_point]
    messages = attempt.messages
    set_up = 0
    if attempt.first_point:
        before = [text for number, text in expected if number < attempt.first_point]
        wanted = _last_settings(before)
        set_up = len(wanted)
        assert [text for _, text in messages[:set_up]] == wanted[: len(messages)]
    live = messages[set_up:]
    assert live == left[: len(live)], f"{attempt.name} left the plan"
    assert attempt.killed or len(live) == len(left), f"{attempt.name} ended early"


def _last_settings(messages: Sequence[str]) -> list[str]:
    """Return the last `Set` of every channel, in the order in which they were given."""
    last: dict[str, str] = {}
    for text in messages:
        if text.startswith("Set("):
            channel = text.split("'")[1]
            last.pop(channel, None)
            last[channel] = text
    return list(last.values())


def check_wire(attempt: Attempt, actions: Sequence[Action]) -> None:
    """Check on the table itself that nothing moved or shone while a shutter was open."""
    asked: set[str] = set()
    for action in actions:
        if action.asks_shutter:
            asked.add(action.to)
        if action.is_move or action.is_emission:
            assert action.open == (), f"{attempt.name}: {action} with an open shutter"
        # the drivers home nothing by themselves, so that the first move is one of the plan
        if (action.is_move or action.is_emission or action.is_exposure) and attempt.began:
            assert asked == {"sc10_probe", "sc10_pump"}, (
                f"{attempt.name}: {action} before both shutters were closed"
            )
    exposures = sum(action.is_exposure for action in actions)
    asked_for = sum("Acquire(" in text for _, text in attempt.messages)
    assert asked_for - attempt.killed <= exposures <= asked_for


def prepare(table: TableProcess, folder: Path) -> None:
    """Cool the camera of the served table, and calibrate the thermometer for campaigns on it.

    The calibration is made on the virtual clock, with the same numbers of the same twin.
    """
    with Session(table.station, folder / "cooling") as session:
        session.run("spectrum", SHORT).check()
    with Session(folder / "simulated.toml", folder / "calibration") as session:
        finished = session.run(
            "thermometry_calibration",
            SHORT | {"temperatures": [250.0, 298.0, 350.0], "accumulations": 12, "refocus": False},
        )
        finished.outcome.check()
        (calibration,) = finished.result.calibrations
    CalibrationFolder.open(folder / "calibrations").save(calibration)
