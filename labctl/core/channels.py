"""Define what the engine asks of a station: channels by dotted name, acquirers, a safe state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from labctl.core.clock import Clock
from labctl.core.limits import Limits
from labctl.core.messages import Acquire
from labctl.core.readings import Reading, Scalar
from labctl.core.spectra import Frame, Spectrum

Attend = Callable[[], None]
"""Look after the run during a long wait: raise if it is to end, or an interlock is violated."""


@runtime_checkable
class Channel(Protocol):
    """Read one value. `name` is dotted (`cryostat.temperature`), `unit` may be empty."""

    name: str
    unit: str

    def read(self) -> Reading:
        """Return the present value; a sensor or link fault gives an invalid reading."""
        ...


@runtime_checkable
class Settable(Channel, Protocol):
    """Move one value."""

    limits: Limits | None
    choices: tuple[str, ...] | None

    def check(self, value: Scalar) -> None:
        """Raise `LimitError` if the value may not be set; touches no hardware."""
        ...

    def set(self, value: Scalar) -> Reading:
        """Move, wait until there, return the read-back."""
        ...

    def duration_s(self, start: Scalar | None, value: Scalar) -> float:
        """Estimate how long a move takes, in seconds; touches no hardware."""
        ...


@runtime_checkable
class Settleable(Channel, Protocol):
    """Wait until one value is steady."""

    def wait(self, attend: Attend | None = None) -> Reading:
        """Wait until the settling rule holds; past its deadline the reading is uncertain.

        `attend` is called again and again meanwhile; what it raises ends the waiting.
        """
        ...

    def settling_s(self, start: Scalar | None, value: Scalar | None) -> float:
        """Estimate how long settling takes, in seconds; touches no hardware."""
        ...


@runtime_checkable
class Acquirer(Protocol):
    """Expose a camera."""

    name: str

    def check(self, request: Acquire) -> None:
        """Raise `LimitError` if the request cannot or may not be carried out."""
        ...

    def acquire(self, request: Acquire) -> Spectrum | Frame:
        """Open the beams, expose, close the beams, return the raw counts with their axis."""
        ...

    def duration_s(self, request: Acquire) -> float:
        """Estimate how long the request takes, in seconds; touches no hardware."""
        ...


@dataclass(frozen=True, slots=True)
class Interlock:
    """State a condition that must hold on a channel while a run is on.

    `expect` is a closed range for numbers or the one allowed value. An invalid reading violates
    it. The channel is read again when the last reading is older than `period_s`.
    """

    name: str
    channel: str
    expect: Limits | str | bool
    action: Literal["pause", "safe", "abort"]
    period_s: float = 5.0
    remedy: str = ""


class Station(Protocol):
    """Give the engine the whole table by name."""

    name: str
    clock: Clock
    channels: Mapping[str, Channel]
    acquirers: Mapping[str, Acquirer]
    interlocks: Sequence[Interlock]

    def safe(self) -> list[str]:
        """Close all shutters, block emission, hold the heater, stop the stage.

        Every step is tried whatever the others do. Returns what could not be confirmed, one
        sentence each; an empty list means that the table is known to be safe.
        """
        ...

    def snapshot(self) -> dict[str, Reading]:
        """Read every channel back."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return identity: station file text, instruments, calibrations, simulation; JSON."""
        ...
