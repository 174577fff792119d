"""Tell the time and wait: the only module that reads a clock or sleeps.

Durations and timeouts use the monotonic clock, stamps are UTC. On the virtual clock waiting
costs nothing, so that an overnight queue runs in seconds.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tell the time and wait."""

    def utc(self) -> datetime:
        """Return the date and time, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary start; never steps back."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Wait for a duration in seconds; zero and negative durations return at once."""
        ...


class RealClock:
    """Follow the clock of the machine."""

    def utc(self) -> datetime:
        """Return the date and time, in UTC."""
        return datetime.now(UTC)  # noqa: TID251

    def monotonic_s(self) -> float:
        """Return seconds since an arbitrary start."""
        return time.monotonic()  # noqa: TID251

    def sleep(self, duration_s: float) -> None:
        """Wait for a duration in seconds."""
        if duration_s > 0:
            time.sleep(duration_s)  # noqa: TID251


class ScaledClock:
    """Run `speed` times as fast as the clock of the machine.

    Clocks of the same `speed` and `origin_utc` agree, whichever process they live in.
    """

    def __init__(self, speed: float = 1.0, origin_utc: datetime | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"the speed of a clock must be positive, got {speed}")
        self.speed = speed
        self.origin_utc = origin_utc or datetime.now(UTC)  # noqa: TID251

        lag_s = (datetime.now(UTC) - self.origin_utc).total_seconds()  # noqa: TID251
        self._start_s = time.monotonic() - lag_s  # noqa: TID251

    def utc(self) -> datetime:
        """Return the scaled date and time, in UTC."""
        return self.origin_utc + timedelta(seconds=self.monotonic_s())

    def monotonic_s(self) -> float:
        """Return scaled seconds since the origin."""
        return (time.monotonic() - self._start_s) * self.speed  # noqa: TID251

    def sleep(self, duration_s: float) -> None:
        """Wait for a duration in scaled seconds."""
        if duration_s > 0:
            time.sleep(duration_s / self.speed)  # noqa: TID251


class VirtualClock:
    """Advance only when somebody waits.

    Parameters
    ----------
    start_utc
        The date and time at the start; a fixed date keeps runs reproducible.
    """

    def __init__(self, start_utc: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start_utc = start_utc
        self._now_s = 0.0
        self._lock = threading.Lock()

    def utc(self) -> datetime:
        """Return the virtual date and time, in UTC."""
        return self._start_utc + timedelta(seconds=self._now_s)

    def monotonic_s(self) -> float:
        """Return virtual seconds since the start."""
        return self._now_s

    def sleep(self, duration_s: float) -> None:
        """Advance by a duration in seconds, without waiting."""
        if duration_s > 0:
            with self._lock:
                self._now_s += duration_s


def suspended_s() -> float:
    """Return how long the machine has been suspended since it was started, in s.

    0 where the system does not tell it (Windows, macOS): `CLOCK_BOOTTIME` is of Linux, see
    clock_gettime(2).
    """
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        return 0.0
    return time.clock_gettime(boottime) - time.clock_gettime(time.CLOCK_MONOTONIC)
