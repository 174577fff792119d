"""Show the queue and let people edit it while it runs."""

from pathlib import Path

from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.items import ItemState
from labctl.core.status import StationStatus
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.plural import counted
from labctl.gui.queue.desk import desk_of
from labctl.gui.queue.ending import EndAction
from labctl.gui.queue.flow import Flow
from labctl.gui.queue.model import QueueModel, Snapshot
from labctl.gui.queue.timeline import show_duration, show_moment
from labctl.gui.queue.toolbar import ActionBar
from labctl.gui.queue.view import QueueView

FILES = "Queue files (*.toml *.json)"
FOLDER = "queue/folder"
_WORDED = (
    "queue.edit", "queue.remove", "queue.undo", "queue.pause", "queue.duplicate", "queue.requeue",
    "queue.approve", "queue.clear", "queue.open", "queue.save", "queue.up", "queue.down",
)  # fmt: skip
"""Edits from the one that most needs words to those whose icon says it."""
_EMPTY = "Nothing waits. Choose a procedure in 'New run' (Ctrl+N) and add it, or open a queue file."


class QueuePanel(QtWidgets.QWidget):
    """Hold the table of the queue, the orders that steer it, and the edits."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.desk = desk_of(context.link)
        self.model = QueueModel(self)
        self.view = QueueView(self.model)
        self.flow = Flow(context, self.desk)
        self.ending = EndAction(self.desk)
        self.total = QtWidgets.QLabel()
        self.total.setAccessibleName("Total of the queue")
        self.empty = QtWidgets.QLabel(_EMPTY, self.view)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(QtCore.Qt.AlignmentFlag.AlignCenter)
        self.actions_by_id: dict[str, QtGui.QAction] = {}
        self._add_actions()
        self._build()
        self.model.dropped.connect(self._drop)
        self.view.doubleClicked.connect(lambda _: self.edit())
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        self.desk.shown.connect(self._show)
        self.desk.learned.connect(self._learn)
        context.link.status_changed.connect(self._follow)
        context.link.lost.connect(lambda _: self.model.follow(None))
        theme.changed().connect(self._restyle)
        self._learn()
        self._show(self.desk.snapshot)

    # ---- edits

    def edit(self) -> None:
        """Let the form change the selected waiting item."""
        found = self.view.selected()
        if len(found) == 1 and found[0].state is ItemState.WAITING and found[0].kind == "run":
            self.desk.ask_form(found[0])
        elif found:
            self._say("one waiting run can be edited at a time")

    def duplicate(self) -> None:
        """Add a copy behind each selected item."""
        ids = self._ids()
        if ids:
            self.desk.do(lambda table: [table.queue.duplicate(one) for one in ids])

    def up(self) -> None:
        """Move the selected items up."""
        self.desk.step(self._ids(), -1)

    def down(self) -> None:
        """Move the selected items down."""
        self.desk.step(self._ids(), 1)

    def remove(self) -> None:
        """Remove the selected items."""
        self.desk.remove(self._ids())

    def clear(self) -> None:
        """Remove all that waits or has ended; undo brings it back."""
        self.desk.do(
            lambda table: table.queue.clear(ended=True),
            lambda items: self._say(f"removed {counted(len(items), 'item')}; Ctrl+Z undoes it"),
        )

    def undo(self) -> None:
        """Take the last edit back."""
        self.desk.do(lambda table: table.queue.undo(), self._say)

    def insert_pause(self) -> None:
        """Insert a pause in front of the first selected waiting item, or at the end."""
        waiting = [item.id for item in self.desk.waiting]
        chosen = [one for one in self._ids() if one in waiting]
        at = waiting.index(chosen[0]) if chosen else self.desk.place()
        self.desk.do(lambda table: table.queue.insert_pause("look at the sample", at))

    def requeue(self) -> None:
        """Let the selected items that have ended wait again."""
        items = [item for item in self.view.selected() if item.state.is_end]
        again = [item for item in items if item.state is not ItemState.FINISHED]
        done = [item for item in items if item.state is ItemState.FINISHED]
        if items:
            # what has finished is not run again as the same item: its copy is
            self.desk.do(
                lambda table: (
                    [table.queue.requeue(item.id) for item in again],
                    [table.queue.duplicate(item.id) for item in done],
                )
            )

    def approve(self) -> None:
        """Let the selected items that wait for a decision go on."""
        states = (ItemState.QUARANTINED, ItemState.INTERRUPTED)
        ids = [item.id for item in self.view.selected() if item.state in states]
        if ids:
            self.desk.do(lambda table: [table.queue.approve(one) for one in ids])

    def open_file(self) -> None:
        """Choose a queue file and add what it holds."""
        dialog = self._dialog("Open a queue file", QtWidgets.QFileDialog.AcceptMode.AcceptOpen)
        dialog.fileSelected.connect(lambda path: self.load(Path(path)))
        dialog.open()

    def save_file(self) -> None:
        """Choose where to save what waits."""
        dialog = self._dialog("Save the queue", QtWidgets.QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.fileSelected.connect(lambda path: self.store(Path(path)))
        dialog.open()

    def load(self, path: Path) -> None:
        """Add the items of a queue file."""
        self._context.state.set(FOLDER, str(path.parent))
        self.desk.open_file(path)

    def store(self, path: Path) -> None:
        """Save what waits to a queue file."""
        self._context.state.set(FOLDER, str(path.parent))
        self.desk.save_file(path)

    # ---- what it looks like

    def _add_actions(self) -> None:
        # here, because the form is not made before it is shown
        self._context.actions.add(
            "queue.form", "New run …", lambda: self._context.show_dock("form"), "Ctrl+N",
            icon="playlist-plus", menu="Queue", tooltip="Go to the form for a new run",
        )  # fmt: skip
        for name, text, slot, keys, icon, tip in (
            ("queue.edit", "Edit …", self.edit, "F2", "edit", "Change the selected waiting item"),
            ("queue.duplicate", "Duplicate", self.duplicate, "Ctrl+D", "duplicate",
             "Add a copy behind each selected item"),
            ("queue.up", "Up", self.up, "Ctrl+Up", "up", "Move the selected items up"),
            ("queue.down", "Down", self.down, "Ctrl+Down", "down", "Move the selected items down"),
            ("queue.pause", "Insert pause", self.insert_pause, "Ctrl+I", "hand-back-right-outline",
             "Insert a pause for the operator"),
            ("queue.remove", "Remove", self.remove, "Ctrl+Del", "remove",
             "Remove the selected items (can be undone)"),
            ("queue.undo", "Undo", self.undo, "Ctrl+Z", "undo", "Take the last edit back"),
            ("queue.requeue", "Run again", self.requeue, "Ctrl+R", "refresh",
             "Let the selected items that have ended wait again"),
            ("queue.approve", "Approve", self.approve, "Ctrl+Shift+Y", "check",
             "Let selected items that were interrupted or are in quarantine go on"),
            ("queue.clear", "Clear", self.clear, "Ctrl+Shift+Del", "delete-sweep-outline",
             "Remove all that waits or has ended (can be undone)"),
            ("queue.open", "Open …", self.open_file, "Ctrl+O", "open", "Add a queue file"),
            ("queue.save", "Save …", self.save_file, "Ctrl+S", "save",
             "Save what waits to a queue file"),
        ):  # fmt: skip
            self.actions_by_id[name] = self._context.actions.add(
                name, text, slot, keys, tooltip=tip, icon=icon, menu="Queue"
            )

    def _build(self) -> None:
        bar = ActionBar(self.actions_by_id, ("queue.undo", "queue.clear"), _WORDED)
        top = QtWidgets.QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.addWidget(bar, 1)
        top.addWidget(self.ending)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(3)
        layout.addWidget(self.flow)
        layout.addLayout(top)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.total)
        self.setMinimumHeight(150)

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:  # noqa: N802
        """Keep the hint of an empty queue in the middle."""
        super().resizeEvent(event)
        self._place_hint()

    def _place_hint(self) -> None:
        self.empty.setGeometry(self.view.viewport().geometry().adjusted(12, 4, -12, -4))

    # ---- following the service

    def _learn(self) -> None:
        self.model.procedures = self.desk.procedures

    def _show(self, snapshot: Snapshot) -> None:
        self.model.show(snapshot)
        self.empty.setVisible(not snapshot.items)
        self._restyle()
        self._place_hint()
        self._follow(self._context.link.status)

    def _restyle(self, _: object = None) -> None:
        theme.dress(self.empty, f"color: {theme.current().dim}")

    def _follow(self, status: StationStatus | None) -> None:
        self.model.follow(status)
        self.total.setText(self._total(status))
        self._enable()

    def _total(self, status: StationStatus | None) -> str:
        timeline = self.desk.snapshot.timeline
        waiting = sum(number is not None for number in self.desk.snapshot.numbers)
        run = None if status is None else status.run
        runs = waiting + (run is not None)
        if not runs:
            return ""
        parts = [counted(runs, "run")]
        left_s = timeline.left_s() + ((run.left_s or 0.0) if run is not None else 0.0)
        is_vague = timeline.is_vague() or (run is not None and run.left_s is None)
        if is_vague and not left_s:
            parts.append("duration not known")
        else:
            parts.append(f"{'at least ' if is_vague else ''}{show_duration(left_s)}")
            last = timeline.last(status)
            now = None if status is None or not status.utc else timeline.now(status)
            parts.append(f"ends {show_moment(last, now)}" if last is not None else "")
        if status is not None and status.queue.paused and status.queue.reason:
            parts.append(f"held: {status.queue.reason}")
        return "  ·  ".join(part for part in parts if part)

    def _enable(self) -> None:
        found = self.view.selected()
        states = {item.state for item in found}
        one_run = len(found) == 1 and found[0].kind == "run"
        waits = ItemState.WAITING in states
        able = {
            "queue.edit": one_run and waits,
            "queue.duplicate": bool(found),
            "queue.up": waits,
            "queue.down": waits,
            "queue.remove": bool(found),
            "queue.requeue": any(state.is_end for state in states),
            "queue.approve": bool(states & {ItemState.QUARANTINED, ItemState.INTERRUPTED}),
            "queue.clear": bool(self.desk.snapshot.items),
            "queue.save": bool(self.desk.waiting),
        }
        for name, is_able in able.items():
            self.actions_by_id[name].setEnabled(is_able)

    def _drop(self, ids: list[str], row: int) -> None:
        self.desk.move(ids, self.model.place_before(row, ids))

    def _ids(self) -> list[str]:
        return [item.id for item in self.view.selected()]

    def _say(self, text: str) -> None:
        self._context.link.notice.emit("info", text)

    def _dialog(self, title: str, mode: QtWidgets.QFileDialog.AcceptMode) -> QtWidgets.QFileDialog:
        folder = self._context.state.get(FOLDER, "", str)
        dialog = QtWidgets.QFileDialog(self, title, folder, FILES)
        dialog.setAcceptMode(mode)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog
