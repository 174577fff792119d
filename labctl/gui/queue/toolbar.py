"""Show what can be done as icons, with words as far as there is room for them."""

from collections.abc import Mapping, Sequence

from qtpy import QtCore, QtGui, QtWidgets

_Style = QtCore.Qt.ToolButtonStyle


class ActionBar(QtWidgets.QToolBar):
    """Hold a button for each action.

    Parameters
    ----------
    actions
        The actions by their ids, in order.
    groups
        Ids behind which a group ends.
    worded
        Ids in the order in which their buttons get words beside the icon.
    """

    def __init__(
        self, actions: Mapping[str, QtGui.QAction], groups: Sequence[str], worded: Sequence[str]
    ) -> None:
        super().__init__()
        self.setIconSize(QtCore.QSize(16, 16))
        self.setToolButtonStyle(_Style.ToolButtonIconOnly)
        self.buttons: dict[str, QtWidgets.QToolButton] = {}
        for name, action in actions.items():
            self.addAction(action)
            button = self.widgetForAction(action)
            if isinstance(button, QtWidgets.QToolButton):
                button.setAccessibleName(action.text())
                self.buttons[name] = button
            if name in groups:
                self.addSeparator()
        self._worded = worded

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802
        """Put words where they fit."""
        super().resizeEvent(event)
        self._word()

    def _word(self) -> None:
        beside = _Style.ToolButtonTextBesideIcon
        words = {name: _width_of_words(self.buttons[name]) for name in self._worded}
        shown = [name for name in words if self.buttons[name].toolButtonStyle() == beside]
        room = self.width() - self.sizeHint().width() + sum(words[name] for name in shown)
        for name, width in words.items():
            room -= width
            self.buttons[name].setToolButtonStyle(
                beside if room >= 0 else _Style.ToolButtonIconOnly
            )


def _width_of_words(button: QtWidgets.QToolButton) -> int:
    """Return by how much words make a button wider, in pixels, as Qt reckons it."""
    return button.fontMetrics().horizontalAdvance(f"{button.text()}  ") + 4
