"""Say who asks, from where, and what that allows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Listener = Literal["unix", "loopback", "remote"]


class Role(StrEnum):
    """Name what a client may do; each role may also do what the ones before it may.

    `view` reads; `queue` edits what waits; `operate` pauses, stops, aborts and switches lasers
    off; `admin` reads the audit and manages tokens.
    """

    VIEW = "view"
    QUEUE = "queue"
    OPERATE = "operate"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Tell whether this role may do what needs another."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Identity:
    """Hold who asks.

    `is_present` is true for whoever uses the account of the service on its own machine: only
    such a person opens shutters, raises power, lets a queue begin or go on, resets a latch or
    makes tokens. A token from the database never is, wherever it is used.
    """

    id: str
    name: str
    role: Role
    is_present: bool

    @property
    def who(self) -> str:
        """Return one line for the audit and for alarms."""
        return f"{self.name} ({self.id})"


@dataclass(frozen=True, slots=True)
class Peer:
    """Hold what the operating system says of the other end of a connection.

    `uid` and `pid` are those of the process at a Unix socket, else None.
    """

    listener: Listener
    address: str = ""
    uid: int | None = None
    pid: int | None = None
