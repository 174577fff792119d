"""Keep the result of an analysis beside its run, as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labctl.core.results import Result, Temperature
from labctl.store.atomic import replace_file

RESULT_FILE = "result.json"


def save_result(folder: Path, result: Result, problem: str = "") -> Path:
    """Write a result into the folder of its run; returns the file.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    text = json.dumps(result_json(result, problem), indent=2, ensure_ascii=False, allow_nan=False)
    return replace_file(folder / RESULT_FILE, lambda fresh: _write(fresh, text + "\n"))


def result_json(result: Result, problem: str = "") -> dict[str, Any]:
    """Return a result as plain JSON."""
    return {
        "temperatures": [temperature_json(one) for one in result.temperatures],
        "peaks": [asdict(one) for one in result.peaks],
        "verdicts": [asdict(one) for one in result.verdicts],
        "calibrations": [
            {"kind": one.kind, "identity": one.identity} for one in result.calibrations
        ],
        "numbers": dict(result.numbers),
        "warnings": list(result.warnings),
        "problem": problem,
    }


def temperature_json(one: Temperature) -> dict[str, Any]:
    """Return a temperature as plain JSON."""
    return asdict(one) | {
        "interval_k": list(one.interval_k),
        "calibrations": list(one.calibrations),
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
