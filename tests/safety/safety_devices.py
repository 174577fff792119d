"""Devices without physics, and scripts as the safety process reads them."""

import re
from dataclasses import dataclass

from labctl.service.safety.script import Script, Step


@dataclass
class Blade:
    opens: bool = True
    since_s: float = -1.0

    def command(self, is_open, now_s):
        self.opens, self.since_s = is_open, now_s
        return 0.01

    def is_open(self, now_s):
        return self.opens if now_s >= self.since_s + 0.01 else not self.opens


def as_script(closing):
    """Return what the safety process makes of a driver's script."""
    compiled = lambda pattern: re.compile(pattern, re.DOTALL)  # noqa: E731
    steps = tuple(
        Step(
            one.send,
            compiled(one.reply),
            one.within_s,
            one.repeats,
            compiled(one.only_if) if one.only_if else None,
        )
        for one in closing.steps
    )
    return Script(
        closing.kind,
        steps,
        compiled(closing.safe),
        compiled(closing.unsafe),
        compiled(closing.harmless),
        closing.attempts,
    )
