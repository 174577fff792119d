"""Register every action once: menus, shortcuts, palette and cheat sheet are made from it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qtpy import QtCore, QtGui, QtWidgets

from labctl.gui import theme
from labctl.gui.quantity import commit_focused


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold one action and where people find it."""

    id: str
    action: QtGui.QAction
    menu: str
    icon: str

    @property
    def keys(self) -> str:
        """Return its shortcuts as people read them."""
        native = QtGui.QKeySequence.SequenceFormat.NativeText
        return ", ".join(one.toString(native) for one in self.action.shortcuts())


class Actions(QtCore.QObject):
    """Hold all actions of a window.

    Every action first commits what is being typed, so that none works with an old number.
    """

    changed = QtCore.Signal()

    def __init__(self, window: QtWidgets.QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._entries: dict[str, Entry] = {}
        self._owners: dict[str, str] = {}
        theme.changed().connect(self._paint)

    def add(
        self,
        id: str,  # noqa: A002
        text: str,
        slot: Callable[..., object],
        shortcut: str | tuple[str, ...] | None = None,
        *,
        tooltip: str = "",
        icon: str = "",
        menu: str = "",
        checkable: bool = False,
        commits: bool = True,
    ) -> QtGui.QAction:
        """Return a new action; `slot` gets the checked state if it is checkable.

        Without `commits` it does not wait for what is being typed: for what makes safe.

        Raises
        ------
        ValueError
            If the id or the shortcut is taken.
        """
        if id in self._entries:
            raise ValueError(f"there is an action {id} already")
        action = QtGui.QAction(text, self._window)
        action.setObjectName(id)
        action.setCheckable(checkable)
        keys = [shortcut] if isinstance(shortcut, str) else list(shortcut or ())
        self._claim(id, keys)
        action.setShortcuts([QtGui.QKeySequence(one) for one in keys])
        # docks that float are windows of their own
        action.setShortcutContext(QtCore.Qt.ShortcutContext.ApplicationShortcut)
        action.setToolTip(_tip(tooltip or text.replace("&", ""), keys))
        action.setStatusTip(tooltip)
        if icon:
            action.setIcon(theme.icon(icon))
        action.triggered.connect(_committed(slot, checkable, commits))
        self._window.addAction(action)
        self._entries[id] = Entry(id, action, menu, icon)
        self.changed.emit()
        return action

    def get(self, id: str) -> QtGui.QAction:  # noqa: A002
        """Return an action; raises `KeyError` if there is none of that id."""
        return self._entries[id].action

    def trigger(self, id: str) -> None:  # noqa: A002
        """Do what an action does, if it is enabled."""
        self.get(id).trigger()

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries.values()))

    def _claim(self, name: str, keys: list[str]) -> None:
        plain = [QtGui.QKeySequence(one).toString() for one in keys]
        for key in plain:
            if key in self._owners:
                raise ValueError(f"{key} belongs to the action {self._owners[key]} already")
        self._owners.update(dict.fromkeys(plain, name))

    def _paint(self) -> None:
        for entry in self:
            if entry.icon:
                entry.action.setIcon(theme.icon(entry.icon))


def _tip(text: str, keys: list[str]) -> str:
    return f"{text} ({', '.join(keys)})" if keys else text


def _committed(
    slot: Callable[..., object], checkable: bool, commits: bool
) -> Callable[[bool], None]:
    def run(checked: bool) -> None:
        if commits and not commit_focused():
            return
        if checkable:
            slot(checked)
        else:
            slot()

    return run
