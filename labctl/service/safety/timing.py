"""Read the clocks of the machine: the rest of labctl's clock is not imported here."""

import time
from datetime import UTC, datetime


def monotonic_s() -> float:
    """Return seconds since the machine started; stands still while it is suspended."""
    return time.monotonic()  # noqa: TID251


def suspended_s() -> float:
    """Return for how long the machine has been suspended since it started; 0 if unknown."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    if clock is None:
        return 0.0
    return time.clock_gettime(clock) - time.clock_gettime(time.CLOCK_MONOTONIC)


def utc_text() -> str:
    """Return the date and time in UTC."""
    return datetime.now(UTC).isoformat()  # noqa: TID251
