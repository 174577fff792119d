"""Give content an identity: equal content, and only equal content, has the same hash."""

import hashlib
import json
from typing import Any


def canonical_json(value: Any) -> str:
    """Return plain JSON in its one canonical form; raises `ValueError` for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_hash(value: Any) -> str:
    """Return the SHA-256 of plain JSON."""
    return "sha256:" + hashlib.sha256(canonical_json(value).encode()).hexdigest()
