"""Keep calibrations as JSON files that say who they are, and are never overwritten."""

import contextlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labctl.core.calibration import Calibration
from labctl.core.errors import ConfigError, StorageError

_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
_KEYS = {"kind", "values", "measured_utc", "source", "valid_days", "identity"}
_REMEDY = "move the file out of the folder, or restore it from a backup; never edit a calibration"


def load_calibration(path: Path) -> Calibration:
    """Return the calibration of a file.

    Raises
    ------
    ConfigError
        If the file cannot be read or its content is not what its identity says.
    """
    content = _read(path)
    if set(content) != _KEYS:
        odd = ", ".join(sorted(set(content) ^ _KEYS))
        raise ConfigError(f"{path}: not a calibration: odd or missing keys: {odd}", remedy=_REMEDY)
    identity = content.pop("identity")
    try:
        calibration = Calibration(**content)
        _check(calibration)
        computed = calibration.identity
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ConfigError(f"{path}: not a calibration: {error}", remedy=_REMEDY) from error
    if computed != identity:
        raise ConfigError(
            f"{path}: identity {identity!r} does not fit the content, which is {computed}: "
            "the file was changed after it was saved",
            remedy=_REMEDY,
        )
    return calibration


def measured_at(calibration: Calibration) -> datetime:
    """Return when a calibration was measured, in UTC."""
    moment = datetime.fromisoformat(calibration.measured_utc)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def expiry_reason(calibration: Calibration, now_utc: datetime) -> str:
    """Return why a calibration is out of date, or an empty string."""
    age = now_utc - measured_at(calibration)
    if age > timedelta(days=calibration.valid_days):
        return (
            f"calibration {calibration.kind} ({calibration.identity}) of "
            f"{calibration.measured_utc} has expired: valid for {calibration.valid_days:g} days, "
            f"{age.days} days old"
        )
    return ""


@dataclass(slots=True)
class CalibrationFolder:
    """Hold the calibrations of one folder."""

    folder: Path
    items: list[Calibration] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> "CalibrationFolder":
        """Load every `*.json` of a folder; a folder that does not exist is empty.

        Raises
        ------
        ConfigError
            If one of the files must be refused.
        """
        paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
        return cls(folder, [load_calibration(path) for path in paths])

    def newest(self, kind: str, now_utc: datetime | None = None) -> Calibration | None:
        """Return the calibration of a kind that was measured last, but not after `now_utc`."""
        of_kind = [
            item
            for item in self.items
            if item.kind == kind and (now_utc is None or measured_at(item) <= now_utc)
        ]
        return max(of_kind, key=lambda item: (measured_at(item), item.identity), default=None)

    def current(self, now_utc: datetime) -> dict[str, Calibration]:
        """Return the newest calibration of every kind, expired ones included."""
        kinds = sorted({item.kind for item in self.items})
        found = {kind: self.newest(kind, now_utc) for kind in kinds}
        return {kind: item for kind, item in found.items() if item is not None}

    def save(self, calibration: Calibration) -> Path:
        """Write a calibration to a new file and return its path.

        Saving the same calibration twice is allowed and changes nothing.

        Raises
        ------
        ConfigError
            If the calibration is malformed.
        StorageError
            If the file cannot be written.
        """
        try:
            _check(calibration)
            text = calibration_text(calibration)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise ConfigError(f"calibration {calibration.kind!r}: {error}") from error
        stamp = measured_at(calibration).strftime("%Y%m%dT%H%M%SZ")
        short = calibration.identity.removeprefix("sha256:")
        path = self.folder / f"{calibration.kind}-{stamp}-{short}.json"
        if not path.exists():
            _write_new(path, text)
        elif load_calibration(path) != calibration:
            raise StorageError(f"{path}: exists and holds another calibration", remedy=_REMEDY)
        if all(item.identity != calibration.identity for item in self.items):
            self.items.append(calibration)
        return path


def calibration_text(calibration: Calibration) -> str:
    """Return the content of a calibration file."""
    content = {
        "kind": calibration.kind,
        "values": dict(calibration.values),
        "measured_utc": calibration.measured_utc,
        "source": calibration.source,
        "valid_days": calibration.valid_days,
        "identity": calibration.identity,
    }
    return json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _check(calibration: Calibration) -> None:
    """Raise `ValueError` or `TypeError` unless every field has its type and range."""
    if not _KIND.fullmatch(calibration.kind):
        raise ValueError(f"kind {calibration.kind!r} is no dotted lower-case name")
    types: tuple[tuple[str, object, type], ...] = (
        ("values", calibration.values, Mapping),
        ("source", calibration.source, str),
    )
    for name, value, wanted in types:
        if not isinstance(value, wanted):
            raise TypeError(f"{name} must be {wanted.__name__}, got {type(value).__name__}")
    days = calibration.valid_days
    if isinstance(days, bool) or not isinstance(days, (int, float)):
        raise TypeError("valid_days must be a number")
    if not (math.isfinite(days) and 0 < days <= 100_000):
        raise ValueError(f"valid_days must be in (0, 100000], got {days}")
    measured_at(calibration)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    # ValueError: no UTF-8, no JSON
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path}: cannot read the calibration: {error}", remedy=_REMEDY
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: not a calibration: no JSON object", remedy=_REMEDY)
    return content


def _write_new(path: Path, text: str) -> None:
    """Write a file that appears whole or not at all, and never in place of another."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)
    except OSError as error:
        raise StorageError(
            f"{path}: cannot save the calibration: {error.strerror or error}",
            remedy="check that the folder is writable and the disk has room",
        ) from error
    finally:
        # a failure to clear up must not hide what went wrong before
        with contextlib.suppress(OSError):
            draft.unlink()
