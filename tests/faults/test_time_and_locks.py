"""Clocks that jump, files that others hold, locks that were forged (rows 38, 39, 47, 48)."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labctl.core import clock as clock_module
from labctl.core.clock import RealClock
from labctl.core.errors import StorageError
from labctl.store.atomic import replace_file
from labctl.store.lock import FileLock, is_locked


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=-400)])
def test_a_jump_of_the_date_changes_no_duration_and_no_timeout(monkeypatch, jump):
    class Jumping(datetime):
        by = timedelta(0)

        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + cls.by

    monkeypatch.setattr(clock_module, "datetime", Jumping)
    clock = RealClock()
    before_s, before = clock.monotonic_s(), clock.utc()
    Jumping.by = jump
    after_s, after = clock.monotonic_s(), clock.utc()
    assert 0 <= after_s - before_s < 1
    assert abs(after - before - jump) < timedelta(seconds=1)
    assert after.tzinfo is UTC


JUMPING_RUN = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
import labctl.core.clock as clock_module
from labctl.engine import PointCommitted
from labctl.service import Session
from labctl.store import RunReader

class Jumping(datetime):
    by = timedelta(0)
    @classmethod
    def now(cls, tz=None):
        return datetime.now(tz) + cls.by

clock_module.datetime = Jumping

def jump(event):
    if isinstance(event, PointCommitted):
        Jumping.by = timedelta(hours=-1) if event.point.number % 2 else timedelta(hours=1)

root = Path(sys.argv[1])
with Session(Path(sys.argv[2]), root) as session:
    values = {"powers": [1e-4, 2e-4], "windows": ["raman"], "regions": ["mono"],
              "exposure_s": 0.5, "accumulations": 2, "refocus": False}
    finished = session.run("power_series", values, observer=jump)
with RunReader(finished.folder) as reader:
    points = list(reader.points())
    times_s = [point.monotonic_s for point in points]
    assert times_s == sorted(times_s), times_s
    assert times_s[-1] - times_s[0] < 600, times_s
    assert len({point.utc for point in points}) == len(points)
    print(reader.state, len(points))
"""


def test_a_run_goes_on_through_jumps_of_the_date(tmp_path):
    """On the scaled clock, whose speed makes the run short; its origin is the date it started."""
    from table_process import station_file

    station = station_file(tmp_path, clock="scaled", speed=200.0, procedures=("procedures",))
    done = subprocess.run(
        [sys.executable, "-c", JUMPING_RUN, str(tmp_path / "data"), str(station)],
        capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["finished", "4"]


@pytest.mark.parametrize("held", [1, 3])
def test_a_file_that_a_viewer_holds_gets_another_name_and_nothing_is_lost(
    tmp_path, monkeypatch, held
):
    """As on Windows, where a file that is open elsewhere cannot be replaced."""
    target = tmp_path / "run.nxs"
    target.write_bytes(b"old")
    locked = {target.with_stem(f"run-{n}") for n in range(2, held + 1)} | {target}
    replace = Path.replace

    def refuse(self, to):
        if Path(to) in locked:
            raise PermissionError(13, "the file is used by another process", str(to))
        return replace(self, to)

    monkeypatch.setattr(Path, "replace", refuse)
    written = replace_file(target, lambda path: path.write_bytes(b"new"))
    assert written == target.with_stem(f"run-{held + 1}")
    assert written.read_bytes() == b"new"
    assert target.read_bytes() == b"old"
    assert sorted(tmp_path.iterdir()) == sorted([target, written])


def test_attempts_at_a_held_file_are_bounded_and_the_old_one_stays(tmp_path, monkeypatch):
    target = tmp_path / "run.nxs"
    target.write_bytes(b"old")

    def refuse(self, to):
        raise PermissionError(13, "the file is used by another process", str(to))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StorageError) as caught:
        replace_file(target, lambda path: path.write_bytes(b"new"))
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"old"


FORGERIES = {
    "first process": json.dumps({"host": "here", "pid": 1}),
    "this process": '{"host": "here", "pid": PID}',
    "no process": json.dumps({"host": "elsewhere", "pid": 99999999}),
    "number": "1\n",
    "empty": "",
    "zeros": "\x00" * 100,
    "cut": '{"pid":',
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_lock_file_without_a_lock_holds_nobody_up(tmp_path, forged):
    """The lock is the operating system's: what stands in the file is only its signature."""
    path = tmp_path / "run.lock"
    path.write_text(forged.replace("PID", str(os.getpid())))
    assert not is_locked(path)
    lock = FileLock(path, "the run")
    assert is_locked(path)
    assert json.loads(path.read_text())["pid"] == os.getpid()
    lock.release()


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_lock_that_is_held_stands_whatever_its_file_says(tmp_path, forged):
    path = tmp_path / "run.lock"
    lock = FileLock(path, "the run")
    path.write_text(forged.replace("PID", str(os.getpid())))
    with pytest.raises(StorageError, match="the run is being written by"):
        FileLock(path, "the run")
    lock.release()


HOLD = """
import sys
from pathlib import Path
from labctl.store.lock import FileLock
lock = FileLock(Path(sys.argv[1]), "the run")
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    path = tmp_path / "run.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StorageError, match=f"process {holder.pid}"):
            FileLock(path, "the run")
        holder.kill()
        holder.wait()
        FileLock(path, "the run").release()
