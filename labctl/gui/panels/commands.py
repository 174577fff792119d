"""Move a channel by hand, and tell how it went."""

from collections.abc import Callable, Mapping
from typing import Any

from labctl.client import Table
from labctl.core.errors import LabctlError
from labctl.core.readings import Scalar
from labctl.gui.context import Context
from labctl.gui.exposing import LANE

REMEMBERED = "setpoints"
"""Key of the state: what was set last, by channel; offered in the next session, never applied."""


def set_channel(
    context: Context,
    channel: str,
    value: Scalar,
    done: Callable[[Mapping[str, Any]], None],
    failed: Callable[[LabctlError], None],
) -> None:
    """Move a channel in a thread; the table is opened for it if nobody has yet.

    Moves are made in the order in which people ask for them, live views included.
    """

    def work(table: Table) -> Mapping[str, Any]:
        if not table.status().interactive:
            table.attach()
        return table.set(channel, value)

    def finish(reading: Mapping[str, Any]) -> None:
        remember(context, channel, value)
        done(reading)

    context.link.ask(work, finish, failed, lane=LANE)


def remember(context: Context, channel: str, value: Scalar) -> None:
    """Keep what was set, to be offered in the next session."""
    kept: dict[str, Scalar] = dict(context.state.get(REMEMBERED, {}, dict))
    context.state.set(REMEMBERED, {**kept, channel: value})
