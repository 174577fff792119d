"""Keep what people write about a run beside it, never in its record."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from labctl.core.errors import StorageError
from labctl.store.atomic import replace_file

NOTES_FILE = "notes.json"


@dataclass(frozen=True, slots=True)
class Notes:
    """Hold remarks on a run: text, tags, a rating of 0 (none) to 5, and who wrote them when."""

    text: str = ""
    tags: Sequence[str] = ()
    rating: int = 0
    changed_by: str = ""
    changed_utc: str = ""


def read_notes(folder: Path) -> Notes:
    """Return the notes on a run; raises `StorageError` if they cannot be read."""
    path = folder / NOTES_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Notes(
            str(found["text"]),
            tuple(str(tag) for tag in found["tags"]),
            int(found["rating"]),
            str(found["changed_by"]),
            str(found["changed_utc"]),
        )
    except FileNotFoundError:
        return Notes()
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StorageError(
            f"{path}: the notes cannot be read: {error}", remedy="move the file away"
        ) from error


def write_notes(folder: Path, notes: Notes) -> None:
    """Replace the notes on a run; raises `StorageError`."""
    text = json.dumps(asdict(notes), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(folder / NOTES_FILE, lambda fresh: _write(fresh, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
