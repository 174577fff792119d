"""Disable one protection at a time in a copy of the tree; every time a test must turn red.

    python tests/safety/safety_mutants.py

ends with a table; the exit code is 1 if a mutant survived.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAFETY = "labctl/service/safety"
MUTANTS = {
    "lease: bytes of anybody pass": (
        f"{SAFETY}/table.py",
        "            lease = self.book.require(channel.epoch)\n        except Refused",
        "            lease = self.book.current or self.book.require(channel.epoch)\n"
        "        except Refused",
    ),
    "lease: a second holder is welcome": (
        f"{SAFETY}/lease.py",
        '        if self.current is not None:\n            raise Refused(f"{self.current.who}',
        '        if False:\n            raise Refused(f"{self.current.who}',
    ),
    "epoch: an old one may come again": (
        f"{SAFETY}/lease.py",
        "if wanted is not None and wanted <= self.highest:",
        "if False:",
    ),
    "epoch: a restart forgets them": (
        f"{SAFETY}/table.py",
        "LeaseBook(state.highest_epoch)",
        "LeaseBook(0)",
    ),
    "latch: does not keep closed": (
        f"{SAFETY}/table.py",
        "        if self.latch:\n            return f",
        "        if False:\n            return f",
    ),
    "latch: a restart forgets it": (
        f"{SAFETY}/table.py",
        "if state.is_held and not self.latch:",
        "if False:",
    ),
    "latch: a policy may reset any": (
        f"{SAFETY}/latch.py",
        "if as_policy and kinds - POLICY_MAY_RESET:",
        "if False:",
    ),
    "interlock: not acted on": (f"{SAFETY}/table.py", "if interlock.is_open:\n", "if False:\n"),
    "interlock: reset while open": (
        f"{SAFETY}/table.py",
        "if any(interlock.is_open for interlock in self._interlocks):",
        "if False:",
    ),
    "interlock: unread counts as closed": (
        f"{SAFETY}/table.py",
        "if interlock.is_blind(now_s):",
        "if False:",
    ),
    "heartbeat: silence is fine": (
        f"{SAFETY}/lease.py",
        "if now_s - self.last_beat_s > silence_s:",
        "if False:",
    ),
    "deadline: moved by every beat": (
        f"{SAFETY}/lease.py",
        "        if step > self.step:\n",
        "        if step >= self.step:\n",
    ),
    "end of a holder: ignored": (
        f"{SAFETY}/desk.py",
        "if lease is not None and client.epoch == lease.epoch:",
        "if False:",
    ),
    "rest: opens all the same": (
        f"{SAFETY}/table.py",
        "if not lease.is_awake:\n            return f",
        "if False:\n            return f",
    ),
    "script: the blade is not read": (
        "drivers/thorlabs/sc10.py",
        '_IS_CLOSED = _whole_reply(b"closed?", rb"1\\r\\n?")',
        '_IS_CLOSED = _whole_reply(b"closed?", rb"[01]\\r\\n?")',
    ),
    "script: toggles blindly": ("drivers/thorlabs/sc10.py", ", only_if=_IS_ENABLED", ""),
    "token: any will do": (
        f"{SAFETY}/clients.py",
        "return hmac.compare_digest(found, digest)",
        "return True",
    ),
}


def survives(folder: Path, change: tuple[str, str, str]) -> bool:
    """Tell whether all tests pass with a change."""
    name, before, after = change
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{name}: {before!r} is not there once"
    path.write_text(text.replace(before, after), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        ended = subprocess.run(
            [*command, "tests/safety", "--deselect", "tests/safety/test_guarded_run.py"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        red = [line for line in ended.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        print(f"    {red[0][:150] if red else f'exit code {ended.returncode}'}")
        return ended.returncode == 0
    finally:
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """Return 0 if no mutant survived."""
    survivors = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ignored = shutil.ignore_patterns("__pycache__")
        for part in ("labctl", "drivers", "procedures", "configs", "tests/safety"):
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", folder)
        for what, change in MUTANTS.items():
            if len(sys.argv) > 1 and sys.argv[1] not in what:
                continue
            print(what)
            alive = survives(folder, change)
            survivors += alive
            print(f"    {'SURVIVED' if alive else 'killed'}", flush=True)
    print(f"{survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
