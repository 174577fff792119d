"""Take down what a meter at the sample shows, one power after the other."""

from collections.abc import Sequence

from qtpy import QtWidgets

from labctl.client import Table
from labctl.core.errors import LabctlError, UsageError
from labctl.core.units import format_quantity
from labctl.gui.context import Context
from labctl.gui.exposing import LANE
from labctl.gui.quantity import QuantitySpinBox

OPEN_S = 10.0
MOST_W = 1.0


class Readings(QtWidgets.QGroupBox):
    """Show a row for each power: open the beam for some seconds, type what the meter shows.

    The beam is opened by an exposure, which closes it again whatever happens to this window.
    """

    def __init__(self, context: Context) -> None:
        super().__init__("Meter at the sample")
        self._context = context
        self._grid = QtWidgets.QGridLayout(self)
        self._grid.setContentsMargins(8, 4, 8, 4)
        self.boxes: list[QuantitySpinBox] = []
        self.buttons: list[QtWidgets.QPushButton] = []
        self.beam, self.powers_w = "", ()
        self._state = QtWidgets.QLabel()
        self._state.setWordWrap(True)

    beam: str
    powers_w: tuple[float, ...]

    def show_powers(self, beam: str, powers_w: Sequence[float]) -> None:
        """Show a row for each power; readings that were typed are kept if they are the same."""
        if (beam, tuple(powers_w)) == (self.beam, self.powers_w):
            return
        self.beam, self.powers_w = beam, tuple(powers_w)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget is not self._state:
                widget.deleteLater()
        self.boxes, self.buttons = [], []
        for row, power_w in enumerate(self.powers_w):
            self._add_row(row, power_w)
        self._grid.addWidget(self._state, len(self.powers_w), 0, 1, 3)

    def values_w(self) -> list[float]:
        """Return the readings in W.

        Raises
        ------
        UsageError
            If one of them is missing.
        """
        for box, power_w in zip(self.boxes, self.powers_w, strict=True):
            if not box.commit() or box.value <= 0:
                raise UsageError(f"type what the meter shows at {format_quantity(power_w, 'W')}")
        return [box.value for box in self.boxes]

    def open_beam(self, row: int) -> None:
        """Put a power on the sample for some seconds."""
        beam, power_w = self.beam, self.powers_w[row]
        shown = format_quantity(power_w, "W")
        self._lock(True)
        self._state.setText(f"{beam}: {shown} for {OPEN_S:g} s – read the meter now")

        def work(table: Table) -> None:
            if not table.status().interactive:
                table.attach()
            table.set(f"{beam}.power", power_w)
            table.acquire(OPEN_S, beams=[beam])

        self._context.link.ask(work, lambda _: self._closed(row), self._failed, lane=LANE)

    def _closed(self, row: int) -> None:
        self._lock(False)
        self._state.setText("the shutter is closed again")
        self.boxes[row].setFocus()

    def _failed(self, error: LabctlError) -> None:
        self._lock(False)
        self._state.setText(f"{error.message}{f' – {error.remedy}' if error.remedy else ''}")

    def _lock(self, locked: bool) -> None:
        for button in self.buttons:
            button.setEnabled(not locked)

    def _add_row(self, row: int, power_w: float) -> None:
        shown = format_quantity(power_w, "W")
        button = QtWidgets.QPushButton(f"Open {OPEN_S:g} s")
        button.setToolTip(f"Set {shown} and open the shutter for {OPEN_S:g} s")
        button.setAccessibleName(f"Open the beam with {shown} for {OPEN_S:g} s")
        button.clicked.connect(lambda _=False, row=row: self.open_beam(row))
        box = QuantitySpinBox(
            "W", 0.0, MOST_W, 3, ("µW", "mW"), name=f"meter at the sample for {shown}"
        )
        self._grid.addWidget(QtWidgets.QLabel(f"asked {shown}"), row, 0)
        self._grid.addWidget(button, row, 1)
        self._grid.addWidget(box, row, 2)
        self.boxes.append(box)
        self.buttons.append(button)
