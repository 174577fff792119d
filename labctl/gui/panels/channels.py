"""Read what a table consists of: its channels, and which of them belong together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """Hold what the service tells of a channel; `kind` is number, integer, boolean, choice, text.

    `low` and `high` are in `unit`, None without a limit.
    """

    name: str
    unit: str = ""
    settable: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    kind: str = "number"

    @property
    def group(self) -> str:
        """Return the first part of the name: the beam, or the part of the table."""
        return self.name.partition(".")[0]

    @property
    def label(self) -> str:
        """Return the rest of the name, as people read it."""
        return self.name.partition(".")[2].replace("_", " ").replace(".", " ") or self.name


def read_channels(description: Mapping[str, Any]) -> tuple[ChannelInfo, ...]:
    """Return the channels of a description; one that has no name is left out."""
    return tuple(_channels(description))


def _channels(description: Mapping[str, Any]) -> Iterator[ChannelInfo]:
    for fields in description.get("channels") or ():
        name = fields.get("name")
        if not isinstance(name, str) or not name:
            continue
        yield ChannelInfo(
            name=name,
            unit=str(fields.get("unit") or ""),
            settable=bool(fields.get("settable")),
            low=_number(fields.get("low")),
            high=_number(fields.get("high")),
            choices=tuple(str(one) for one in fields.get("choices") or ()),
            kind=str(fields.get("kind") or "number"),
        )


def group_channels(channels: Sequence[ChannelInfo]) -> dict[str, tuple[ChannelInfo, ...]]:
    """Return the channels by the first part of their names, in order."""
    groups: dict[str, list[ChannelInfo]] = {}
    for channel in channels:
        groups.setdefault(channel.group, []).append(channel)
    return {name: tuple(found) for name, found in groups.items()}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
