"""Disable one protection at a time in a copy of the tree: every time a test must turn red.

    python tests/faults/mutants.py [PART OF A NAME]

First the tests are run in the unchanged copy, where they must pass. Ends with a table; the exit
code is 1 if a mutant survived, or the unchanged copy failed.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("labctl", "drivers", "procedures", "configs", "tests")
LONGEST_S = 400.0
SAFETY = ("tests/safety", "--deselect", "tests/safety/test_guarded_run.py")


@dataclass(frozen=True)
class Mutant:
    """One textual change, and the tests that must notice it."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


MUTANTS = [
    Mutant(
        "CRC: points are not checked", "labctl/store/record.py",
        "if checksum(number, header, payload) != crc:", "if False:",
        ("tests/store/test_faults.py",),
    ),
    Mutant(
        "CRC: frames are not checked", "labctl/store/segment.py",
        "crc32(data) != crc", "False",
        ("tests/store/test_faults.py",),
    ),
    Mutant(
        "commit: acknowledged before it is synced", "labctl/store/schema.py",
        "PRAGMA synchronous=FULL", "PRAGMA synchronous=OFF",
        ("tests/faults/test_disk_faults.py",),
    ),
    Mutant(
        "resynchronisation: a link in doubt is asked on", "labctl/transport/adapter.py",
        "if self._proved_at == self._port.doubts:", "if self._proved_at >= 0:",
        ("tests/transport/test_port_adapter.py",),
    ),
    Mutant(
        "resynchronisation: one proof for many late replies", "labctl/transport/adapter.py",
        "repeats = min(max(self._owed, 1), _MAX_REPEATS)", "repeats = 1",
        ("tests/transport/test_port_adapter.py",),
    ),
    Mutant(
        "resynchronisation: a dead connection is kept", "labctl/transport/adapter.py",
        "            self._port.hang_up()\n", "",
        ("tests/faults/test_port_faults.py",),
    ),
    Mutant(
        "identity: another device is welcome", "drivers/base.py",
        "if self._known is not None and identity != self._known:", "if False:",
        ("tests/drivers/test_driver_base.py",),
    ),
    Mutant(
        "interlock: the engine does not look", "labctl/engine/interlocks.py",
        "if holds(interlock.expect, reading):", "if True:",
        ("tests/engine/test_interlocks.py",),
    ),
    Mutant(
        "limits: NaN passes", "labctl/core/limits.py",
        "return self.low <= value <= self.high",
        "return not (value < self.low or value > self.high)",
        ("tests/core/test_readings.py", "tests/engine/test_interlocks.py"),
    ),
    Mutant(
        "queue file: a hash is not checked", "labctl/service/queue/file_items.py",
        'if raw["hash"] != item_hash(raw):', "if False:",
        ("tests/queue/test_queue_files.py",),
    ),
    Mutant(
        "queue: a killer is tried for ever", "labctl/service/queue/turns.py",
        "if crashes >= MOST_CRASHES:", "if False:",
        ("tests/queue/test_queue_turns.py",),
    ),
]  # fmt: skip


def safety_mutants() -> list[Mutant]:
    """Lease, epoch, latch and interlock of the safety process, as its own tests name them."""
    path = ROOT / "tests" / "safety" / "safety_mutants.py"
    spec = importlib.util.spec_from_file_location("safety_mutants", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [
        Mutant(name, *change, SAFETY)
        for name, change in module.MUTANTS.items()
        if name.startswith(("lease", "epoch", "latch", "interlock"))
    ]


def run(folder: Path, tests: tuple[str, ...]) -> tuple[int, str]:
    """Run tests in the copy; returns the exit code and the first test that turned red."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *tests]
    where = subprocess.run(
        [sys.executable, "-c", "import labctl; print(labctl.__file__)"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(folder)), f"the tests would import {where.stdout}"
    try:
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
            timeout=LONGEST_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 1, f"no end within {LONGEST_S:g} s"
    red = [line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return ended.returncode, (red or [f"exit code {ended.returncode}"])[0]


def judge(folder: Path, mutant: Mutant) -> str:
    """Return which test noticed a mutant, or an empty string if none did."""
    path = folder / mutant.file
    text = path.read_text(encoding="utf-8")
    assert text.count(mutant.before) == 1, f"{mutant.file}: {mutant.before!r} is not there once"
    path.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
    try:
        code, red = run(folder, mutant.tests)
    finally:
        path.write_text(text, encoding="utf-8")
    return red.removeprefix("FAILED ").partition(" - ")[0] if code == 1 else ""


def main() -> int:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [one for one in [*MUTANTS, *safety_mutants()] if wanted in one.name]
    rows, bad = [], 0
    with tempfile.TemporaryDirectory(prefix="labctl-mutants-") as name:
        folder = Path(name).resolve()
        ignored = shutil.ignore_patterns("__pycache__", "gui")
        for part in PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)
        for tests in dict.fromkeys(one.tests for one in chosen):
            code, red = run(folder, tests)
            print(f"unchanged: {tests[0]}: {'green' if code == 0 else red}", flush=True)
            bad += code != 0
        for mutant in chosen:
            begin_s = time.perf_counter()
            noticed = judge(folder, mutant)
            bad += not noticed
            told = f"killed by {noticed}" if noticed else "SURVIVED"
            rows.append((mutant.name, told, f"{time.perf_counter() - begin_s:.0f} s"))
            print(f"{mutant.name}: {told}", flush=True)
    width = max(len(row[0]) for row in rows)
    print(f"\n{len(rows)} mutants, {sum('SURVIVED' in row[1] for row in rows)} survived")
    for what, told, took in rows:
        print(f"{what:<{width}}  {took:>5}  {told}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
