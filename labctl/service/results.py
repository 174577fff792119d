"""Keep the result of an analysis beside its run, as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from labctl.core.results import Result, Temperature
from labctl.engine import DryRun
from labctl.service.finished import FinishedRun
from labctl.service.places import RESULT_FILE
from labctl.store.atomic import replace_file


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


def run_json(finished: FinishedRun) -> dict[str, Any]:
    """Return a run that ended, with its result, as plain JSON."""
    outcome = finished.outcome
    return {
        "run": finished.folder.name,
        "procedure": finished.procedure,
        "state": outcome.state.value,
        "reason": outcome.reason,
        "points": outcome.points,
        "files": [str(path) for path in finished.files],
        **result_json(finished.result, finished.analysis_problem),
    }


def dry_run_json(plan: DryRun) -> dict[str, Any]:
    """Return what a plan would do as plain JSON."""
    return {
        "points": plan.points,
        "duration_s": plan.total_s,
        "durations_s": dict(plan.durations_s),
        "dose_j": dict(plan.dose_j),
        "moves": [
            {"point": m.number, "channel": m.channel, "value": m.value, "duration_s": m.duration_s}
            for m in plan.moves
        ],
        "violations": list(plan.violations),
        "complete": plan.complete,
        "ended_by": plan.ended_by,
    }


def temperature_json(one: Temperature) -> dict[str, Any]:
    """Return a temperature as plain JSON."""
    return asdict(one) | {
        "interval_k": list(one.interval_k),
        "calibrations": list(one.calibrations),
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
