"""Watch a served table: state, beams, progress, time left, temperature trend, alarms."""

import json as jsonlib
import sys
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labctl.cli.options import Json
from labctl.cli.output import emit, say
from labctl.cli.served import Data, open_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from labctl.client import Event, Table
    from labctl.core.status import StationStatus

BLOCKS = "▁▂▃▄▅▆▇█"
MOST_EVENTS = 6
REDRAWS_PER_S = 4
_TOLD = ("point", "run", "note", "alarm", "safety")
_UNITS = {"cryostat": "K", "camera": "K", "pressure": "Pa"}


def watch(data: Data = None, json: Json = False) -> None:
    """Watch the served table until Ctrl-C; the run does not notice.

    On a terminal it is drawn anew four times a second; elsewhere every change is a line. With
    --json every event is one JSON object a line.
    """
    with open_table(data) as table:
        try:
            if json:
                _print_events(table)
            elif sys.stdout.isatty():
                _draw(table)
            else:
                _print_changes(table)
        except KeyboardInterrupt:
            return


def _print_events(table: "Table") -> None:
    for event in table.events():
        fields = {"version": 1, "kind": event.kind, "seq": event.seq, "data": dict(event.data)}
        emit(jsonlib.dumps(fields, allow_nan=False, ensure_ascii=False))


def _print_changes(table: "Table") -> None:
    from labctl.core.status import StationStatus

    before = ""
    for event in table.events(_TOLD):
        line = _line_of(event)
        if event.kind == "status":
            status = StationStatus.model_validate(event.data)
            run = f", {status.run.name}: {status.run.step}" if status.run else ""
            line = f"{status.state.value}{f' ({status.reason})' if status.reason else ''}{run}"
        if line and line != before:
            emit(line)
            before = line


def _draw(table: "Table") -> None:
    from rich.live import Live

    screen = Screen(table.trend())
    with Live(screen.render(), refresh_per_second=REDRAWS_PER_S, screen=True) as live:
        for event in table.events(_TOLD):
            screen.take(event)
            live.update(screen.render())
    say("the watch has ended; the run goes on")


class Screen:
    """Put together what the terminal shows."""

    def __init__(self, trend: Any) -> None:
        self.status: StationStatus | None = None
        self.lost = ""
        self._events: deque[str] = deque(maxlen=MOST_EVENTS)
        self._trend: dict[str, deque[float]] = {
            name: deque((v for v in values if v is not None), maxlen=400)
            for name, values in trend.get("values", {}).items()
        }

    def take(self, event: "Event") -> None:
        """Take an event."""
        from labctl.core.status import StationStatus

        if event.kind == "lost":
            self.lost = str(event.data.get("reason", ""))
            return
        self.lost = ""
        if event.kind != "status":
            line = _line_of(event)
            if line:
                self._events.append(line)
            return
        self.status = StationStatus.model_validate(event.data)
        for name in _UNITS:
            value = getattr(self.status, name)
            if value is not None and not value.stale and isinstance(value.value, int | float):
                self._trend.setdefault(name, deque(maxlen=400)).append(float(value.value))

    def render(self) -> "RenderableType":
        """Return what there is to see."""
        from rich.console import Group
        from rich.text import Text

        from labctl.cli.words import BAD

        parts: list[RenderableType] = []
        if self.lost:
            parts.append(Text(f"DISCONNECTED: what stands below is old ({self.lost})", BAD))
        if self.status is None:
            return Group(*parts, Text("waiting for the service", "dim"))
        parts += [*self._lines(), self._bar(), *self._sparklines(), Text("")]
        parts += [Text(line, "dim") for line in self._events]
        parts.append(Text("Ctrl-C ends the watch, not the run.", "dim"))
        return Group(*parts)

    def _lines(self) -> Sequence["RenderableType"]:
        from rich.text import Text

        from labctl.cli.words import describe

        lines = list(describe(self.status)) if self.status is not None else []
        width = max((len(line.name) for line in lines), default=0)
        style = "dim" if self.lost else None
        return [Text(f"{one.name:<{width}}  {one.text}", style or one.style) for one in lines]

    def _bar(self) -> "RenderableType":
        from rich.progress_bar import ProgressBar
        from rich.text import Text

        run = self.status.run if self.status is not None else None
        if run is None or not run.total:
            return Text("")
        return ProgressBar(total=run.total, completed=run.point, width=60)

    def _sparklines(self) -> Sequence["RenderableType"]:
        from rich.text import Text

        from labctl.core.units import format_quantity

        lines = []
        for name in ("cryostat", "camera"):
            values = self._trend.get(name, ())
            if len(values) > 1:
                low, high = (format_quantity(f(values), "K", 5) for f in (min, max))
                lines.append(Text(f"{name:<9} {sparkline(values, 48)}  {low} to {high}"))
        return lines


def sparkline(values: Sequence[float], width: int) -> str:
    """Return values as blocks, at most `width` of them, each the mean of its part."""
    listed = list(values)
    step = max(len(listed) / width, 1.0)
    means = []
    for column in range(min(width, len(listed))):
        part = listed[int(column * step) : max(int((column + 1) * step), int(column * step) + 1)]
        means.append(sum(part) / len(part))
    low, high = min(means), max(means)
    # a steady value is a flat line, not its noise enlarged
    span = max(high - low, 1e-4 * max(abs(high), abs(low)), 1e-12)
    return "".join(BLOCKS[min(int((one - low) / span * 8), 7)] for one in means)


def _line_of(event: "Event") -> str:
    data = event.data
    match event.kind:
        case "point":
            return f"{data.get('run', '')}: point {data.get('number', '?')} is safe"
        case "run":
            ended = f" {data['ended']}" if data.get("ended") else " begins"
            return f"{data.get('run') or data.get('item', '')}{ended}"
        case "note" | "alarm" | "safety":
            text = data.get("text") or data.get("reason") or ""
            return f"{event.kind}: {text}" if text else ""
        case "lost":
            return f"DISCONNECTED: {data.get('reason', '')}"
        case "resync":
            return "events were missed; what is shown is the present state"
    return ""
