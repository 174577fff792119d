"""Say values, ages and states as people read them: always with the unit."""

from dataclasses import dataclass
from typing import Literal

from labctl.core.readings import Quality
from labctl.core.status import StationStatus, Value, ValueStatus
from labctl.core.units import format_quantity

Level = Literal["ok", "accent", "warning", "bad", "stale", "beam"]
"""A colour of the theme; the word beside it says the same."""

_DECIMALS = {"K": 2, "nm": 3, "µm": 2, "um": 2, "deg": 2, "ps": 3, "fs": 1, "mm": 4}
_MBAR_PA = 100.0
NO_VALUE = "—"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Say in one word how an instrument is, and why."""

    level: Level
    word: str
    reason: str = ""


def value_text(value: Value, unit: str) -> str:
    """Return a value with its unit; a dash if there is none."""
    if value is None:
        return NO_VALUE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if unit == "W":
        return format_quantity(float(value), "W") if value else "0 W"
    if unit == "Pa":
        return f"{value:.2e} Pa ({value / _MBAR_PA:.2e} mbar)"
    if isinstance(value, int) and not unit:
        return str(value)
    shown = "°" if unit == "deg" else f" {unit}" if unit else ""
    return f"{value:.{_DECIMALS[unit]}f}{shown}" if unit in _DECIMALS else f"{value:.4g}{shown}"


def age_text(age_s: float | None) -> str:
    """Return how long ago something was read."""
    if age_s is None:
        return "never read"
    if age_s < 99:
        return f"{age_s:.0f} s ago"
    if age_s < 5400:
        return f"{age_s / 60:.0f} min ago"
    return f"{age_s / 3600:.1f} h ago"


def duration_text(duration_s: float) -> str:
    """Return a duration: `45 s`, `12 min`, `3 h 05 min`."""
    if duration_s < 100:
        return f"{duration_s:.0f} s"
    minutes = round(duration_s / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def run_number(run: str) -> str:
    """Return the number of a run: `0127` of `0127_power-series`."""
    return run.partition("_")[0]


def owner_of(status: StationStatus | None) -> str:
    """Return who owns the table, in words; empty if people may move it."""
    if status is None or status.run is None:
        return ""
    return f"in use by run {run_number(status.run.name)}" if status.run.name else "in use by a run"


def judge(values: list[ValueStatus | None], is_connected: bool) -> Verdict:
    """Say how an instrument is by the values that were read of it, the worst first."""
    known = [one for one in values if one is not None]
    if not is_connected:
        return Verdict("stale", "no connection", "the service does not answer: values are old")
    if not known or all(one.age_s is None for one in known):
        return Verdict("stale", "not read yet", "nothing was read of it so far")
    fresh = [one for one in known if one.age_s is not None and not one.stale]
    if bad := [one for one in fresh if one.quality is Quality.INVALID]:
        return Verdict("bad", "fault", "; ".join(f"{one.name}: {one.reason}" for one in bad))
    if old := [one for one in known if one.stale and one.age_s is not None]:
        ages = ", ".join(f"{one.name} {age_text(one.age_s)}" for one in old)
        return Verdict("stale", "stale", ages)
    if doubted := [one for one in fresh if one.quality is Quality.UNCERTAIN]:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in doubted)
        return Verdict("warning", "uncertain", reasons)
    return Verdict("ok", "ready")
