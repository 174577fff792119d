"""Keep the beams in sight and LASER OFF within reach: the one bar that cannot be closed.

LASER OFF asks nobody, waits for nothing else, and says what was read back. The window is no
interlock: it says so when it cannot confirm.
"""

from collections.abc import Sequence

from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.clock import RealClock
from labctl.core.errors import LabctlError
from labctl.core.status import BeamStatus, StationState, StationStatus, ValueStatus
from labctl.core.units import format_quantity
from labctl.gui import theme
from labctl.gui.actions import Actions
from labctl.gui.chips import Chip, Level
from labctl.gui.escape import DoubleEscape
from labctl.gui.flow_layout import FlowLayout
from labctl.gui.link import Link
from labctl.gui.panels.wording import age_text

CONFIRM_MS = 3000
"""Without a verified read-back after this, people are told to use the hardware switch."""
NOT_CONFIRMED = "NOT CONFIRMED – use the hardware switch"

_STATE_LEVELS: dict[StationState, Level] = {
    StationState.IDLE: "ok",
    StationState.PAUSED: "warning",
    StationState.PAUSING: "warning",
    StationState.STOPPING: "warning",
    StationState.ABORTING: "bad",
    StationState.FAILED: "bad",
}


class SafetyBar(QtWidgets.QToolBar):
    """Show LASER OFF, every beam, the interlock, whether all is simulated, and the state."""

    def __init__(self, link: Link, actions: Actions, parent: QtWidgets.QWidget) -> None:
        super().__init__("Safety", parent)
        self._link = link
        self._clock = RealClock()
        self.setObjectName("safety_bar")
        self._fix()
        self.laser_off = _OffButton()
        self.laser_off.clicked.connect(self.switch_off)
        self.outcome = Chip("LASER OFF")
        self.outcome.hide()
        self.allow = QtWidgets.QToolButton()
        self.allow.hide()
        self._beams: dict[str, Chip] = {}
        self._beam_box = QtWidgets.QHBoxLayout()
        self._beam_box.setContentsMargins(0, 0, 0, 0)
        self.interlock = Chip("interlock")
        self.simulated = Chip("table")
        self.state = Chip("station")
        self._build()
        self._register(actions)
        self.allow.setDefaultAction(actions.get("safety.reset"))
        self.allow.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._late = QtCore.QTimer(self, interval=CONFIRM_MS, singleShot=True)
        self._late.timeout.connect(lambda: self._fail("no answer yet"))
        self._asked = 0
        self.escape = DoubleEscape(self)
        self.escape.pressed_twice.connect(self.switch_off)
        link.status_changed.connect(self.show_status)
        link.lost.connect(self.show_lost)
        if link.status is not None:
            self.show_status(link.status)

    # ---- LASER OFF

    @QtCore.Slot()
    def switch_off(self) -> None:
        """Close all shutters, then block emission; say what was read back."""
        self._asked += 1
        number = self._asked
        self._say("closing shutters …", "laser", "warning")
        self._late.start()
        self._link.urgent(
            lambda table: table.safe(),
            lambda unconfirmed: self._take(number, unconfirmed),
            lambda error: self._take_failure(number, error),
        )

    def _take(self, number: int, unconfirmed: Sequence[str]) -> None:
        if number != self._asked:
            return
        self._late.stop()
        if unconfirmed:
            self._fail("; ".join(unconfirmed))
        else:
            self._say(f"shutters closed, verified {self._clock.utc():%H:%M:%S} UTC", "ok", "ok")

    def _take_failure(self, number: int, error: LabctlError) -> None:
        if number == self._asked:
            self._late.stop()
            self._fail(error.message)

    def _fail(self, reason: str) -> None:
        self._say(NOT_CONFIRMED, "abort", "bad", reason)
        self._link.notice.emit("error", f"LASER OFF {NOT_CONFIRMED}: {reason}")

    def _say(self, text: str, icon: str, level: Level, tooltip: str = "") -> None:
        self.outcome.tell(text, icon, level, tooltip)
        self.outcome.show()

    # ---- what is known

    @QtCore.Slot(object)
    def show_status(self, status: StationStatus) -> None:
        """Show what the service says."""
        for beam in status.beams:
            self._chip(beam.name).tell(*_told(beam, status.values.get(f"{beam.name}.power")))
        if any(beam.shutter == "open" for beam in status.beams) and self.outcome.level == "ok":
            self.outcome.hide()
        self._show_interlock(status)
        self.allow.setVisible(status.safety.latched)
        if status.simulated:
            self.simulated.tell(
                "SIMULATED", "simulated", "warning", f"simulated table, clock × {status.speed:g}"
            )
        self.simulated.setVisible(status.simulated)
        self._show_state(status)

    @QtCore.Slot(str)
    def show_lost(self, reason: str) -> None:
        """Show that nothing is known any more."""
        for name, chip in self._beams.items():
            chip.tell(f"{name} UNKNOWN", "unknown", "bad", f"no connection: {reason}")
        self.interlock.tell("interlock unknown", "unknown", "stale", reason)
        self.state.tell("NO CONNECTION", "unknown", "bad", reason)

    def beam(self, name: str) -> Chip:
        """Return what shows a beam; raises `KeyError` if there is none of that name."""
        return self._beams[name]

    def _chip(self, name: str) -> Chip:
        if name not in self._beams:
            self._beams[name] = Chip(f"beam {name}")
            self._beam_box.addWidget(self._beams[name])
        return self._beams[name]

    def _show_interlock(self, status: StationStatus) -> None:
        opened = [beam.name for beam in status.beams if beam.interlock is False]
        unknown = [beam.name for beam in status.beams if beam.interlock is None]
        if status.safety.latched:
            reason = status.safety.reason or "reset it at the table: palette, 'Allow beams again'"
            self.interlock.tell("BEAMS LATCHED OFF", "interlock_open", "bad", reason)
        elif opened:
            self.interlock.tell(f"interlock OPEN: {', '.join(opened)}", "interlock_open", "bad")
        elif unknown or not status.beams:
            self.interlock.tell("interlock unknown", "unknown", "stale")
        else:
            self.interlock.tell("interlock OK", "interlock", "ok")

    def _show_state(self, status: StationStatus) -> None:
        level = _STATE_LEVELS.get(status.state, "plain")
        word = status.state.value
        if not status.safety.confirmed and status.safety.process == "lost":
            word, level = f"{word}, NOT GUARDED", "bad"
        icon = {"bad": "error", "warning": "warning", "ok": "ok"}.get(level, "start")
        reason = status.reason or status.safety.reason
        self.state.tell(word, icon, level, f"station is {word}{f': {reason}' if reason else ''}")

    # ---- inside

    def _fix(self) -> None:
        self.setMovable(False)
        self.setFloatable(False)
        self.setAllowedAreas(QtCore.Qt.ToolBarArea.TopToolBarArea)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.PreventContextMenu)
        self.toggleViewAction().setEnabled(False)
        self.toggleViewAction().setVisible(False)

    def _build(self) -> None:
        beams = QtWidgets.QWidget()
        beams.setLayout(self._beam_box)
        self._holder = _Wrapping()
        for widget in (
            self.laser_off, beams, self.interlock, self.allow, self.simulated, self.state,
            self.outcome,
        ):  # fmt: skip
            self._holder.add(widget)
        self.addWidget(self._holder)

    def _register(self, actions: Actions) -> None:
        actions.add(
            "safety.laser_off",
            "LASER OFF",
            self.switch_off,
            "Ctrl+Shift+L",
            tooltip="Close all shutters and block emission now (also Esc Esc)",
            icon="laser",
            menu="Safety",
            commits=False,
        )
        actions.add(
            "safety.reset",
            "Allow beams again",
            self._reset,
            tooltip="Let beams open again after an interlock: only for people at the table",
            icon="interlock",
            menu="Safety",
        )

    def _reset(self) -> None:
        self._link.ask(
            lambda table: table.reset_latch(),
            lambda _: self._link.notice.emit("info", "beams may open again"),
        )


class _Wrapping(QtWidgets.QWidget):
    """Lay widgets out in rows: with large letters or much to say, a second one is begun."""

    def __init__(self) -> None:
        super().__init__()
        self._flow = FlowLayout(self)
        self._flow.setContentsMargins(4, 3, 4, 3)
        self._flow.setHorizontalSpacing(6)
        self._flow.setVerticalSpacing(3)
        policy = QtWidgets.QSizePolicy.Policy
        self.setSizePolicy(policy.Expanding, policy.Fixed)

    def add(self, widget: QtWidgets.QWidget) -> None:
        """Add a widget at the end."""
        self._flow.addWidget(widget)

    def minimumSizeHint(self) -> QtCore.QSize:  # noqa: N802
        """Return the height that the present width takes, and little width."""
        return QtCore.QSize(600, self._flow.heightForWidth(max(self.width(), 600)))

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802
        """Return the same: the bar always has the width of the window."""
        return self.minimumSizeHint()

    def event(self, event: QtCore.QEvent) -> bool:
        """Ask for another height when the width or what is inside has changed."""
        done = super().event(event)
        if event.type() in (QtCore.QEvent.Type.Resize, QtCore.QEvent.Type.LayoutRequest):
            wanted = self._flow.heightForWidth(max(self.width(), 600))
            if wanted != self.height():
                self.updateGeometry()
        return done


class _OffButton(QtWidgets.QPushButton):
    """Show LASER OFF in the largest letters of the window."""

    def __init__(self) -> None:
        super().__init__("LASER OFF  Esc Esc")
        self.setToolTip("Close all shutters and block emission now (Esc Esc)")
        self.setAccessibleName("LASER OFF")
        self.setObjectName("laser_off")
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.setCursor(QtGui.QCursor(QtCore.Qt.CursorShape.PointingHandCursor))
        theme.changed().connect(self._paint)
        self._paint()

    def _paint(self) -> None:
        now = theme.current()
        self.setStyleSheet(
            f"#laser_off {{ background: {now.bad}; color: {now.on_bad}; font-weight: bold;"
            f" border: 2px solid {now.bad}; border-radius: 4px; padding: 5px 12px; }}"
            f"#laser_off:focus, #laser_off:hover {{ border-color: {now.text}; }}"
            f"#laser_off:pressed {{ background: {now.raised}; color: {now.text}; }}"
        )
        self.setIcon(theme.icon("laser", now.on_bad))


def _told(beam: BeamStatus, known: ValueStatus | None) -> tuple[str, str, Level, str]:
    """Return word, icon, level and tooltip of a beam, given what is known of its power."""
    line = f"{beam.name} {beam.wavelength_nm:.1f} nm"
    power = "" if beam.power_w is None else format_quantity(beam.power_w, "W", 3)
    if power and known is not None and known.stale and known.age_s is not None:
        power = f"{power} ({age_text(known.age_s)})"
    tooltip = f"{line}: {power or 'power unknown'} at the sample while open" + (
        f"; {beam.reason}" if beam.reason else ""
    )
    if beam.shutter == "open":
        return f"{line} ON SAMPLE {power}".rstrip(), "beam_on", "bad", tooltip
    if beam.shutter == "closed":
        if beam.exposing:
            return f"{line} exposing {power}".rstrip(), "beam_on", "warning", tooltip
        return f"{line} closed", "beam_off", "ok", tooltip
    return f"{line} UNKNOWN", "unknown", "warning", tooltip
