"""Offer the parameters of a procedure that a wizard needs, with units and what is allowed."""

from collections.abc import Sequence
from typing import Any

from qtpy import QtWidgets

from labctl.core.errors import UsageError
from labctl.gui.queue.fields import Field
from labctl.gui.queue.parameters import Parameter
from labctl.gui.wizards.kinds import Method


class MethodForm(QtWidgets.QWidget):
    """Hold the fields of one method."""

    def __init__(self) -> None:
        super().__init__()
        self._form = QtWidgets.QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self.fields: dict[str, Field] = {}
        # hints below a field wrap: without this they would be squeezed
        policy = QtWidgets.QSizePolicy.Policy
        self.setSizePolicy(policy.Preferred, policy.Fixed)

    def show_method(self, method: Method, parameters: Sequence[Parameter]) -> None:
        """Show the fields of a method, as the service describes its procedure."""
        while self._form.rowCount():
            self._form.removeRow(0)
        self.fields = {}
        known = {one.name: one for one in parameters}
        for name in method.fields:
            if name in known:
                field = Field(known[name])
                if name in method.fixed:
                    field.show_value(method.fixed[name])
                self.fields[name] = field
                label = QtWidgets.QLabel(known[name].title)
                label.setBuddy(field)
                self._form.addRow(label, field)

    def values(self) -> dict[str, Any]:
        """Return the parameters that differ from nothing typed.

        Raises
        ------
        UsageError
            Naming the field that cannot be taken.
        """
        found: dict[str, Any] = {}
        for name, field in self.fields.items():
            if field.error:
                raise UsageError(f"{field.parameter.title}: {field.error}")
            value = field.value()
            if value is not None:
                found[name] = value
        return found
