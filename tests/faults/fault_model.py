"""Read the fault model, and find the tests that it names."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("fault_model.toml")
ROWS = 51


@dataclass(frozen=True)
class Row:
    """One fault, what must happen, and the tests that prove it."""

    number: int
    fault: str
    required: str
    tests: Sequence[str]
    differs: str = ""


def read_rows(path: Path = TABLE) -> list[Row]:
    return [Row(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["row"]]


def defined(test: str) -> bool:
    """Tell whether a file defines the test function that an id names."""
    name, _, function = test.partition("::")
    path = ROOT / name
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(one, ast.FunctionDef) and one.name == function for one in tree.body)


def collected(files: Sequence[str]) -> dict[str, int]:
    """Return how many tests pytest collects of each function in some files."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", *files],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    counts: dict[str, int] = {}
    for line in ended.stdout.splitlines():
        if "::" in line:
            counts[line.partition("[")[0]] = counts.get(line.partition("[")[0], 0) + 1
    return counts


def lines(rows: Sequence[Row], counts: dict[str, int] | None = None) -> Iterator[str]:
    """Yield the table for people."""
    for row in rows:
        yield f"{row.number:>2}  {row.fault}: {row.required}"
        for test in row.tests:
            path, _, function = test.partition("::")
            words = function.removeprefix("test_").replace("_", " ")
            times = f" ×{counts.get(test, 0)}" if counts and counts.get(test, 0) != 1 else ""
            yield f"      {words}{times}  ({path})"
        if row.differs:
            yield f"      differs: {row.differs}"
