"""Carry out messages on a station."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from labctl.core.channels import Acquirer, Channel, Settable, Settleable, Station
from labctl.core.errors import InvalidReading, UsageError
from labctl.core.messages import Acquire, Answer, Message, Note, Read, Set, Sleep, Wait
from labctl.core.parameters import nearest_hint
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Frame, Spectrum
from labctl.engine.control import Control

SLICE_S = 0.25
"""Longest part of a `Sleep` during which nobody is listened to."""


class Table:
    """Give each message its answer from the station.

    `attend` is called during a `Sleep` or `Wait`, now and then.
    """

    def __init__(self, station: Station, control: Control, attend: Callable[[], None]) -> None:
        self._station = station
        self._control = control
        self._attend = attend
        # a protocol check looks at every attribute: once per channel is enough
        self._settable = functools.cache(functools.partial(find_settable, station))
        self._settleable = functools.cache(functools.partial(find_settleable, station))
        self._actions: Mapping[type, Callable[[Any], Answer]] = {
            Set: self._set,
            Acquire: self._acquire,
            Read: self._read,
            Wait: self._wait,
            Sleep: self._sleep,
            Note: self._note,
        }

    def answer(self, message: Message) -> Answer:
        """Carry out a message, which a signal may break into.

        Raises
        ------
        UsageError
            If the station has no such channel, or it cannot do this.
        LimitError
            If a value may not be set; nothing has moved then.
        InstrumentError
            If an instrument failed, or a `Set` or `Wait` came back without a valid reading.
        RunAborted
            If an abort was asked for.
        """
        control = self._control
        control.interruptible = True
        try:
            if control.aborting:
                control.check()
            return self._actions[type(message)](message)
        finally:
            control.interruptible = False

    def _read(self, message: Read) -> Reading:
        return find_channel(self._station, message.channel).read()

    def _wait(self, message: Wait) -> Reading:
        return _valid(self._settleable(message.channel).wait(self._attend), message)

    def _note(self, _message: Note) -> None:
        return

    def _set(self, message: Set) -> Reading:
        channel = self._settable(message.channel)
        channel.check(message.value)
        return _valid(channel.set(message.value), message)

    def _acquire(self, message: Acquire) -> Spectrum | Frame:
        acquirer = find_acquirer(self._station, message.device)
        acquirer.check(message)
        exposure = acquirer.acquire(message)
        # raw counts are never altered, not by a plan either
        exposure.counts.setflags(write=False)
        return exposure

    def _sleep(self, message: Sleep) -> None:
        clock = self._station.clock
        end_s = clock.monotonic_s() + message.duration_s
        while (left_s := end_s - clock.monotonic_s()) > 0:
            clock.sleep(min(left_s, SLICE_S))
            self._control.check()
            self._attend()


def find_channel(station: Station, name: str) -> Channel:
    """Return a channel by name; raises `UsageError` with the nearest known name."""
    try:
        return station.channels[name]
    except KeyError:
        raise UsageError(
            f"station {station.name!r} has no channel {name!r}"
            f"{nearest_hint(name, station.channels)}",
            remedy="correct the procedure, or add the instrument to the station file",
        ) from None


def find_settable(station: Station, name: str) -> Settable:
    """Return a channel that can be set; raises `UsageError`."""
    channel = find_channel(station, name)
    if not isinstance(channel, Settable):
        raise UsageError(f"channel {name!r} can only be read", remedy="correct the procedure")
    return channel


def find_settleable(station: Station, name: str) -> Settleable:
    """Return a channel that can settle; raises `UsageError`."""
    channel = find_channel(station, name)
    if not isinstance(channel, Settleable):
        raise UsageError(
            f"channel {name!r} has no settling rule", remedy="correct the procedure: no Wait"
        )
    return channel


def find_acquirer(station: Station, name: str) -> Acquirer:
    """Return an acquirer by name; raises `UsageError` with the nearest known name."""
    try:
        return station.acquirers[name]
    except KeyError:
        raise UsageError(
            f"station {station.name!r} has no acquirer {name!r}"
            f"{nearest_hint(name, station.acquirers)}",
            remedy="correct the procedure, or add the instrument to the station file",
        ) from None


def _valid(reading: Reading, message: Set | Wait) -> Reading:
    if reading.quality is Quality.INVALID:
        raise InvalidReading(
            f"{message}: {message.channel} has no valid reading: {reading.reason}",
            remedy="look at the instrument, then resume the run",
        )
    return reading
