"""Hold what stands around the spectrum: axis, toggles, regions, temperature, read-outs."""

from collections.abc import Sequence
from typing import Any

from qtpy import QtCore, QtWidgets

from labctl.gui import theme
from labctl.gui.quantity import QuantitySpinBox
from labctl.gui.state import State
from labctl.gui.views.axes import AxisUnit
from labctl.gui.views.spectrum_plot import Heights
from labctl.gui.views.thermometer import NOT_YET, SATURATED_PART, Readout, Thermometry
from labctl.gui.views.tools import (
    LevelBar,
    button,
    choice,
    colour,
    elided,
    flow,
    label,
    row,
    toggle,
)

NO_CURSOR = "Cursor off: C shows it"
FOLLOW = "the open beam"
"""Entry of the list of beams: shifts are relative to the laser that was open."""

TOGGLES = {
    "dark": ("Dark", "Subtract the newest dark of the same exposure; 'Take dark' makes one"),
    "cosmics": ("Cosmics", "Hide cosmic rays in what is shown; the record keeps them"),
    "response": ("Response", "Divide by the calibrated response of the table"),
    "average": ("Average", "Show the mean of the live exposures since something changed"),
    "peaks": ("Peaks", "Label the peaks with their position"),
    "regions": ("Regions", "Show the Stokes and anti-Stokes regions of the temperature"),
}
ON_AT_FIRST = {"peaks", "regions"}


class SpectrumBar(QtWidgets.QWidget):
    """Hold the controls in two lines that wrap; what people choose is kept in the state."""

    unit_chosen = QtCore.Signal(object)
    beam_chosen = QtCore.Signal(str)
    heights_chosen = QtCore.Signal(object)
    toggled = QtCore.Signal(str, bool)
    window_typed = QtCore.Signal(float, float)
    mirror_toggled = QtCore.Signal(bool)

    def __init__(self, state: State, commands: dict[str, Any]) -> None:
        super().__init__()
        self._state = state
        self.units = {unit: self._unit_button(unit) for unit in AxisUnit}
        self._group = QtWidgets.QButtonGroup(self)
        for one in self.units.values():
            self._group.addButton(one)
        self.beam = choice(
            "shift relative to", "Laser that Raman shifts are relative to", [FOLLOW], self._chosen
        )
        self.heights = choice(
            "count axis", "Scale of the count axis", list(Heights), self._heights_chosen
        )
        self.toggles = {name: self._toggle(name) for name in TOGGLES}
        self.freeze = toggle("Freeze", "Keep what is shown (Space)", commands["freeze"])
        self.low = QuantitySpinBox("cm⁻¹", 1.0, 4000.0, 1, name="region from")
        self.high = QuantitySpinBox("cm⁻¹", 1.0, 4000.0, 1, name="region to")
        for box in (self.low, self.high):
            box.value_changed.connect(lambda _: self._typed())
        self.mirror = toggle(
            "Mirrored", "Move both regions as mirror images", self.mirror_toggled.emit, is_on=True
        )
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(flow(*self._parts(commands)))

    def _parts(self, commands: dict[str, Any]) -> Sequence[QtWidgets.QWidget]:
        axis = QtWidgets.QWidget()
        axis.setLayout(row(*self.units.values(), label("axis", "relative to"), self.beam))
        region = QtWidgets.QWidget()
        region.setLayout(row(label("regions", "S/aS"), self.low, self.high, self.mirror))
        counts = QtWidgets.QWidget()
        counts.setLayout(row(label("count scale", "Counts"), self.heights))
        return (
            axis,
            counts,
            *self.toggles.values(),
            button("Take dark", "Expose once with all shutters closed", commands["dark"]),
            self.freeze,
            button("Pin", "Keep this spectrum for comparison (P)", commands["pin"]),
            button("Clear pins", "Remove the pinned spectra", commands["clear"]),
            region,
        )

    # ---- what is chosen

    def is_on(self, name: str) -> bool:
        """Tell whether a toggle is on, and can be."""
        found = self.toggles[name]
        return found.isChecked() and found.isEnabled()

    def offer(self, name: str, can: bool, why_not: str = "") -> None:
        """Enable a toggle, or say why it cannot be used."""
        self.toggles[name].setEnabled(can)
        self.toggles[name].setToolTip(TOGGLES[name][1] if can else why_not)

    def show_unit(self, unit: AxisUnit) -> None:
        """Mark the unit of the axis."""
        self.units[unit].setChecked(True)
        self._state.set("spectrum.axis", unit.name)

    def offer_beams(self, names: Sequence[str]) -> None:
        """List the beams that shifts can be relative to."""
        entries = [FOLLOW, *names]
        if entries != [self.beam.itemText(i) for i in range(self.beam.count())]:
            chosen = self.beam.currentText()
            self.beam.clear()
            self.beam.addItems(entries)
            self.beam.setCurrentText(chosen if chosen in entries else FOLLOW)

    def show_window(self, window_cm1: tuple[float, float]) -> None:
        """Show where the regions are."""
        for box, value in zip((self.low, self.high), window_cm1, strict=True):
            if box.low <= value <= box.high:
                box.set_value(value)

    def _unit_button(self, unit: AxisUnit) -> QtWidgets.QToolButton:
        made = button(unit.value, f"{unit.quantity} in {unit.value} (U)", lambda: None)
        made.setCheckable(True)
        made.clicked.connect(lambda: self.unit_chosen.emit(unit))
        return made

    def _toggle(self, name: str) -> QtWidgets.QToolButton:
        text, tip = TOGGLES[name]
        is_on = self._state.get(f"spectrum.{name}", name in ON_AT_FIRST, bool)
        return toggle(text, tip, lambda on: self._toggled(name, on), is_on=is_on)

    def _toggled(self, name: str, on: bool) -> None:
        self._state.set(f"spectrum.{name}", on)
        self.toggled.emit(name, on)

    def _chosen(self, name: str) -> None:
        self.beam_chosen.emit("" if name == FOLLOW else name)

    def _heights_chosen(self, name: str) -> None:
        self.heights_chosen.emit(Heights(name))

    def _typed(self) -> None:
        self.window_typed.emit(self.low.value, self.high.value)


class SpectrumHeader(QtWidgets.QWidget):
    """Say what is shown and how warm the sample is, and warn of saturation."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = label("what is shown")
        font = self.mode.font()
        font.setBold(True)
        self.mode.setFont(font)
        self.temperature = elided("temperature of the sample")
        self.temperature.setFont(font)
        self.banner = label("saturation")
        self.banner.setWordWrap(True)
        self.banner.hide()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        line = row(self.mode, self.temperature, spacing=10)
        line.setStretch(1, 1)
        layout.addLayout(line)
        layout.addWidget(self.banner)
        self._readout = NOT_YET
        self._kind = "none"
        self.show_readout(self._readout)
        self.restyle()

    def show_mode(self, text: str, kind: str, tooltip: str = "") -> None:
        """Say what is shown; `kind` is `live`, `saved`, `old`, `stale` or `none`."""
        self._kind = kind
        if self.mode.text() != text:
            self.mode.setText(text)
        self.mode.setToolTip(tooltip)
        self._paint_mode()

    def show_readout(self, readout: Readout, of: str = "") -> None:
        """Show the temperature with its error, or why there is none, and of which point it is."""
        self._readout = readout
        is_good = readout.state is Thermometry.GOOD
        text = readout.text if is_good else f"T: {readout.text}"
        text += f"  ({of})" if of else ""
        self.temperature.show_text(text, readout.detail or readout.text)
        self._paint_temperature()

    @property
    def readout(self) -> Readout:
        """Return what is shown of the temperature."""
        return self._readout

    def show_saturation(self, part: float | None, uncertain: str = "") -> None:
        """Show the banner above 90 % of the full range."""
        is_high = part is not None and part > SATURATED_PART
        if is_high:
            self.banner.setText(
                f"SATURATED: {part:.0%} of the full range. Counts are not linear and give no "
                "temperature. Expose for less time or reduce the power."
            )
        elif uncertain:
            self.banner.setText(f"Uncertain: {uncertain}")
        self.banner.setVisible(is_high or bool(uncertain))
        now = theme.current()
        if is_high:
            colour(self.banner, now.on_bad, now.bad)
        else:
            colour(self.banner, now.warning, now.raised)

    def restyle(self) -> None:
        """Take the colours of the theme."""
        self._paint_mode()
        self._paint_temperature()

    def _paint_mode(self) -> None:
        now = theme.current()
        pair = {
            "live": (now.warning, now.raised),
            "saved": (now.on_bad, now.bad),
            "old": (now.text, now.raised),
            "stale": (now.stale, now.raised),
        }.get(self._kind, (now.dim, now.raised))
        colour(self.mode, *pair)

    def _paint_temperature(self) -> None:
        now = theme.current()
        shade = {
            Thermometry.GOOD: now.text,
            Thermometry.WAITING: now.dim,
            Thermometry.SATURATED: now.bad,
        }.get(self._readout.state, now.warning)
        colour(self.temperature, shade)


class SpectrumFooter(QtWidgets.QWidget):
    """Show what the cursor reads, the full-well bar, and how many exposures are averaged."""

    def __init__(self) -> None:
        super().__init__()
        self.cursor_line = elided("cursor")
        self.exposures = label("exposures shown", is_dim=True)
        self.well = LevelBar("full well", SATURATED_PART)
        line = row(self.cursor_line, self.exposures, self.well, spacing=10)
        line.setStretch(0, 1)
        self.setLayout(line)
        self.cursor_line.show_text(NO_CURSOR)
