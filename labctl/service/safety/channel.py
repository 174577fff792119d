"""Say who has the line of a guarded device, and what its holder is told."""

from enum import Enum
from typing import Protocol


class Mode(Enum):
    """Say who has the line."""

    DOWN = "down"
    OPENING = "opening"
    FREE = "free"
    ASKING = "asking"
    QUIET = "quiet"
    CLOSING = "closing"


class Channel(Protocol):
    """Be the holder's end of a port."""

    epoch: int

    def deliver(self, data: bytes) -> None:
        """Take what the device sent."""
        ...

    def accept(self) -> None:
        """Hear that a write went out."""
        ...

    def refuse(self, reason: str) -> None:
        """Hear that a write, or part of it, did not go out."""
        ...

    def drop(self, reason: str) -> None:
        """Hear that the line is gone."""
        ...
