"""Say in one word what the station does, and offer what can be done about it."""

from collections.abc import Callable
from dataclasses import dataclass

from qtpy import QtCore, QtWidgets

from labctl.client import Table
from labctl.core.status import StationState, StationStatus
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.queue.desk import QueueDesk
from labctl.gui.queue.widgets import push_button

CONFIRM_MS = 10_000
_MOVING = (StationState.RUNNING, StationState.PAUSING, StationState.STOPPING,
           StationState.ABORTING)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Order:
    id: str
    text: str
    icon: str
    shortcut: str
    tip: str
    slot: Callable[[], None]
    is_halt: bool = False


def state_word(status: StationStatus | None, is_lost: bool = False) -> str:
    """Return the one word (or three) that says what the station does."""
    if status is None or is_lost:
        return "unknown"
    held = status.queue.paused and status.queue.reason.startswith("stopped after")
    if status.state is StationState.RUNNING and held:
        return "stopping after run"
    return status.state.value


def onward(status: StationStatus) -> str:
    """Return the order that makes the station go on: a start or a continuation; "" for none."""
    queue = status.queue
    if status.run is None and queue.paused and not queue.reason.startswith("paused"):
        return "run.start"
    is_paused = queue.paused or status.state in (StationState.PAUSED, StationState.PAUSING)
    return "run.continue" if is_paused else ""


class Flow(QtWidgets.QWidget):
    """Hold the state word and the orders that start, pause and end things.

    Halts can be pressed whenever anything moves or the state is unknown. An abort is confirmed
    in place, so that nothing waits for it.
    """

    def __init__(self, context: Context, desk: QueueDesk) -> None:
        super().__init__()
        self._link, self._desk = context.link, desk
        self._is_lost = False
        self.word = QtWidgets.QLabel("unknown")
        self.word.setAccessibleName("State of the station")
        self.word.setToolTip("What the station does now")
        self.buttons: dict[str, QtWidgets.QToolButton] = {}
        row = QtWidgets.QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        row.addWidget(self.word)
        for order in self._orders():
            action = context.actions.add(
                order.id, order.text, order.slot, order.shortcut,
                tooltip=order.tip, icon=order.icon, menu="Queue",
            )  # fmt: skip
            button = QtWidgets.QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setAccessibleName(order.text)
            self.buttons[order.id] = button
            row.addWidget(button)
        row.addStretch(1)
        self.question = self._question()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.question)
        self._halts = {order.id for order in self._orders() if order.is_halt}
        context.link.status_changed.connect(self._follow)
        context.link.lost.connect(self._lose)
        theme.changed().connect(self._restyle)
        self._show(context.link.status)

    def _orders(self) -> list[_Order]:
        return [
            _Order("run.start", "Start", "start", "Ctrl+F7",
                   "Work through the queue", self.start),
            _Order("run.continue", "Continue", "step-forward", "Ctrl+F9",
                   "Go on after a pause", self.proceed),
            _Order("run.pause", "Pause after point", "pause", "Ctrl+F8",
                   "Finish the point that is being measured, then pause", self.pause, True),
            _Order("run.pause_now", "Pause now", "pause-octagon-outline", "Ctrl+Shift+F8",
                   "Pause at once; the point is repeated later", self.pause_now, True),
            _Order("run.stop", "Stop after run", "stop-circle-outline", "Ctrl+F10",
                   "Finish this run, and begin no other", self.stop, True),
            _Order("run.abort", "Abort", "abort", "Ctrl+Shift+F10",
                   "End the run at once in the safe state (asks once more)", self.abort, True),
        ]  # fmt: skip

    # ---- orders

    def start(self) -> None:
        """Work through the queue."""
        self._order(lambda table: table.start())

    def proceed(self) -> None:
        """Go on after a pause."""
        self._order(lambda table: table.proceed())

    def pause(self) -> None:
        """Pause after the point."""
        self._order(lambda table: table.pause("after_point"))

    def pause_now(self) -> None:
        """Pause at once."""
        self._order(lambda table: table.pause("now"))

    def stop(self) -> None:
        """Begin no other run after this one."""
        self._order(lambda table: table.stop("run"))

    def abort(self) -> None:
        """Ask whether to abort, in place."""
        run = None if self._link.status is None else self._link.status.run
        name = "the present run" if run is None or not run.name else f"run {run.name}"
        self._asked.setText(f"End {name} at once? What was measured is kept.")
        self.question.show()
        self._yes.setFocus()
        self._timer.start()

    def abort_now(self) -> None:
        """Abort without asking; never waits behind other orders."""
        self.question.hide()
        self._link.urgent(lambda table: table.abort("aborted in the window"))

    def _order(self, work: Callable[[Table], object]) -> None:
        # no lane: a pause waits for no edit
        self._desk.do(work, lane="")

    def _question(self) -> QtWidgets.QFrame:
        frame = QtWidgets.QFrame()
        frame.setObjectName("abort_question")
        self._asked = QtWidgets.QLabel()
        self._yes = push_button("Abort now", "End the run at once in the safe state",
                                self.abort_now)  # fmt: skip
        self._no = push_button("Keep running", "Change nothing", frame.hide)
        row = QtWidgets.QHBoxLayout(frame)
        row.setContentsMargins(4, 2, 4, 2)
        row.addWidget(self._asked, 1)
        row.addWidget(self._yes)
        row.addWidget(self._no)
        frame.hide()
        self._timer = QtCore.QTimer(self, singleShot=True, interval=CONFIRM_MS)
        self._timer.timeout.connect(frame.hide)
        return frame

    # ---- what is

    def _follow(self, status: StationStatus) -> None:
        self._is_lost = False
        self._show(status)

    def _restyle(self, _: object) -> None:
        self._show(self._link.status)

    def _lose(self, _: str) -> None:
        self._is_lost = True
        self._show(self._link.status)

    def _show(self, status: StationStatus | None) -> None:
        word = state_word(status, self._is_lost)
        colours = theme.current()
        known = {"running": colours.ok, "failed": colours.bad, "aborting": colours.bad,
                 "unknown": colours.stale, "idle": colours.text}  # fmt: skip
        colour = known.get(word, colours.warning)
        self.word.setText(word)
        theme.dress(self.word, f"color: {colour}; font-weight: bold; padding: 0 6px")
        self._enable(status)

    def _enable(self, status: StationStatus | None) -> None:
        known = status is not None and not self._is_lost
        moves = not known or (status is not None and (status.run is not None
                              or status.state in _MOVING or status.queue.active))  # fmt: skip
        for name, button in self.buttons.items():
            if name in self._halts:
                button.defaultAction().setEnabled(bool(moves))
        if status is None:
            return
        order = onward(status)
        for name in ("run.start", "run.continue"):
            self.buttons[name].defaultAction().setEnabled(name == order)
