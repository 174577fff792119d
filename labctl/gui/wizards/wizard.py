"""Lead through one calibration: prepare, measure, compare before and after, decide."""

from collections.abc import Mapping, Sequence
from typing import Any

from qtpy import QtCore, QtWidgets

from labctl.client import Table
from labctl.core.errors import LabctlError, UsageError
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.panels.fields import QuietCombo, paint, repaint
from labctl.gui.quantity import commit_focused
from labctl.gui.queue.parameters import Parameter, Procedure, known_names
from labctl.gui.wizards.fields import MethodForm
from labctl.gui.wizards.kinds import AT_SAMPLE, Kind, Method
from labctl.gui.wizards.measurement import Found, Measurement
from labctl.gui.wizards.readings import Readings
from labctl.gui.wizards.residuals import ResidualPlot, comparison, finding, make_note

LABEL = "calibration"


class Wizard(QtWidgets.QDialog):
    """Make one kind of calibration; it stands beside the window and blocks nothing.

    `decided` tells that a calibration was accepted or discarded.
    """

    decided = QtCore.Signal()

    def __init__(self, context: Context, kind: Kind, parent: QtWidgets.QWidget | None) -> None:
        super().__init__(parent)
        self._context = context
        self.kind = kind
        self.found: Found | None = None
        self._procedures: Mapping[str, Sequence[Parameter]] = {}
        self.measurement = Measurement(context.link, self)
        self.setWindowTitle(f"Calibrate: {kind.title}")
        self.setAccessibleName(self.windowTitle())
        self.setModal(False)
        self.resize(640, 700)
        self._build()
        self.measurement.told.connect(self._tell)
        self.measurement.done.connect(self.show_found)
        self.measurement.failed.connect(self._fail)
        theme.changed().connect(self._repaint)
        context.link.ask(lambda table: table.procedures(), self._take_procedures, self._refused)
        self._enable()

    @property
    def method(self) -> Method:
        """Return the method that is chosen."""
        return self.kind.methods[max(self.methods.currentIndex(), 0)]

    def measure(self) -> None:
        """Run the procedure."""
        if not commit_focused():
            return
        try:
            parameters = {**self.method.fixed, **self.form.values()}
            if self.method is AT_SAMPLE:
                parameters["readings"] = self.readings.values_w()
        except UsageError as error:
            self._fail(error.message)
            return
        self.found = None
        self.plot.clear_points()
        self._tell("", "")
        self.measurement.start(self.method.procedure, parameters, LABEL)
        self._enable()

    def show_found(self, found: Found) -> None:
        """Show before and after, and what can be decided."""
        self.found = found
        self.plot.show_numbers(self.method, found.numbers)
        lines = [finding(found.numbers), comparison(self.method, found.numbers)]
        if found.problem:
            lines.append(found.problem)
        lines += list(found.warnings)
        for one in found.proposed:
            expires = str(one["expires_utc"])[:16].replace("T", " ")
            lines.append(f"Proposed: {one['kind']} ({one['identity']}), valid until {expires} UTC")
        if not found.proposed and not found.problem:
            lines.append("The calibration in force is right within its errors: nothing to change.")
        self._tell(f"run {found.run} has ended")
        self.outcome.setText("\n".join(line for line in lines if line))
        paint(self.outcome, "bad" if found.problem else None)
        self._enable()

    def accept_found(self) -> None:
        """Use what was found from now on."""
        self._decide(accept=True)

    def discard_found(self) -> None:
        """Do not use what was found."""
        self._decide(accept=False)

    # ---- inside

    def _decide(self, accept: bool) -> None:
        if self.found is None:
            return
        run = self.found.run

        def work(table: Table) -> Sequence[str]:
            if not accept:
                return table.discard_calibrations(run)
            identities = table.accept_calibrations(run)
            if table.status().interactive:
                # opened anew, the table uses it for exposures by hand too
                table.release()
                table.attach()
            return identities

        words = "accepted" if accept else "discarded"
        self._context.link.ask(work, lambda found: self._done(words, found), self._refused)

    def _done(self, words: str, identities: Sequence[str]) -> None:
        self.found = None
        self._tell(f"{words}: {', '.join(identities)}")
        self._enable()
        self.decided.emit()

    def _tell(self, text: str, result: str | None = None) -> None:
        self.state.setText(text)
        paint(self.state, None)
        if result is not None:
            self.outcome.setText(result)
        self._enable()

    def _fail(self, text: str) -> None:
        self.state.setText(text)
        paint(self.state, "bad")
        self._enable()

    def _refused(self, error: LabctlError) -> None:
        self._fail(str(error))

    def _repaint(self, *_: object) -> None:
        repaint(self.state, self.outcome)

    def _enable(self) -> None:
        is_running = self.measurement.is_running
        self.measure_button.setEnabled(bool(self._procedures) and not is_running)
        self.stop_button.setEnabled(is_running)
        can_decide = self.found is not None and bool(self.found.proposed) and not is_running
        self.accept_button.setEnabled(can_decide)
        self.discard_button.setEnabled(can_decide)
        self.methods.setEnabled(not is_running)

    def _take_procedures(self, procedures: Sequence[Mapping[str, Any]]) -> None:
        known = known_names(self._context.link.description)
        self._procedures = {
            str(one["name"]): Procedure.of(one, known).parameters for one in procedures
        }
        self._show_method()
        self._enable()

    def _show_method(self) -> None:
        self.to_do.setText(self.method.to_do)
        self.form.show_method(self.method, self._procedures.get(self.method.procedure, ()))
        self.readings.setVisible(self.method is AT_SAMPLE)
        for name in ("beam", "powers"):
            if self.method is AT_SAMPLE and name in self.form.fields:
                self.form.fields[name].changed.connect(self._show_powers)
        self.found = None
        self.plot.clear_points()
        self.outcome.setText("")
        self._show_powers()
        self._enable()

    def _show_powers(self) -> None:
        if self.method is not AT_SAMPLE or not self._procedures:
            return
        try:
            values = self.form.values()
        except UsageError:
            return
        beam, powers = values.get("beam") or "probe", values.get("powers") or ()
        self.readings.show_powers(str(beam), [float(one) for one in powers])

    def _build(self) -> None:
        column = QtWidgets.QVBoxLayout(self)
        column.addWidget(make_note(self.kind.about))
        self.methods = QuietCombo("Method", tuple(one.title for one in self.kind.methods))
        self.methods.currentIndexChanged.connect(lambda _: self._show_method())
        self.to_do = make_note()
        self.form = MethodForm()
        self.readings = Readings(self._context)
        self.state, self.outcome = make_note(), make_note()
        self.plot = ResidualPlot()
        top = QtWidgets.QWidget()
        inner = QtWidgets.QVBoxLayout(top)
        inner.setContentsMargins(0, 0, 0, 0)
        for widget in (self.methods, self.to_do, self.form, self.readings):
            inner.addWidget(widget)
        inner.addStretch(1)
        scroll = QtWidgets.QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scroll.setWidget(top)
        column.addWidget(scroll, 3)
        column.addWidget(self._buttons_above())
        column.addWidget(self.state)
        column.addWidget(self.plot, 2)
        column.addWidget(self.outcome)
        column.addWidget(self._buttons_below())

    def _buttons_above(self) -> QtWidgets.QWidget:
        self.measure_button = _button("Measure", "Run the procedure now", self.measure)
        self.measure_button.setDefault(True)
        self.stop_button = _button("Stop", "Abort the measurement", self.measurement.stop)
        return _row(self.measure_button, self.stop_button)

    def _buttons_below(self) -> QtWidgets.QWidget:
        self.accept_button = _button(
            "Accept", "Use the proposed calibration from now on", self.accept_found
        )
        self.discard_button = _button(
            "Discard", "Keep the calibration that is in force", self.discard_found
        )
        close = _button("Close", "Close; a measurement that is on goes on", self.close)
        return _row(self.accept_button, self.discard_button, close)


def _button(text: str, tip: str, slot: Any) -> QtWidgets.QPushButton:
    button = QtWidgets.QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(text)
    button.setAutoDefault(False)
    button.clicked.connect(slot)
    return button


def _row(*buttons: QtWidgets.QPushButton) -> QtWidgets.QWidget:
    row = QtWidgets.QWidget()
    line = QtWidgets.QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.addStretch(1)
    for button in buttons:
        line.addWidget(button)
    return row
