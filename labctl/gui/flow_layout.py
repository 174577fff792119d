"""Lay widgets out in rows that wrap."""

from typing import Any, cast

from superqt import QFlowLayout


class FlowLayout(cast("Any", QFlowLayout)):  # type: ignore[misc]
    """Wrap as superqt does, and remember heights until something inside changes.

    Qt asks for the height many times whenever a text changes, which a live view does 30 times
    per second.
    """

    def __init__(self, *parent: object) -> None:
        super().__init__(*parent)
        self._heights: dict[int, int] = {}

    def invalidate(self) -> None:
        """Forget the heights: an item has changed."""
        self.__dict__.get("_heights", {}).clear()
        super().invalidate()

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Return the height that the items take in a given width."""
        known = self._heights.get(width)
        if known is None:
            known = self._heights[width] = int(super().heightForWidth(width))
        return known
