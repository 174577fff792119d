"""Define the seam to the hardware: bytes for ports, a narrow object for vendor SDKs."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Say how a driver's port is set up, as its manual prescribes."""

    baud_rate: int = 9600
    data_bits: Literal[7, 8] = 8
    parity: Literal["none", "odd", "even"] = "none"
    stop_bits: Literal[1, 2] = 1
    write_terminator: bytes = b"\r"
    read_terminator: bytes = b"\r\n"
    timeout_s: float = 2.0


class Link(Protocol):
    """Carry raw bytes to one instrument and back."""

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises
        ------
        ConnectionFailed
            If the line has dropped.
        """
        ...

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, at least one byte, or b"" if nothing came in time.

        Raises
        ------
        ConnectionFailed
            If the line has dropped.
        """
        ...

    def close(self) -> None:
        """Release the port; closing twice is allowed."""
        ...


class Backend(Protocol):
    """Open the resources of one scheme, such as `sim://`."""

    def open_link(self, resource: str, settings: LinkSettings) -> Link:
        """Open a byte link; raises `ConnectionFailed` with the reason and the remedy."""
        ...

    def open_sdk(self, resource: str) -> object:
        """Open a vendor SDK; what it can do is the Protocol beside its driver."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """Ask a harmless question whose reply has a form of its own.

    After a timeout the port asks two proofs with different replies, one after the other: a late
    reply of an earlier question cannot pass for both.
    """

    question: bytes
    reply: bytes
    """Regular expression that the whole reply must match, terminator included."""
