"""kill -9 a service at random instants, start it again, and check that nothing is lost.

What is killed is the worker, the service, or everything that it started: the service, its
workers, the camera's host and the safety process. The instruments live in another process, as
real ones do, and tell what reached them.

What must hold is compared with two witnesses: the rows of the run's database right after each
kill, and the points that the service had told its listeners.
"""

import contextlib
import json
import os
import queue
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon_rig import POINTS, POWER_SERIES, item

from labctl.core.clock import RealClock
from labctl.core.items import plain
from labctl.core.journal import RunState
from labctl.store import RunReader
from labctl.store.folders import run_folders

LONGEST_S = 50.0
KINDS = ("worker", "service", "everything")
PARAMETERS: Mapping[str, Any] = POWER_SERIES | {"exposure_s": 10.0, "accumulations": 1}
SETTINGS: Mapping[str, Any] = {"monitor": False, "stop_s": 20.0, "orphan_s": 20.0}

Rows = dict[tuple[str, int], tuple[Any, ...]]
Look = tuple[tuple[int, int, int], ...]


class Served:
    """Hold one process that serves."""

    def __init__(self, station: Path, data: Path, **settings: Any) -> None:
        self.data = data
        self.told: list[tuple[str, int]] = []
        """Points that listeners were told of: run and number."""
        self._clock = RealClock()
        self._lines: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        command = [sys.executable, str(Path(__file__).with_name("daemon_victim.py"))]
        command += [str(station), str(data), json.dumps({**SETTINGS, **settings})]
        with (data.parent / "victim.log").open("a") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill_everything()
        self._collect()

    def order(self, do: str, **fields: Any) -> Any:
        """Give a command and return its answer."""
        self.process.stdin.write(json.dumps({"do": do, **fields}) + "\n")
        self.process.stdin.flush()
        answer = self._answers.get(timeout=LONGEST_S)
        assert "error" not in answer, answer
        return answer["answer"]

    def until(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next line that fits."""
        end_s = self._clock.monotonic_s() + LONGEST_S
        while (left_s := end_s - self._clock.monotonic_s()) > 0:
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=min(left_s, 0.5))
                if fits(line):
                    return line
            assert self.process.poll() is None, f"the service ended with {self.process.poll()}"
        status = self.order("status")
        told = {key: status[key] for key in ("state", "reason", "run", "queue", "safety", "alarms")}
        raise AssertionError(f"the service did not tell in time what was waited for: {told}")

    def wait(self) -> int:
        """Return the exit code."""
        code = self.process.wait(LONGEST_S)
        self._collect()
        return code

    def kill_worker(self) -> bool:
        """Kill the worker of the run; False if there is none at this moment."""
        pid = self.order("pids")["worker"]
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(pid)

    def kill_service(self) -> None:
        """Kill the service alone."""
        self.process.kill()
        self._collect()

    def kill_everything(self) -> None:
        """Kill the service and all that works for it, at one instant."""
        stopped: set[int] = set()
        # what is stopped starts nothing more
        while new := self._family() - stopped:
            for pid in new:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            stopped |= new
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._collect()

    def _family(self) -> set[int]:
        roots = {self.process.pid}
        with contextlib.suppress(OSError, ValueError, KeyError):
            secrets = json.loads((self.data / "station" / "safety-secrets.json").read_text())
            if "labctl.service.safety" in Path(f"/proc/{secrets['pid']}/cmdline").read_text():
                roots.add(secrets["pid"])
        parents = dict(_parents())
        found, grown = set(roots), True
        while grown:
            grown = {pid for pid, parent in parents.items() if parent in found} - found
            found |= grown
        return {pid for pid in found if pid in parents}

    def _read(self) -> None:
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if message.get("event") == "point":
                    self.told.append((message["run"], message["number"]))
                where = self._answers if "answer" in message else self._lines
                where.put(message)

    def _collect(self) -> None:
        self.process.wait(LONGEST_S)
        self._thread.join(LONGEST_S)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()


def _parents() -> Any:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    yield int(folder.name), int(fields[1])


@dataclass(slots=True)
class Figures:
    """Count what became of the kills."""

    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    runs: int = 0
    points: int = 0
    quarantines: int = 0
    resumed_s: list[float] = field(default_factory=list)


class Storm:
    """Run items one after the other, and kill what runs them."""

    def __init__(self, station: Path, folder: Path, seed: int) -> None:
        self._station = station
        self._data = folder / "data"
        self._data.mkdir(exist_ok=True)
        self._chance = random.Random(seed)
        self._clock = RealClock()
        self._rows: Rows = {}
        self._looks: dict[str, Look] = {}
        self._told: set[tuple[str, int]] = set()
        self.figures = Figures()
        self._served = self._start()

    def close(self) -> None:
        """End the service in order, and look at every run once more."""
        self._served.process.send_signal(signal.SIGTERM)
        assert self._served.wait() == 0
        self._looks.clear()
        self._remember()

    def run(self, kinds: list[str]) -> None:
        """Run one item, kill as said meanwhile, and check what it left; `AssertionError`."""
        (item_id,) = self._served.order("add", items=[plain(item(parameters=dict(PARAMETERS)))])
        self._await_run(item_id)
        for kind in kinds:
            # a run takes about two seconds, setting up included
            self._clock.sleep(self._chance.uniform(0.0, 2.0))
            if not self._kill(kind, item_id):
                break
        self._await_end(item_id)
        self._check(item_id)

    def _start(self) -> Served:
        served = Served(self._station, self._data)
        served.until(lambda line: "ready" in line)
        return served

    def _kill(self, kind: str, item_id: str) -> bool:
        """Kill something while the item runs; False if it has ended before."""
        if self._state(item_id) == "finished":
            return False
        if kind == "worker" and not self._served.kill_worker():
            return True
        start_s = self._clock.monotonic_s()
        if kind != "worker":
            kill = self._served.kill_service if kind == "service" else self._served.kill_everything
            kill()
            self._told |= set(self._served.told)
            self._remember()
            start_s = self._clock.monotonic_s()
            self._served = self._start()
        self.figures.kills[kind] += 1
        if self._await_run(item_id):
            self.figures.resumed_s.append(self._clock.monotonic_s() - start_s)
        if kind == "worker":
            self._remember()
        return True

    def _await_run(self, item_id: str) -> bool:
        """Return True once the item runs (again); False if it turned out to be finished."""
        if self._approved(item_id):
            return False

        def fits(line: dict[str, Any]) -> bool:
            ours = line.get("event") == "run" and line.get("item") == item_id
            return ours and ("attempt" in line or line.get("ended") in ("finished", "quarantined"))

        line = self._served.until(fits)
        if line.get("ended") == "quarantined":
            self._approved(item_id)
            return self._await_run(item_id)
        return "attempt" in line

    def _await_end(self, item_id: str) -> None:
        while self._state(item_id) != "finished":
            self._approved(item_id)
            self._served.until(lambda line: line.get("event") == "queue" or "ended" in line)

    def _approved(self, item_id: str) -> bool:
        """Be the operator who lets an item out of quarantine; True if the item is finished."""
        state = self._state(item_id)
        if state == "quarantined":
            self.figures.quarantines += 1
            self._served.order("approve", item=item_id)
        return state == "finished"

    def _state(self, item_id: str) -> str:
        return next(one["state"] for one in self._served.order("list") if one["id"] == item_id)

    # ---- witnesses

    def _remember(self) -> None:
        """Compare the rows on the disk with those of before, and keep them."""
        rows = dict(self._rows)
        for _, folder in run_folders(self._data):
            # a file that nobody has written since holds what it held
            look = _look(folder)
            if self._looks.get(folder.name) != look:
                self._looks[folder.name] = look
                rows = {key: row for key, row in rows.items() if key[0] != folder.name}
                rows |= _rows(folder)
        assert {key: rows.get(key) for key in self._rows} == self._rows, (
            "a point is lost or changed"
        )
        assert self._told <= set(rows), "a point that was told is lost"
        self._rows = rows

    def _check(self, item_id: str) -> None:
        self._told |= set(self._served.told)
        self._remember()
        (entry,) = [one for one in self._served.order("list") if one["id"] == item_id]
        assert len(entry["runs"]) == 1, entry
        with RunReader(self._folder(entry["runs"][0])) as reader:
            assert reader.state is RunState.FINISHED
            assert [point.number for point in reader.points()] == list(range(POINTS))
            assert reader.damaged() == []
        written = {run for run, _ in self._rows}
        self.figures.runs += 1
        self.figures.points += POINTS
        assert len(written) == self.figures.runs, "an item has points in two runs"

    def _folder(self, run: str) -> Path:
        (found,) = [folder for _, folder in run_folders(self._data) if folder.name == run]
        return found


def _look(folder: Path) -> Look:
    """Return what changes when somebody writes the record of a run."""
    stats = [one.stat() for one in sorted(folder.glob("run.sqlite*"))]
    return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in stats)


def _rows(folder: Path) -> Rows:
    """Return the rows of the points as they are on the disk, from a copy of the folder."""
    if not (folder / "run.sqlite").exists():
        return {}
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    database = sqlite3.connect(copy / "run.sqlite")
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        known = database.execute("SELECT 1 FROM sqlite_master WHERE name='points'").fetchone()
        found = database.execute("SELECT number,header,payload,crc FROM points") if known else ()
        return {(folder.name, row[0]): tuple(row[1:]) for row in found}
    finally:
        database.close()
        shutil.rmtree(copy)
