"""Follow what a run does to the table, from the events of the engine."""

from typing import TypeGuard

from labctl.core.messages import Acquire, Message, Set, Wait
from labctl.core.readings import Scalar
from labctl.engine import Event, MessageStarted

TEMPERATURE = "cryostat.temperature"


class Doing:
    """Remember what a run last set and waited for, in order, and how often it exposed.

    A message counts as done when the next one starts: the conditions of the night are only asked
    in between.
    """

    def __init__(self) -> None:
        self.exposures = 0
        self.settings: dict[str, Scalar] = {}
        self.waits: dict[str, None] = {}
        self._lit: set[str] = set()
        self._under_way: Message | None = None

    def reset(self) -> None:
        """Forget everything: another run begins."""
        self.exposures = 0
        self.settings.clear()
        self.waits.clear()
        self._lit.clear()
        self._under_way = None

    def observe(self, event: Event) -> None:
        """Take an event of the engine into account."""
        if isinstance(event, MessageStarted):
            self.follow(event.message)

    def follow(self, message: Message) -> None:
        """Take a message that starts into account."""
        self.settle()
        self._under_way = message
        if isinstance(message, Acquire):
            self.exposures += 1
        elif isinstance(message, Set):
            self.settings.pop(message.channel, None)
            self.waits.pop(message.channel, None)
            self.settings[message.channel] = message.value
            self._lit.add(message.channel)

    def made_safe(self) -> None:
        """Take into account that no beam has the power that was set any more."""
        self._lit.clear()

    def set_again(self, channel: str) -> None:
        """Take into account that a channel has been set to its value again."""
        self._lit.add(channel)

    def settle(self) -> None:
        """Take the message that is under way as done."""
        if isinstance(self._under_way, Wait):
            self.waits.pop(self._under_way.channel, None)
            self.waits[self._under_way.channel] = None
        self._under_way = None

    @property
    def sets_temperature(self) -> bool:
        """Tell whether the run has set the cryostat."""
        return TEMPERATURE in self.settings

    @property
    def settled_k(self) -> float | None:
        """Return where the cryostat was set and waited for, in K; None while it is on its way."""
        value = self.settings.get(TEMPERATURE)
        return float(value) if TEMPERATURE in self.waits and _is_number(value) else None

    def power_w(self, beam: str) -> float:
        """Return the power that a beam has been set to, in W; 0 since the table was made safe."""
        channel = f"{beam}.power"
        value = self.settings.get(channel, 0.0)
        return float(value) if channel in self._lit and _is_number(value) else 0.0

    def messages(self) -> list[Set | Wait]:
        """Return what brings a safe table back to where the run had it."""
        waits = [Wait(channel) for channel in self.waits]
        return [Set(channel, value) for channel, value in self.settings.items()] + waits


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
