"""Let the service see what a run reads and exposes anyway, without asking the table for more."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from labctl.core.channels import Acquirer, Attend, Channel, Settable, Settleable
from labctl.core.limits import Limits
from labctl.core.messages import Acquire, Message, Set, Wait
from labctl.core.readings import Reading, Scalar
from labctl.core.spectra import Frame, Spectrum
from labctl.station.station import OpticalTable

OnReading = Callable[[str, Reading], None]
OnExposure = Callable[[tuple[str, ...], Spectrum | Frame | None], None]
"""Called with the beams and None when an exposure begins, and with () and what came of it."""


Begin = Callable[[Message], None]
"""Called before anything is set, waited for or exposed."""


@runtime_checkable
class Watchable(Protocol):
    """Expose and show each accumulation as it comes."""

    def watch(self, request: Acquire, show: Callable[[Spectrum | Frame], None]) -> None:
        """Expose; what `show` raises ends it."""
        ...


def tap(table: OpticalTable, begin: Begin, on_reading: OnReading, on_exposure: OnExposure) -> None:
    """Report every action, reading and exposure of a table from now on."""
    table.channels = {
        name: _tapped(channel, begin, on_reading) for name, channel in table.channels.items()
    }
    table.acquirers = {
        name: _Acquirer(acquirer, begin, on_exposure) for name, acquirer in table.acquirers.items()
    }


def _tapped(channel: Channel, begin: Begin, tell: OnReading) -> Channel:
    if isinstance(channel, Settable):
        if isinstance(channel, Settleable):
            return _Regulated(channel, channel, begin, tell)
        return _Settable(channel, begin, tell)
    if isinstance(channel, Settleable):
        return _Settleable(channel, begin, tell)
    return _Readable(channel, tell)


class _Readable:
    def __init__(self, channel: Channel, tell: OnReading) -> None:
        self.name = channel.name
        self.unit = channel.unit
        self._channel = channel
        self._tell = tell

    def read(self) -> Reading:
        return self._told(self._channel.read())

    def _told(self, reading: Reading) -> Reading:
        self._tell(self.name, reading)
        return reading


class _Settable(_Readable):
    def __init__(self, channel: Settable, begin: Begin, tell: OnReading) -> None:
        _Readable.__init__(self, channel, tell)
        self._begin = begin
        self.limits: Limits | None = channel.limits
        self.choices: tuple[str, ...] | None = channel.choices
        self._settable = channel

    def check(self, value: Scalar) -> None:
        self._settable.check(value)

    def set(self, value: Scalar) -> Reading:
        self._begin(Set(self.name, value))
        return self._told(self._settable.set(value))

    def duration_s(self, start: Scalar | None, value: Scalar) -> float:
        return self._settable.duration_s(start, value)


class _Settleable(_Readable):
    def __init__(self, channel: Settleable, begin: Begin, tell: OnReading) -> None:
        _Readable.__init__(self, channel, tell)
        self._begin = begin
        self._settleable = channel

    def wait(self, attend: Attend | None = None) -> Reading:
        self._begin(Wait(self.name))
        return self._told(self._settleable.wait(attend))

    def settling_s(self, start: Scalar | None, value: Scalar | None) -> float:
        return self._settleable.settling_s(start, value)


class _Regulated(_Settable, _Settleable):
    def __init__(
        self, settable: Settable, settleable: Settleable, begin: Begin, tell: OnReading
    ) -> None:
        _Settable.__init__(self, settable, begin, tell)
        self._settleable = settleable


class _Acquirer:
    def __init__(self, acquirer: Acquirer, begin: Begin, tell: OnExposure) -> None:
        self.name = acquirer.name
        self._acquirer = acquirer
        self._begin = begin
        self._tell = tell

    def check(self, request: Acquire) -> None:
        self._acquirer.check(request)

    def acquire(self, request: Acquire) -> Spectrum | Frame:
        self._begin(request)
        self._tell(request.beams, None)
        exposure: Spectrum | Frame | None = None
        try:
            exposure = self._acquirer.acquire(request)
        finally:
            self._tell((), exposure)
        return exposure

    def watch(self, request: Acquire, show: Callable[[Spectrum | Frame], None]) -> None:
        """Expose and tell of each accumulation as it comes, where the table can."""
        watch = getattr(self._acquirer, "watch", None)
        if watch is None:
            show(self.acquire(request))
            return

        def seen(exposure: Spectrum | Frame) -> None:
            self._tell(request.beams, exposure)
            show(exposure)

        self._begin(request)
        self._tell(request.beams, None)
        try:
            watch(request, seen)
        finally:
            self._tell((), None)

    def duration_s(self, request: Acquire) -> float:
        return self._acquirer.duration_s(request)


def reading_fields(reading: Reading) -> Mapping[str, Any]:
    """Return a reading as plain JSON."""
    return {
        "value": reading.value,
        "unit": reading.unit,
        "utc": reading.utc.isoformat(),
        "quality": reading.quality.value,
        "reason": reading.reason,
    }
