"""Keep everything closed after a fault until somebody who may has looked at it."""

from dataclasses import dataclass, field

POLICY_MAY_RESET = frozenset(
    {"eof", "silent", "overdue", "exposed", "revoked", "restarted", "stopped", "link"}
)
"""Faults of processes and cables: a policy may go on after them. All others need a person."""


@dataclass(slots=True)
class Latch:
    """Hold the faults since the last reset, as (kind, words)."""

    causes: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Tell whether it is set."""
        return bool(self.causes)

    def set(self, kind: str, words: str) -> None:
        """Add a fault."""
        self.causes.append((kind, words))

    def clear(self) -> None:
        """Let things be opened again."""
        self.causes.clear()

    @property
    def words(self) -> str:
        """Return the first cause, which explains the others."""
        return self.causes[0][1] if self.causes else ""

    def hindrance(self, *, as_policy: bool) -> str:
        """Return why it may not be reset, or an empty string."""
        kinds = {kind for kind, _ in self.causes}
        if as_policy and kinds - POLICY_MAY_RESET:
            wrong = ", ".join(sorted(kinds - POLICY_MAY_RESET))
            return f"a person has to reset it, because of: {wrong}"
        return ""
