"""Ask for a run: a form that is generated from the parameters of a procedure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from qtpy import QtCore, QtWidgets

from labctl.core.errors import LabctlError, UsageError
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.queue.conditions import ConditionsBox
from labctl.gui.queue.desk import desk_of
from labctl.gui.queue.estimate import Estimate, Estimator
from labctl.gui.queue.estimate_line import EstimateLine
from labctl.gui.queue.fields import Field
from labctl.gui.queue.orders import Orders
from labctl.gui.queue.parameters import Procedure, problems_by_name
from labctl.gui.queue.widgets import align, push_button, raise_dock, text_label

LAST = "queue/procedure"


class ProcedureForm(QtWidgets.QWidget):
    """Let people choose a procedure, give its parameters, see what it takes, and add it.

    Wrong values are marked beside their field as they are typed; the estimate is of the table
    itself. In `item` is the identity of the item that is being changed, "" for a new one.
    """

    added = QtCore.Signal(str)
    """Identity of the item that was added or changed."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.desk = desk_of(context.link)
        self.item = ""
        self.fields: dict[str, Field] = {}
        self.estimator = Estimator(context.link, self)
        self.estimator.changed.connect(self._show_estimate)
        self._orders = Orders(self.desk, self._done, self._failed)
        self._refusal = ""
        self._build()
        self._restyle()
        theme.changed().connect(self._restyle)
        self.desk.learned.connect(self._offer)
        self.desk.wanted.connect(self.fill)
        self.label.setText(context.exposing.sample)
        context.exposing.changed.connect(self._take_sample)
        self._add_actions()
        self._offer()

    # ---- what stands in it

    @property
    def procedure(self) -> Procedure | None:
        """Return the chosen procedure."""
        return self.desk.procedures.get(self.chooser.currentText())

    def values(self) -> dict[str, Any]:
        """Return the parameters that differ from what the procedure takes unless told.

        Raises
        ------
        UsageError
            Naming the first field that is wrong.
        """
        found = {}
        for name, field in self.fields.items():
            value = field.value()
            default = field.parameter.default
            same = list(default) if isinstance(default, list | tuple) else default
            if value is not None and (value != same or field.parameter.required):
                found[name] = value
        return found

    def fill(self, procedure: str, parameters: Mapping[str, Any], label: str, item: str) -> None:
        """Show given parameters; those not given get their defaults."""
        if procedure not in self.desk.procedures:
            self._say(f"This station has no procedure {procedure!r}.")
            return
        self.chooser.setCurrentText(procedure)
        self._rebuild()
        unknown = [name for name in parameters if name not in self.fields]
        for name, value in parameters.items():
            if name in self.fields:
                self.fields[name].show_value(value)
        self.label.setText(label)
        self._edit(item)
        # the order of the lines: what was said before belongs to other parameters
        self._say(f"Not known any more: {', '.join(unknown)}" if unknown else "")
        raise_dock(self)
        self.label.setFocus()

    def add(self) -> None:
        """Add the item to the queue, or change the one that is being edited."""
        if self.item:
            self._give(partial(self._orders.change, self.item, self.conditions))
        else:
            self._give(partial(self._orders.add, self.conditions))

    def run_now(self) -> None:
        """Measure it now, in front of all others."""
        self._give(self._orders.run_now)

    def leave_edit(self) -> None:
        """Go back to adding new items."""
        self._edit("")

    def reset(self) -> None:
        """Show the values that the procedure takes unless told."""
        self._rebuild()

    # ---- what it looks like

    def _build(self) -> None:
        self.chooser = QtWidgets.QComboBox()
        self.chooser.setAccessibleName("Procedure")
        self.chooser.setToolTip("What to measure")
        self.chooser.activated.connect(self._chosen)
        self.summary = text_label()
        self.label = QtWidgets.QLineEdit()
        self.label.setMaxLength(100)
        self.label.setPlaceholderText("such as flake-7")
        self.label.setAccessibleName("Sample or label")
        self.label.setToolTip("Becomes part of the name of the run; runs can be searched by it")
        self.conditions = ConditionsBox(self._now_utc)
        self.conditions.hide()
        self.more = QtWidgets.QToolButton()
        self.more.setText("When and how to go on …")
        self.more.setToolTip("Earliest start, deadline, retries, and what a failure means")
        self.more.setCheckable(True)
        self.more.toggled.connect(self.conditions.setVisible)
        self._area = QtWidgets.QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.estimate_line, self.problem_line = EstimateLine(self.desk), text_label()
        self.problem_line.setAccessibleName("Problem")
        self._head, self._rows = QtWidgets.QFormLayout(), QtWidgets.QFormLayout()
        self._head.addRow("Procedure", self.chooser)
        self._head.addRow(self.summary)
        self._head.addRow("Sample", self.label)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(self._head)
        layout.addWidget(self._area, 1)
        layout.addWidget(self.estimate_line)
        layout.addWidget(self.problem_line)
        layout.addLayout(self._buttons())

    def _buttons(self) -> QtWidgets.QGridLayout:
        self.add_button = push_button("Add to queue", "Add it to the queue (Ctrl+Return)", self.add)
        self.add_button.setDefault(True)
        self.now_button = push_button(
            "Run now", "Measure it now, in front of all others", self.run_now
        )
        self.reset_button = push_button("Defaults", "Take back every change", self.reset)
        self.cancel_button = push_button("Cancel", "Leave the item as it is", self.leave_edit)
        self.cancel_button.hide()
        grid = QtWidgets.QGridLayout()
        grid.addWidget(self.add_button, 0, 0, 1, 2)
        for column, button in enumerate((self.now_button, self.reset_button)):
            grid.addWidget(button, 1, column)
        grid.addWidget(self.cancel_button, 2, 0, 1, 2)
        return grid

    def _add_actions(self) -> None:
        add = self._context.actions.add
        add("queue.add", "Add to queue", self.add, "Ctrl+Return", icon="add", menu="Queue",
            tooltip="Add what the form asks for to the queue")  # fmt: skip
        add("queue.run_now", "Run now", self.run_now, "Ctrl+Shift+Return", icon="record",
            menu="Queue", tooltip="Measure what the form asks for now")  # fmt: skip

    def _offer(self) -> None:
        """Offer the procedures that there are; what stands in the form stays."""
        names = list(self.desk.procedures)
        if not names or names == [self.chooser.itemText(i) for i in range(self.chooser.count())]:
            return
        self.chooser.clear()
        self.chooser.addItems(names)
        last = self._context.state.get(LAST, "power_series", str)
        self.chooser.setCurrentText(last if last in names else names[0])
        self._rebuild()

    def _chosen(self) -> None:
        self._context.state.set(LAST, self.chooser.currentText())
        self._edit("")
        self._rebuild()

    def _rebuild(self) -> None:
        procedure = self.procedure
        if procedure is None:
            return
        self.summary.setText(procedure.summary)
        self.fields = {one.name: Field(one) for one in procedure.parameters}
        body = QtWidgets.QWidget()
        rows = self._rows = QtWidgets.QFormLayout(body)
        rows.setContentsMargins(0, 0, 4, 0)
        rows.setFieldGrowthPolicy(rows.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in self.fields.values():
            title = "" if field.parameter.kind == "boolean" else field.parameter.title
            rows.addRow(title, field)
            field.changed.connect(self._edited)
        # they outlive the body that showed them, which the area deletes
        rows.addRow(self.more)
        rows.addRow(self.conditions)
        self._area.setWidget(body)
        body.show()
        self._align()
        self._edited()

    def _align(self) -> None:
        align(self._head, self._rows, self.conditions.form)

    def _take_sample(self) -> None:
        """Show the sample that was chosen for the window, unless another one stands here."""
        if not self.label.text() and not self.item:
            self.label.setText(self._context.exposing.sample)

    # ---- while people type

    def _edited(self) -> None:
        self._refusal = ""
        bad = next((field for field in self.fields.values() if field.error), None)
        self._say("")
        if bad is not None:
            self.estimator.forget()
            self.estimate_line.forget("")
            return
        self.estimate_line.forget("estimating …")
        self.estimator.ask(self.chooser.currentText(), self.values())

    def _show_estimate(self, estimate: Estimate | None) -> None:
        if estimate is None:
            return
        self.estimate_line.show_estimate(estimate)
        if estimate.refusal:
            self._refuse(estimate.refusal)
        elif estimate.violations:
            self._say("Limit: " + "\n".join(estimate.violations[:3]))
        elif not self._refusal:
            self._say("")

    def _refuse(self, message: str) -> None:
        """Show what the service refused, beside the fields as far as it names them."""
        found = problems_by_name(message, list(self.fields))
        for name, text in found.items():
            self.fields[name].refuse(text)
        self._refusal = message
        self._say("" if found else message)

    def _restyle(self, _: object = None) -> None:
        theme.dress(self.problem_line, f"color: {theme.current().bad}")
        self._align()

    def _say(self, text: str) -> None:
        self.problem_line.setText(text)
        self.problem_line.setVisible(bool(text))

    # ---- giving it to the service

    def _give(self, order: Callable[[str, Mapping[str, Any], str], None]) -> None:
        bad = next((field for field in self.fields.values() if field.error), None)
        if bad is not None:
            self._area.ensureWidgetVisible(bad)
            bad.setFocus()
            self._say(f"{bad.parameter.title}: {bad.error}")
            return
        try:
            order(self.chooser.currentText(), self.values(), self.label.text().strip())
        except UsageError as error:
            self._say(error.message)

    def _done(self, item: str, text: str) -> None:
        self._edit("")
        self._context.link.notice.emit("info", text)
        self.added.emit(item)

    def _failed(self, error: LabctlError) -> None:
        self._refuse(error.message)
        if not self.problem_line.text():
            self._say("Nothing was added: see the marked fields.")

    def _edit(self, item: str) -> None:
        self.item = item
        self.add_button.setText("Save changes" if item else "Add to queue")
        self.cancel_button.setVisible(bool(item))
        self.now_button.setVisible(not item)
        before = next((one for one in self.desk.snapshot.items if one.id == item), None)
        if before is not None:
            self.conditions.show_conditions(before.conditions)

    def _now_utc(self) -> datetime | None:
        status = self._context.link.status
        return datetime.fromisoformat(status.utc) if status is not None and status.utc else None
