"""Define what a driver may ask of the port it speaks through."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Port(Protocol):
    """Carry whole replies and know whether they can still be trusted.

    The adapters of `labctl.transport` are ports; PyMeasure's ProtocolAdapter is not, and is
    spoken to through `write` and `read_bytes` only.
    """

    on_reopen: Callable[[], None] | None

    @property
    def lock(self) -> AbstractContextManager[Any]:
        """Return the re-entrant lock that everybody on this port shares."""
        ...

    def read_until(
        self, terminators: Sequence[bytes] = (), *, timeout_s: float | None = None
    ) -> bytes:
        """Return one reply up to and including the first terminator."""
        ...

    def surplus(self) -> bytes:
        """Return what came after the last reply without waiting for it."""
        ...

    def distrust(self, reason: str) -> None:
        """Demand that the link is proved to be in step before the next question."""
        ...
