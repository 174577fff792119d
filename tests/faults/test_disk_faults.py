"""Power cuts, torn writes, refused writes and syncs below the run store (rows 5, 6, 8, 9)."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from disk_log import acknowledged, lay_out, read_log, surviving
from disk_victim import Maker, shape_of

from labctl.core.clock import VirtualClock
from labctl.core.errors import StorageError
from labctl.store import RunReader, RunWriter

HERE = Path(__file__).parent
POINTS = 9
SAMPLES = int(os.environ.get("LABCTL_POWER_CUTS", "200"))
STEP = int(os.environ.get("LABCTL_WRITE_STEP", "10"))
"""Every n-th write is killed and torn; 1 in the long form."""

pytestmark = [
    # every kill is a process of its own
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or shutil.which("cc") is None,
        reason="needs LD_PRELOAD and a C compiler",
    ),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    library = tmp_path_factory.mktemp("shim") / "disk_shim.so"
    command = ["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([*command, str(HERE / "disk_shim.c"), "-ldl"], check=True)
    return library


def write_points(shim, root: Path, points: int = POINTS, **options):
    root.mkdir(parents=True, exist_ok=True)
    given = {f"DISK_SHIM_{name.upper()}": str(value) for name, value in options.items()}
    return subprocess.run(
        [sys.executable, str(HERE / "disk_victim.py"), str(root), str(points), "frames"],
        env=os.environ | {"LD_PRELOAD": str(shim), "DISK_SHIM_BELOW": str(root)} | given,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def acks_of(root: Path) -> int:
    file = root / "acks"
    return len(file.read_text().split()) if file.exists() else 0


def check(root: Path, at_least: int) -> int:
    """Every acknowledged point is there, once, with its very numbers; returns how many are."""
    databases = list(root.glob("*/*/*/*/run.sqlite"))
    if not databases:
        assert at_least == 0
        return 0
    make = Maker(root, VirtualClock())
    try:
        run = RunWriter.reopen(databases[0].parent, clock=make.clock, margin_bytes=0)
    except StorageError:
        # cut off before the tables were made: nothing had been acknowledged
        assert at_least == 0
        return 0
    run.release()
    with RunReader(databases[0].parent) as reader:
        numbers = []
        for point in reader.points():
            numbers.append(point.number)
            expected = make.exposure(point.number, shape_of(point.number, True))
            assert np.array_equal(point.data["spectrum"].counts, expected.counts)
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= at_least
        assert reader.damaged() == []
        return len(numbers)


@pytest.fixture(scope="module")
def written(shim, tmp_path_factory):
    """The operations of a run that was written to its end and never closed."""
    folder = tmp_path_factory.mktemp("log")
    done = write_points(shim, folder / "data", log=folder / "log")
    assert done.returncode == 0, done.stderr
    return folder / "data", read_log(folder / "log")


def test_the_log_holds_what_is_on_the_disk(written, tmp_path):
    root, operations = written
    lay_out([one for one in operations if one.kind != "s"], root, tmp_path)
    assert acknowledged(operations) == POINTS
    for name in ("run.sqlite", "run.sqlite-wal", "frames.seg"):
        (path,) = root.glob(f"*/*/*/*/{name}")
        assert (tmp_path / path.relative_to(root)).read_bytes() == path.read_bytes()


def test_a_power_cut_at_any_instant_loses_no_acknowledged_point(written, tmp_path):
    root, operations = written
    chance, found = random.Random(1), set()
    for sample in range(SAMPLES):
        before = operations[: chance.randrange(1, len(operations) + 1)]
        folder = tmp_path / str(sample)
        lay_out(surviving(before, chance), root, folder)
        found.add(check(folder, acknowledged(before)))
        shutil.rmtree(folder, ignore_errors=True)
    assert len(found) > POINTS / 2


def test_a_lost_sync_would_be_noticed(written, tmp_path):
    """The check fails for a store that acknowledges before its data are on the disk."""
    root, operations = written
    unsynced = [one for one in operations if one.kind != "s"]
    chance, lost = random.Random(2), 0
    for sample in range(20):
        folder = tmp_path / str(sample)
        lay_out(surviving(unsynced, chance), root, folder)
        try:
            check(folder, POINTS)
        except (AssertionError, StorageError):
            lost += 1
    assert lost > 5


@pytest.mark.parametrize("how", ["die", "tear"])
def test_a_kill_at_every_nth_write_loses_nothing_and_the_run_goes_on(shim, written, tmp_path, how):
    _, operations = written
    writes = sum(one.kind == "w" for one in operations)
    for number in range(1 + (how == "tear") * STEP // 2, writes + 1, STEP):
        root = tmp_path / str(number)
        done = write_points(shim, root, **{how: number})
        assert done.returncode == -signal.SIGKILL, done.stderr
        check(root, acks_of(root))
    done = write_points(shim, root)
    assert done.returncode == 0, done.stderr
    assert check(root, POINTS) == POINTS


def operations_until(operations, acks: int, kind: str) -> int:
    """How many operations of a kind there were when so many points had been acknowledged."""
    until = next(n for n in range(len(operations)) if acknowledged(operations[:n]) == acks)
    return sum(one.kind == kind for one in operations[:until])


@pytest.mark.parametrize("operation", ["write", "sync"])
@pytest.mark.parametrize(("code", "after"), [("EIO", 1), ("EIO", 5), ("EROFS", 3), ("ENOSPC", 4)])
def test_a_disk_that_fails_is_told_and_nothing_is_acknowledged_any_more(
    shim, written, tmp_path, operation, code, after
):
    _, operations = written
    number = operations_until(operations, after, operation[0]) + 2
    root = tmp_path / "data"
    done = write_points(shim, root, fail=f"{operation}:{number}", errno=getattr(errno, code))
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "Remedy" in done.stdout
    acks = acks_of(root)
    assert after <= acks < POINTS
    assert check(root, acks) >= acks
    done = write_points(shim, root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert check(root, POINTS) == POINTS
