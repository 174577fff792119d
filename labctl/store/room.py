"""Keep room on the disk for the next point."""

import shutil
from pathlib import Path

from labctl.core.errors import StorageError

MARGIN_BYTES = 1 << 30
"""Free space that an exposure must leave on the disk, besides the point itself."""


class Room:
    """Know how much is free, and how large points get."""

    def __init__(self, folder: Path, margin_bytes: int) -> None:
        self._folder = folder
        self._margin_bytes = margin_bytes
        self._largest = self._free = 0
        self.look()

    def look(self) -> None:
        """Ask the disk."""
        self._free = shutil.disk_usage(self._folder).free

    def note(self, size: int) -> None:
        """Take the size of a point in bytes into account."""
        self._largest = max(self._largest, size)

    def check(self) -> None:
        """Raise `StorageError` if there is no room for the largest point so far."""
        needed = self._largest + self._margin_bytes
        if self._free < needed:
            raise StorageError(
                f"run {self._folder.name}: {self._free / 1e6:.0f} MB are free on the disk of "
                f"{self._folder}, {needed / 1e6:.0f} MB are needed to go on safely",
                remedy="free space on the disk, then resume the run",
            )
