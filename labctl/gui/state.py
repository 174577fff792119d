"""Keep what a person has arranged: one versioned JSON file, written a moment after each change.

What cannot be used is left out and the rest kept: a damaged file never keeps the window from
opening.
"""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from qtpy import QtCore

VERSION = 1
FOLDER = "LABCTL_STATE"
"""Variable of the environment that names another folder for the file."""
NAME = "window.json"
DELAY_MS = 400

T = TypeVar("T")


def state_folder() -> Path:
    """Return where the state is kept."""
    if named := os.environ.get(FOLDER):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_state_dir("labctl", appauthor=False))


class State(QtCore.QObject):
    """Hold the state by key, such as `theme` or `spectrum.axis`; values are plain JSON.

    Attributes
    ----------
    problem
        What was wrong with the file, in a sentence for a banner; empty if nothing was.
    """

    def __init__(self, path: Path | None = None, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path or state_folder() / NAME
        self.problem = ""
        self._values = self._load()
        self._later = QtCore.QTimer(self, interval=DELAY_MS, singleShot=True)
        self._later.timeout.connect(self.flush)

    def get(self, key: str, default: T, kind: type[Any] | tuple[type[Any], ...]) -> T:
        """Return a value; `default` if there is none or it is not of `kind`.

        True and False are no numbers; a whole number will do for `float`.
        """
        found = self._values.get(key, default)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if isinstance(found, bool) and bool not in kinds:
            return default
        if float in kinds and isinstance(found, int):
            found = float(found)
        return found if isinstance(found, kinds) else default

    def set(self, key: str, value: object) -> None:
        """Keep a value; raises `TypeError` or `ValueError` if it is no plain JSON."""
        json.dumps(value, allow_nan=False)
        if self._values.get(key) != value:
            self._values[key] = value
            self._later.start()

    def remove(self, prefix: str) -> None:
        """Forget every key that begins with `prefix`."""
        self._values = {k: v for k, v in self._values.items() if not k.startswith(prefix)}
        self._later.start()

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that begin with `prefix`."""
        return sorted(key for key in self._values if key.startswith(prefix))

    def flush(self) -> None:
        """Write now; a disk that is full or read-only costs the arrangement, never the window."""
        self._later.stop()
        text = json.dumps({"version": VERSION, "values": self._values}, indent=1)
        partial = self.path.with_suffix(f".{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.path)
        except OSError as error:
            self.problem = f"the arrangement of the window cannot be kept: {error}"

    def _load(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            if found["version"] != VERSION:
                raise ValueError(f"version {found['version']!r} is not {VERSION}")
            return {str(key): value for key, value in found["values"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            self.problem = (
                f"{self.path.name} could not be read ({error}): the window opens as delivered; "
                "the old file is kept beside it"
            )
            self._put_aside()
            return {}

    def _put_aside(self) -> None:
        try:
            self.path.replace(self.path.with_suffix(".bad"))
        except OSError:
            self.problem += " as far as possible"
