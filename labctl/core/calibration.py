"""Hold a calibration so that whatever was computed with it can name it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Calibration:
    """Hold one calibration of the table.

    `kind` says what for (`wavelength`, `power.probe`, `thermometry.probe`); `values` are plain
    JSON with units in the keys; `source` names the run or certificate it came from.
    """

    kind: str
    values: Mapping[str, Any]
    measured_utc: str
    source: str
    valid_days: float

    @property
    def identity(self) -> str:
        """Return a hash of the content: equal calibrations, and only these, share it."""
        content = {
            "kind": self.kind,
            "values": self.values,
            "measured_utc": self.measured_utc,
            "source": self.source,
            "valid_days": self.valid_days,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:16]
