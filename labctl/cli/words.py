"""Say in words how a served table is, for a terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from labctl.cli.progress import format_time_left
from labctl.core.status import Alarm, BeamStatus, RunStatus, StationStatus, ValueStatus
from labctl.core.units import format_quantity

GOOD, DIM, WARNING, BAD, LIT = "green", "dim", "yellow", "bold red", "bold magenta"
"""Styles of the terminal; each also says in words what it means."""

_STATES = {"idle": DIM, "running": GOOD, "paused": WARNING, "pausing": WARNING, "failed": BAD}


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one line: what it is about, what there is to say, and how loud."""

    name: str
    text: str
    style: str = ""


def describe(status: StationStatus) -> Iterator[Line]:
    """Yield what there is to say of a station, the most important first."""
    kind = "real table"
    if status.simulated:
        kind = "simulated" if status.speed == 1 else f"simulated, clock × {status.speed:g}"
    state = status.state.value.upper() + (f" — {status.reason}" if status.reason else "")
    yield Line(status.station, f"{state}   ({kind})", _STATES.get(status.state.value, WARNING))
    yield from (alarm_line(alarm) for alarm in status.alarms if not alarm.acknowledged_by)
    yield from _safety(status)
    yield from (beam_line(beam) for beam in status.beams)
    if status.run is not None:
        yield from run_lines(status.run)
    yield queue_line(status)
    for name, value in (
        ("cryostat", status.cryostat), ("pressure", status.pressure), ("camera", status.camera),
    ):  # fmt: skip
        if value is not None:
            yield value_line(name, value)
    yield from (value_line(value.name, value) for value in status.stage)


def alarm_line(alarm: Alarm) -> Line:
    """Return an alarm that nobody has acknowledged."""
    remedy = f" ({alarm.remedy})" if alarm.remedy else ""
    style = {"alarm": BAD, "warning": WARNING}.get(alarm.level, "")
    return Line(
        f"{alarm.level} {alarm.id}", f"{clock_time(alarm.utc)}  {alarm.text}{remedy}", style
    )


def beam_line(beam: BeamStatus) -> Line:
    """Return one beam: state of the shutter, power, wavelength, age."""
    state, style = {
        "open": ("OPEN", LIT), "closed": ("closed", ""), "unknown": ("UNKNOWN", WARNING),
    }[beam.shutter]  # fmt: skip
    parts = [f"{state:<8}{beam.wavelength_nm:.1f} nm"]
    if beam.power_w is not None:
        parts.append(f"{format_quantity(beam.power_w, 'W', 3)} at the sample")
    if beam.emission is not None:
        parts.append("emitting" if beam.emission else "laser off")
    if beam.interlock is False:
        parts.append("INTERLOCK OPEN")
        style = BAD
    return Line(f"beam {beam.name}", ", ".join([*parts, age_of(beam.age_s)]), style)


def run_lines(run: RunStatus) -> Iterator[Line]:
    """Yield the run: progress, time left, what goes on."""
    total = f"/{run.total}" if run.total else ""
    parts = [f"{run.point}{total} points"]
    if run.total:
        parts.append(f"{100 * run.point // run.total} %")
    if run.left_s is not None:
        parts.append(f"{format_time_left(run.left_s)} left")
    if run.eta_utc:
        parts.append(f"until {clock_time(run.eta_utc)}")
    yield Line("run", f"{run.name}   {', '.join(parts)}")
    again = f" (attempt {run.attempt + 1})" if run.attempt else ""
    if run.step or run.reason:
        yield Line("", f"{run.step or run.reason}{again}", DIM)


def queue_line(status: StationStatus) -> Line:
    """Return the queue: how many items are in which state, and until when."""
    queue = status.queue
    counts = ", ".join(f"{count} {state}" for state, count in queue.counts.items()) or "empty"
    left = f"; {format_time_left(queue.left_s)} left" if queue.left_s else ""
    until = f", until {clock_time(queue.eta_utc)}" if queue.eta_utc and queue.left_s else ""
    held = f"; HELD: {queue.reason}" if queue.paused else ""
    return Line("queue", f"{counts}{left}{until}{held}", WARNING if queue.paused else "")


def value_line(name: str, value: ValueStatus) -> Line:
    """Return one value with its unit and its age, or why there is none."""
    if value.value is None:
        return Line(name, f"no value: {value.reason or value.quality}, {age_of(value.age_s)}", DIM)
    shown = f"{value.value}"
    if isinstance(value.value, float):
        digits = 5 if value.unit == "K" else 4
        shown = format_quantity(value.value, value.unit, digits)
    doubt = f", {value.quality}: {value.reason}" if value.quality != "good" else ""
    stale = " STALE" if value.stale else ""
    style = WARNING if doubt or stale else ""
    return Line(name, f"{shown}{doubt}, {age_of(value.age_s)}{stale}", style)


def age_of(age_s: float | None) -> str:
    """Return how old a value is, in words."""
    return "never read" if age_s is None else f"{format_time_left(age_s)} old"


def clock_time(utc: str) -> str:
    """Return a UTC stamp as day and time, in UTC as everywhere."""
    try:
        return f"{datetime.fromisoformat(utc).astimezone(UTC):%a %H:%M} UTC"
    except ValueError:
        return utc


def _safety(status: StationStatus) -> Iterator[Line]:
    safety = status.safety
    if safety.latched:
        yield Line(
            "safety",
            f"LATCHED, shutters stay closed: {safety.reason.removeprefix('latched: ')}",
            BAD,
        )
    elif not safety.confirmed:
        reason = safety.reason or "nobody has verified that the table is safe"
        yield Line("safety", f"NOT CONFIRMED: {reason}", WARNING)
    elif safety.process == "lost":
        yield Line("safety", "the safety process is LOST", BAD)
    else:
        when = f" at {clock_time(safety.checked_utc)}" if safety.checked_utc else ""
        yield Line("safety", f"confirmed{when}", "")
