"""Give all processes of a station one clock that never goes back, also across restarts."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from labctl.core.clock import Clock, RealClock, ScaledClock
from labctl.core.errors import ConfigError
from labctl.service.daemon.settings import DEFAULT_SPEED
from labctl.service.queue.database import StationDatabase
from labctl.station.sections import StationFile

KEY = "clock"
SAME_ORIGIN_S = 3600.0
"""A restart within so long, in s of the machine, keeps the clock: an old worker may still run."""


class StationClock(ScaledClock):
    """Be a scaled clock that tells its origin, so that another process can make its like."""

    def __init__(self, speed: float, origin_utc: datetime) -> None:
        super().__init__(speed, origin_utc)
        self.origin_utc = origin_utc


def speed_of(file: StationFile, wanted: float | None) -> float:
    """Return the speed of a station's clock.

    Raises
    ------
    ConfigError
        If another speed than that of the wall is wanted for a real table.
    """
    section = file.simulation
    if section is None:
        if wanted not in (None, 1.0):
            raise ConfigError(
                f"{file.station.name}: a real table has the clock of the wall, not speed {wanted}",
                remedy="leave --speed out",
            )
        return 1.0
    if wanted is not None:
        return wanted
    return {"real": 1.0, "scaled": section.speed, "virtual": DEFAULT_SPEED}[section.clock]


def make_clock(speed: float, database: StationDatabase, last_utc: datetime | None) -> Clock:
    """Return the clock of a station, later than all that it has stamped.

    Parameters
    ----------
    last_utc
        The newest stamp in the data folder, or None.
    """
    if speed == 1.0:
        return RealClock()
    now_utc = RealClock().utc()
    known = _stored(database)
    try:
        stored_utc = datetime.fromisoformat(known["stored_utc"])
        is_recent = (now_utc - stored_utc).total_seconds() < SAME_ORIGIN_S
        if known["speed"] == speed and is_recent:
            return StationClock(speed, datetime.fromisoformat(known["origin_utc"]))
        stamps = [now_utc, datetime.fromisoformat(known["utc"])]
    except (KeyError, TypeError, ValueError):
        stamps = [now_utc]
    start_utc = max([*stamps, *([last_utc.astimezone(UTC)] if last_utc else [])])
    # utc = origin + speed * (now - origin), solved for the origin
    ahead_s = (start_utc - now_utc).total_seconds()
    return StationClock(speed, now_utc - timedelta(seconds=ahead_s / (speed - 1.0)))


def clock_fields(clock: Clock) -> dict[str, Any]:
    """Return what another process needs to make the same clock."""
    if isinstance(clock, StationClock):
        return {"speed": clock.speed, "origin_utc": clock.origin_utc.isoformat()}
    return {"speed": 1.0, "origin_utc": ""}


def store_clock(database: StationDatabase, fields: Mapping[str, Any], utc: datetime) -> None:
    """Remember how far the clock has come."""
    value = {**fields, "utc": utc.isoformat(), "stored_utc": RealClock().utc().isoformat()}
    with database.transaction() as db:
        db.execute(
            "INSERT OR REPLACE INTO settings(name, value) VALUES (?,?)", (KEY, json.dumps(value))
        )


def _stored(database: StationDatabase) -> dict[str, Any]:
    with database.reading() as db:
        row = db.execute("SELECT value FROM settings WHERE name=?", (KEY,)).fetchone()
    try:
        value = json.loads(row[0]) if row else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
