"""Give docks and views what they may use."""

from collections.abc import Callable
from dataclasses import dataclass

from labctl.gui.actions import Actions
from labctl.gui.exposing import Exposing
from labctl.gui.link import Link
from labctl.gui.state import State


@dataclass(frozen=True, slots=True)
class Context:
    """Hold what a dock or view may use.

    `open_run` shows a run by its name; `show_view` brings a view to the front by its id;
    `show_dock` does so for a dock. `exposing` holds what Live, Snap and Record use.
    """

    link: Link
    state: State
    actions: Actions
    exposing: Exposing
    open_run: Callable[[str], None]
    show_view: Callable[[str], None]
    show_dock: Callable[[str], None]
