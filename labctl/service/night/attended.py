"""Put conditions of one's own between the engine and the table, for the length of a run."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from labctl.core.channels import Acquirer, Interlock
from labctl.core.clock import Clock
from labctl.core.messages import Acquire
from labctl.core.readings import Quality, Reading
from labctl.core.spectra import Frame, Spectrum
from labctl.service.night.portions import acquire_in_portions
from labctl.service.night.rules import Rule
from labctl.station.station import OpticalTable

HOLDS = "fulfilled"

Look = Callable[[Rule, str], str]
"""Return why a condition does not hold, or an empty string; given what an exposure found."""
Mark = Callable[[Spectrum | Frame], Spectrum | Frame]


class ConditionChannel:
    """Read one condition as text: `HOLDS`, or why it does not."""

    unit = ""

    def __init__(self, rule: Rule, look: Look, found: dict[str, str], clock: Clock) -> None:
        self.name = f"night.{rule.name.replace(' ', '_')}"
        self._rule = rule
        self._look = look
        self._found = found
        self._clock = clock

    def read(self) -> Reading:
        """Return the present state of the condition."""
        why = self._look(self._rule, self._found.pop(self._rule.name, ""))
        return Reading.good(f"violated ({why})" if why else HOLDS, "", self._clock)


class AttendedAcquirer:
    """Expose with another acquirer, look at the conditions in between, and mark what it gives."""

    def __init__(
        self,
        acquirer: Acquirer,
        rules: Sequence[Rule],
        found: dict[str, str],
        mark: Mark,
        blind_s: float,
    ) -> None:
        self.name = acquirer.name
        self._acquirer = acquirer
        self._rules = rules
        self._found = found
        self._mark = mark
        self._blind_s = blind_s

    def check(self, request: Acquire) -> None:
        """Raise `LimitError` if the request cannot or may not be carried out."""
        self._acquirer.check(request)

    def acquire(self, request: Acquire) -> Spectrum | Frame:
        """Expose in portions, and mark what comes.

        If a condition does not hold between two portions, the exposure is invalid, and the next
        look at the condition finds it violated, so that the point is discarded.
        """
        return self._mark(
            acquire_in_portions(self._acquirer, request, self._blind_s, self._look_between)
        )

    def duration_s(self, request: Acquire) -> float:
        """Estimate how long the request takes, in seconds."""
        return self._acquirer.duration_s(request)

    def _look_between(self) -> str:
        for rule in self._rules:
            if why := rule.why_not():
                self._found[rule.name] = why
                return f"{rule.name}: {why}"
        return ""


@contextlib.contextmanager
def attended(
    station: OpticalTable,
    rules: Sequence[Rule],
    look: Look,
    blind_s: float,
    mark: Mark = lambda exposure: exposure,
    action: Literal["pause", "safe"] = "pause",
) -> Iterator[None]:
    """Let conditions pause a run, or end it, and mark every exposure, while the block lasts.

    Interlocks of the station file that only pause are replaced by the rules made from them. No
    exposure goes on for longer than `blind_s` without a look.
    """
    before = station.channels, station.acquirers, station.interlocks
    rules = [rule for rule in rules if rule.in_run]
    found: dict[str, str] = {}
    channels = [ConditionChannel(rule, look, found, station.clock) for rule in rules]
    conditions = [
        Interlock(rule.name, channel.name, HOLDS, action, period_s=0.0, remedy=rule.remedy)
        for rule, channel in zip(rules, channels, strict=True)
    ]
    station.channels = {**station.channels, **{one.name: one for one in channels}}
    station.acquirers = {
        name: AttendedAcquirer(acquirer, rules, found, mark, blind_s)
        for name, acquirer in station.acquirers.items()
    }
    lasting = [interlock for interlock in station.interlocks if interlock.action != "pause"]
    station.interlocks = (*lasting, *conditions)
    try:
        yield
    finally:
        station.channels, station.acquirers, station.interlocks = before


def doubted(exposure: Spectrum | Frame, doubt: str) -> Spectrum | Frame:
    """Return an exposure as uncertain for a further reason; an invalid one stays invalid."""
    if not doubt:
        return exposure
    quality = Quality.UNCERTAIN if exposure.quality is Quality.GOOD else exposure.quality
    reason = "; ".join(filter(None, (exposure.reason, doubt)))
    return replace(exposure, quality=quality, reason=reason)
