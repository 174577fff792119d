"""Answer a plan without a table, and say under what each of its points was recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from labctl.core.clock import VirtualClock
from labctl.core.messages import Acquire, Message, Record, Set
from labctl.core.procedure import Procedure, find_procedures
from labctl.core.readings import Reading
from labctl.engine.compare import in_words
from labctl.engine.dummies import Dummies

PROCEDURES: Mapping[str, type[Procedure]] = find_procedures()
SWEEPS = ("dual_beam", "power_series", "temperature_series", "thermometry_calibration")


@dataclass(frozen=True)
class Visit:
    """Hold one point with what was set when it was recorded."""

    record: Record
    settings: Mapping[str, Any]
    beams: tuple[str, ...]


class Answers:
    """Give answers that depend on the number of the question only: noise, but always the same."""

    def __init__(self) -> None:
        self._dummies = Dummies({}, {}, VirtualClock())
        self._number = 0

    def to(self, message: Message) -> Any:
        self._number += 1
        answer = self._dummies.answer(message)
        if isinstance(message, Acquire):
            noise = np.random.default_rng(self._number)
            return replace(answer, counts=noise.integers(600, 700, answer.counts.shape, np.uint16))
        if isinstance(answer, Reading) and answer.value is None:
            raise AssertionError(f"no answer to {message}")
        return answer


def conversation(name: str, **values: Any) -> Iterator[tuple[Message, Any]]:
    """Yield every message of a plan with its answer."""
    procedure = PROCEDURES[name]()
    plan = procedure.plan(procedure.Parameters(**values))
    answers, answer, points = Answers(), None, 0
    while True:
        try:
            message = plan.send(answer)
        except StopIteration:
            return
        if isinstance(message, Record):
            answer, points = points, points + 1
        else:
            answer = answers.to(message)
        yield message, answer


def transcript(name: str, **values: Any) -> list[str]:
    """Return what a plan asks for, in words; of a point, also what is recorded of numbers."""
    lines = []
    for message, _ in conversation(name, **values):
        lines.append(in_words(message))
        if isinstance(message, Record):
            lines += [f"{key}={value}" for key, value in message.data.items() if key != "spectrum"]
    return lines


def visits(name: str, **values: Any) -> list[Visit]:
    """Return the points of a plan with what was set when they were recorded."""
    settings: dict[str, Any] = {}
    beams: tuple[str, ...] = ()
    found = []
    for message, _ in conversation(name, **values):
        if isinstance(message, Set):
            settings[message.channel] = message.value
        elif isinstance(message, Acquire):
            beams = message.beams
        elif isinstance(message, Record):
            found.append(Visit(message, dict(settings), beams))
    return found
