"""Say in words what a run found: temperatures with their errors, verdicts, peaks."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from labctl.core.results import Temperature
from labctl.core.units import format_quantity
from labctl.gui.queue.parameters import unit_in
from labctl.gui.runs.reading import temperatures_of

MOST_VERDICTS = 2


def with_sigma(value: float, sigma: float) -> str:
    """Return a value with its error to two significant digits: `298.4 ± 2.1`."""
    if not (math.isfinite(value) and math.isfinite(sigma)) or sigma <= 0:
        return f"{value:.4g}"
    digits = max(0, 1 - math.floor(math.log10(sigma)))
    return f"{value:.{digits}f} ± {sigma:.{digits}f}"


def result_words(result: Mapping[str, Any]) -> str:
    """Return what a run found on one line; empty if it found nothing."""
    temperatures = temperatures_of(result)
    parts = [_verdict(one) for one in result.get("verdicts", ())[:MOST_VERDICTS]]
    if temperatures:
        parts.append(_temperatures(temperatures))
    shifts = [one.get("shift_ev") for one in result.get("peaks", ())]
    known = [shift for shift in shifts if isinstance(shift, int | float)]
    if known:
        parts.append(f"PL shift {format_quantity(max(known, key=abs), 'eV', 3)}")
    elif result.get("peaks"):
        peak = result["peaks"][0]
        parts.append(f"PL {with_sigma(peak['position_ev'], peak['sigma_ev'])} eV")
    parts += [f"calibration: {one.get('kind', '')}" for one in result.get("calibrations", ())]
    problem = str(result.get("problem", ""))
    return " · ".join([*parts, problem] if problem else parts)


def _verdict(verdict: Mapping[str, Any]) -> str:
    significance = verdict.get("significance", math.nan)
    told = f" ({significance:+.1f}σ)" if math.isfinite(significance) else ""
    return f"{verdict.get('region', '')}: {verdict.get('statement', '')}{told}"


def _temperatures(found: Sequence[Temperature]) -> str:
    if len(found) == 1:
        return f"T {with_sigma(found[0].value_k, found[0].sigma_k)} K"
    values = [one.value_k for one in found]
    best = min(one.sigma_k for one in found)
    return f"T {min(values):.0f} to {max(values):.0f} K, best σ {best:.2g} K ({len(found)})"


def when_words(utc: str) -> str:
    """Return a date and time in UTC; empty if there is none."""
    try:
        return f"{datetime.fromisoformat(utc).astimezone(UTC):%Y-%m-%d %H:%M}" if utc else ""
    except ValueError:
        return ""


def value_words(name: str, value: Any, unit: str = "") -> str:
    """Return the value of a parameter with its unit, found in its name if it is not given."""
    if isinstance(value, list | tuple):
        return ", ".join(value_words(name, one, unit) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format_quantity(value, unit or unit_in(name), 6)
    return "" if value is None else str(value)
