"""Read when an item may start: a date and time, a time of day, or a time from now."""

import re
from datetime import UTC, datetime, time, timedelta

from labctl.core.errors import UsageError
from labctl.core.units import parse_quantity

_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?\s*(Z|[+-]\d\d:[0-5]\d)?")
LONGEST_S = 366 * 86400.0


def read_time(text: str, now_utc: datetime) -> datetime | str:
    """Return the time that `+2 h` or `22:00+01:00` (the next one) means; other texts as given.

    Raises
    ------
    ValueError
        If a time of day has no zone, or a time from now is none or longer than a year.
    """
    stripped = text.strip()
    if stripped.startswith("+"):
        try:
            wait_s = parse_quantity(stripped[1:], "s")
        except UsageError as error:
            raise ValueError(f"{text!r}: {error.message}") from error
        if not 0 <= wait_s <= LONGEST_S:
            raise ValueError(f"{text!r}: a time from now is 0 s to 366 days")
        return now_utc + timedelta(seconds=wait_s)
    match = _TIME_OF_DAY.fullmatch(stripped)
    if match is None:
        return text
    if match[3] is None:
        raise ValueError(
            f"{text!r}: the zone is missing: write '{stripped}Z' or '{stripped}+01:00'"
        )
    hour, rest = stripped.split(":", 1)
    try:
        of_day = time.fromisoformat(f"{hour.zfill(2)}:{rest}".replace(" ", ""))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from error
    start = datetime.combine(now_utc.astimezone(of_day.tzinfo).date(), of_day)
    moment = start.astimezone(UTC)
    return moment if moment >= now_utc else moment + timedelta(days=1)
