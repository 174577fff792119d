"""Watch the conditions that must hold while a run is on."""

from collections.abc import Sequence

from labctl.core.channels import Interlock, Station
from labctl.core.errors import ConfigError, InstrumentError
from labctl.core.limits import Limits
from labctl.core.parameters import nearest_hint
from labctl.core.readings import Quality, Reading


class InterlockWatch:
    """Read the channels of a station's interlocks, each at most once per its period."""

    def __init__(self, station: Station) -> None:
        self._clock = station.clock
        self._channels = station.channels
        self._interlocks: Sequence[Interlock] = station.interlocks
        self._last_s: dict[str, float] = {}
        self._violations: dict[str, str] = {}
        for interlock in self._interlocks:
            if interlock.channel not in self._channels:
                raise ConfigError(
                    f"interlock {interlock.name!r}: unknown channel {interlock.channel!r}"
                    f"{nearest_hint(interlock.channel, self._channels)}",
                    remedy="correct the station file",
                )

    def violated(self) -> tuple[Interlock, str] | None:
        """Return the first interlock that does not hold, with what was read, or None."""
        for interlock in self._interlocks:
            now_s = self._clock.monotonic_s()
            last_s = self._last_s.get(interlock.name)
            if last_s is None or now_s - last_s >= interlock.period_s:
                self._violations[interlock.name] = self._look(interlock)
                self._last_s[interlock.name] = now_s
            if found := self._violations[interlock.name]:
                return interlock, found
        return None

    def forget(self) -> None:
        """Read every channel again at the next question."""
        self._last_s.clear()

    def _look(self, interlock: Interlock) -> str:
        try:
            reading = self._channels[interlock.channel].read()
        except InstrumentError as error:
            return f"{interlock.channel} cannot be read: {error.message}"
        if holds(interlock.expect, reading):
            return ""
        found = reading.reason if reading.quality is Quality.INVALID else f"{reading.value}"
        return (
            f"{interlock.channel} is {found} {reading.unit}".rstrip()
            + f", must be {interlock.expect}"
        )


def holds(expect: Limits | str | bool, reading: Reading) -> bool:
    """Tell whether a reading fulfils a condition; invalid, or of another type, never does."""
    value = reading.value
    if reading.quality is Quality.INVALID or value is None:
        return False
    if isinstance(expect, Limits):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value in expect
    return type(value) is type(expect) and value == expect
