"""The rules of the house: who may import whom, how long things may be, what is never used."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path for top in ("labctl", "drivers", "procedures") for path in (ROOT / top).rglob("*.py")
)
MOST_LINES_PER_FILE = 320
MOST_LINES_PER_FUNCTION = 60
NEVER_IMPORTED = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "yaml"}
NEVER_CALLED = {"eval", "exec", "compile", "__import__"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("planted", "contract"),
    [
        ("labctl/engine/planted.py:import labctl.store", "Rooms of labctl"),
        ("labctl/analysis/planted.py:import labctl.sim", "Rooms of labctl"),
        ("labctl/core/planted.py:import labctl.station", "Rooms of labctl"),
        ("labctl/gui/planted.py:import labctl.service", "Faces are clients"),
        ("labctl/station/planted.py:import drivers", "plug-ins"),
        ("labctl/service/planted.py:import qtpy", "Qt lives in the window only"),
        ("drivers/planted.py:import labctl.sim", "Drivers know the vocabulary"),
        ("procedures/planted.py:import drivers", "Procedures know the vocabulary"),
        ("labctl/newroom.py:", "Rooms of labctl"),
    ],
)
def test_a_planted_violation_breaks_its_contract(tmp_path, planted, contract):
    for top in ("labctl", "drivers", "procedures"):
        shutil.copytree(ROOT / top, tmp_path / top, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    path, line = planted.split(":", 1)
    (tmp_path / path).write_text(line + "\n")
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    report = result.stdout + result.stderr
    assert any(contract in row and "BROKEN" in row for row in report.splitlines()) or (
        "Missing layer" in report or "not listed" in report or "exhaustive" in report.lower()
    )


def test_the_contracts_hold():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_fit(path):
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES_PER_FILE, "split this file"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MOST_LINES_PER_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_runs_code_from_data(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
            assert not NEVER_IMPORTED & {name.split(".")[0] for name in names}
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Name) and node.func.id in NEVER_CALLED)
            assert not any(word.arg == "shell" for word in node.keywords)


def test_the_lock_file_carries_hashes_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--index-url" not in lock
    assert lock.count("--hash=sha256:") > 500


def test_the_gui_extra_excludes_the_qt_that_crashes_on_python_3_11():
    assert "PySide6-Essentials>=6.8,<6.12" in (ROOT / "pyproject.toml").read_text()
