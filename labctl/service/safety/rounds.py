"""Hold one round of closing: why, which ports, who wants to know how it ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labctl.service.safety.relay import GuardedPort

Report = dict[str, Any]
Done = Callable[[Report], None]


@dataclass(slots=True)
class Round:
    """Hold one round. `done` is called once with the report."""

    kind: str
    words: str
    ports: Sequence[GuardedPort]
    start_s: float
    done: Done | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether every port has its verdict."""
        return not any(port.is_closing for port in self.ports)

    def report(self) -> Report:
        """Return what is confirmed and what is not, with reasons and monotonic stamps in s."""
        problems = {port.name: port.verdict for port in self.ports if port.verdict}
        return {
            "confirmed": not problems,
            "kind": self.kind,
            "why": self.words,
            "problems": problems,
            "since_s": round(self.start_s, 6),
            "ports": {port.name: shown(port) for port in self.ports},
        }


def shown(port: GuardedPort) -> Report:
    """Return what is known of a port; `sent_s` and `done_s` belong to its last closing."""
    return {
        "kind": port.config.script.kind,
        "confirmed": not port.verdict,
        "problem": port.verdict,
        "line": port.mode.value,
        "sent_s": port.sent_s,
        "done_s": port.done_s,
    }


def listed(problems: Mapping[str, str]) -> str:
    """Return problems by port as one sentence."""
    return "; ".join(f"{name}: {text}" for name, text in problems.items())
