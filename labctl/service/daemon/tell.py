"""Tell the service, in plain JSON, how a run goes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labctl.core.errors import LabctlError
from labctl.core.messages import Acquire, Point
from labctl.core.readings import Reading
from labctl.core.spectra import Exposure, Frame, Spectrum
from labctl.core.steps import step_in_words
from labctl.engine import (
    Event,
    MessageStarted,
    NoteLeft,
    PointCommitted,
    Progress,
    RunEnded,
    RunStarted,
    StateChanged,
)
from labctl.service.daemon.live import exposure_message
from labctl.service.daemon.owner import write_owner
from labctl.service.daemon.tap import reading_fields
from labctl.service.daemon.wire import Outbox
from labctl.service.places import find_run

MOST_KEYS = 40
LONGEST_TEXT = 300


class Teller:
    """Observe one run, and send what it does."""

    def __init__(self, out: Outbox, data: Path, item: str) -> None:
        self._out = out
        self._data = data
        self._item = item
        self.run = ""
        self.units: Mapping[str, str] = {}
        """Units of the channels by name, once the table is open."""
        self.point: int | None = None
        self._exposing: tuple[str, ...] = ()

    def observe(self, event: Event) -> None:
        """Send an event of the engine."""
        match event:
            case RunStarted():
                self._started(event)
            case PointCommitted(point=point):
                self._out.send("point", **point_fields(self.run, point))
            case Progress(done=done, total=total, left_s=left_s):
                self._out.send("progress", done=done, total=total, left_s=left_s)
            case MessageStarted(number=number, message=message):
                self.point = number
                exposure_s = 0.0
                if isinstance(message, Acquire):
                    exposure_s = message.exposure_s * message.accumulations
                self._out.send(
                    "step",
                    key="step",
                    point=number,
                    text=step_in_words(message, self.units)[:LONGEST_TEXT],
                    exposure_s=exposure_s,
                )
            case StateChanged(state=state, reason=reason):
                self._out.send("state", state=state.value, reason=reason)
            case NoteLeft(number=number, text=text):
                self._out.send("note", point=number, text=text[:LONGEST_TEXT])
            case RunEnded():
                pass

    def reading(self, name: str, reading: Reading) -> None:
        """Send a reading of a channel."""
        self._out.send("reading", key=f"reading {name}", name=name, **reading_fields(reading))

    def exposure(self, beams: tuple[str, ...], exposure: Spectrum | Frame | None) -> None:
        """Send that an exposure begins or ended, and what came of it."""
        if beams != self._exposing:
            self._exposing = beams
            self._out.send("exposing", key="exposing", beams=list(beams))
        if exposure is not None:
            saved = bool(self.run)
            fields, payload = exposure_message(exposure, self.run, self.point, saved)
            self._out.send("spectrum", key="spectrum", payload=payload, **fields)

    def _started(self, event: RunStarted) -> None:
        self.run = event.run
        # before the first point: whoever comes after a crash knows whose run this is
        write_owner(find_run(event.run, self._data), self._item)
        self._out.send(
            "run",
            run=event.run,
            procedure=event.procedure,
            attempt=event.attempt,
            first_point=event.first_point,
            total=event.total,
        )


def point_fields(run: str, point: Point) -> dict[str, Any]:
    """Return the small summary of a point that goes to listeners; arrays stay in the store."""
    items = list(point.data.items())[:MOST_KEYS]
    return {
        "run": run,
        "number": point.number,
        "kind": point.kind,
        "utc": point.utc.isoformat(),
        "attempt": point.attempt,
        "summary": {name[:LONGEST_TEXT]: _summary(value) for name, value in items},
    }


def _summary(value: object) -> Any:
    if isinstance(value, Reading):
        return reading_fields(value)
    if isinstance(value, Exposure):
        return {
            "exposure_s": value.exposure_s,
            "accumulations": value.accumulations,
            "beams": list(value.beams),
            "max_counts": float(np.max(value.counts)) if value.counts.size else None,
            "quality": value.quality.value,
            "reason": value.reason,
        }
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape)}
    if isinstance(value, np.generic):
        return value.item()
    return value[:LONGEST_TEXT] if isinstance(value, str) else value


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return an error so that the other side can raise its like."""
    kind = type(error).__name__
    if isinstance(error, LabctlError):
        return {"kind": kind, "message": error.message, "remedy": error.remedy}
    remedy = "look into the log of the worker"
    return {"kind": kind, "message": f"{kind}: {error}", "remedy": remedy}
