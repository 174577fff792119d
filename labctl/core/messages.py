"""Define what a plan may ask of the table: frozen messages, each with the answer it gets.

A plan is a generator that yields messages and is sent their answers. It must be a function of
its parameters, its seed and these answers, because an interrupted run is resumed by running the
plan again and answering it from the record.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np

from labctl.core.readings import Reading, Scalar
from labctl.core.spectra import Frame, Spectrum

Recordable = Reading | Spectrum | Frame | np.ndarray | Scalar | None
Kind = Literal["measurement", "dark", "reference", "check"]


@dataclass(frozen=True, slots=True)
class Set:
    """Move a channel and wait until it is there; the answer is the `Reading` read back."""

    channel: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a channel has settled by its own rule; the answer is its `Reading`."""

    channel: str


@dataclass(frozen=True, slots=True)
class Read:
    """Read a channel; the answer is a `Reading`, which may be invalid."""

    channel: str


@dataclass(frozen=True, slots=True)
class Acquire:
    """Expose the camera; the answer is a `Spectrum`, or a `Frame` in mode "image".

    The shutters of `beams` are open during the exposures and closed before and after; without
    beams it is a dark. `exposure_s` is for each of `accumulations`, which are kept apart.
    """

    device: str
    exposure_s: float
    accumulations: int = 1
    beams: tuple[str, ...] = ()
    mode: Literal["spectrum", "image"] = "spectrum"


@dataclass(frozen=True, slots=True)
class Record:
    """Commit a point; the answer is its number, from 0. Nothing follows before it is safe."""

    data: Mapping[str, Recordable]
    kind: Kind = "measurement"


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait for a time in seconds; the answer is None."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class Note:
    """Leave a remark in the run; the answer is None. `data` must be plain JSON."""

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)


Message = Set | Wait | Read | Acquire | Record | Sleep | Note
Answer = Reading | Spectrum | Frame | int | None
Plan = Generator[Message, Any, None]
"""A generator of messages; `Any` because each message has its own type of answer."""


@dataclass(frozen=True, slots=True)
class Point:
    """Hold what one `Record` committed, as it is read back from a store."""

    number: int
    kind: Kind
    data: Mapping[str, Any]
    utc: datetime
    monotonic_s: float
    attempt: int = 0
