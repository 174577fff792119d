"""Run a plan again, answered from the record, up to where the record ends."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from labctl.core.errors import ReplayError
from labctl.core.journal import Entry, Exchange
from labctl.core.messages import Answer, Message, Plan, Record, Set, Wait
from labctl.core.readings import Scalar
from labctl.engine.checks import checked
from labctl.engine.compare import in_words, same_message


class Trail:
    """Remember what a plan last set and waited for, in order."""

    def __init__(self) -> None:
        self._settings: dict[str, Scalar] = {}
        self._waits: dict[str, None] = {}
        self.last_point_utc: datetime | None = None

    def follow(self, message: Message) -> None:
        """Take a message that was carried out into account."""
        if isinstance(message, Set):
            self._settings.pop(message.channel, None)
            self._waits.pop(message.channel, None)
            self._settings[message.channel] = message.value
        elif isinstance(message, Wait):
            self._waits.pop(message.channel, None)
            self._waits[message.channel] = None

    def messages(self) -> Iterator[Set | Wait]:
        """Yield what brings a safe table back to where the plan had it."""
        for channel, value in self._settings.items():
            yield Set(channel, value)
        for channel in self._waits:
            yield Wait(channel)


def replay(plan: Plan, entries: Iterable[Entry], trail: Trail) -> tuple[int, Answer]:
    """Answer a plan from the record.

    Returns
    -------
    The number of points in the record, and the answer that the plan waits for (None to start).

    Raises
    ------
    ReplayError
        Naming the first message that differs from the recorded one.
    """
    number, answer = 0, None
    for entry in entries:
        number = entry.point.number
        for index, exchange in enumerate(_steps(entry)):
            asked = _ask(plan, answer, number, index)
            if not same_message(asked, exchange.message):
                raise ReplayError(
                    f"point {number}, message {index}: the plan asks for {in_words(asked)}, "
                    f"the record has {in_words(exchange.message)}"
                )
            trail.follow(exchange.message)
            answer = exchange.answer
        number += 1
        trail.last_point_utc = entry.point.utc
    return number, answer


def _steps(entry: Entry) -> Iterator[Exchange]:
    yield from entry.exchanges
    yield Exchange(Record(entry.point.data, entry.point.kind), entry.point.number)


def _ask(plan: Plan, answer: Answer, number: int, index: int) -> Message:
    try:
        return checked(plan.send(answer), number)
    except StopIteration:
        raise ReplayError(
            f"point {number}, message {index}: the plan ends, but the record goes on"
        ) from None
    except Exception as error:
        raise ReplayError(
            f"point {number}, message {index}: the plan fails where the record goes on: {error}"
        ) from error
