"""Show the temperatures of a run as a table that can be copied and saved."""

from collections.abc import Sequence
from typing import Any

from qtpy import QtCore, QtGui, QtWidgets

from labctl.core.results import Temperature
from labctl.core.units import format_quantity
from labctl.gui.list_model import Index, ListModel
from labctl.gui.runs.words import with_sigma

COLUMNS = (
    "Region", "Power", "Pump", "Cryostat", "Thermometer", "T (K)", "99.7 % (K)", "Calibration",
    "Remark",
)  # fmt: skip
_VALUE = 5

_Role = QtCore.Qt.ItemDataRole


class TemperatureModel(ListModel):
    """Hold temperatures, one a row; never one without its error."""

    columns = COLUMNS

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self.temperatures: Sequence[Temperature] = ()

    def show(self, temperatures: Sequence[Temperature]) -> None:
        """Show other temperatures."""
        self.beginResetModel()
        self.temperatures = temperatures
        self.endResetModel()

    def count(self) -> int:
        """Return the number of temperatures."""
        return len(self.temperatures)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        cells = cells_of(self.temperatures[index.row()])
        if role == _Role.DisplayRole:
            return cells[index.column()]
        if role == _Role.ToolTipRole:
            return "\n".join(f"{title}: {cell}" for title, cell in zip(COLUMNS, cells, strict=True))
        if role == _Role.FontRole and index.column() == _VALUE:
            font = QtGui.QFont()
            font.setBold(True)
            return font
        return None

    def text(self) -> str:
        """Return the table as tab-separated text, with its titles."""
        rows = [COLUMNS, *(cells_of(one) for one in self.temperatures)]
        return "\n".join("\t".join(row) for row in rows)


def cells_of(one: Temperature) -> tuple[str, ...]:
    """Return the cells of one row."""
    low, high = one.interval_k
    at = one.condition
    return (
        one.region,
        format_quantity(at.power_w, "W"),
        format_quantity(at.pump_power_w, "W") if at.pump_power_w else "off",
        "" if at.cryostat_k is None else f"{at.cryostat_k:.2f} K",
        one.thermometer,
        with_sigma(one.value_k, one.sigma_k),
        f"{low:.1f} to {high:.1f}",
        ", ".join(name.removeprefix("sha256:")[:8] for name in one.calibrations),
        one.remark,
    )


class TemperatureTable(QtWidgets.QWidget):
    """Hold the table, and say why it is empty if it is."""

    def __init__(self) -> None:
        super().__init__()
        self.model = TemperatureModel(self)
        self.view = QtWidgets.QTableView()
        self.view.setModel(self.model)
        self.view.setAccessibleName("Temperatures")
        self.view.setSelectionBehavior(self.view.SelectionBehavior.SelectRows)
        self.view.setAlternatingRowColors(True)
        self.view.setShowGrid(False)
        self.view.setWordWrap(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.view.horizontalHeader().setStretchLastSection(True)
        self.remark = QtWidgets.QLabel()
        self.remark.setWordWrap(True)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.remark)

    def show_result(self, temperatures: Sequence[Temperature], remark: str) -> None:
        """Show temperatures and what is to be said about them."""
        self.model.show(temperatures)
        self.view.setVisible(bool(temperatures))
        self.remark.setText(remark or ("" if temperatures else "This run has no temperatures."))
        self.remark.setVisible(bool(self.remark.text()))
        self.view.resizeColumnsToContents()

    def copy(self) -> None:
        """Copy the table as text."""
        QtWidgets.QApplication.clipboard().setText(self.model.text())
