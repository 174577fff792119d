"""Show how spectra change along a run: against what was swept, or in the order of the points."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from qtpy import QtCore, QtWidgets

from labctl.client import Event
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views import RunSummary
from labctl.gui.views.axes import COUNTS, AxisUnit, SpectralScale
from labctl.gui.views.colour_bar import ColourBar
from labctl.gui.views.commands import join_commands
from labctl.gui.views.exposures import Shown
from labctl.gui.views.painting import Painter
from labctl.gui.views.spectrum_plot import SpectrumPlot
from labctl.gui.views.stack import INDEX, SpectrumStack, in_words
from labctl.gui.views.tools import button, choice, elided, flow, label, row
from labctl.gui.views.waterfall_plot import WaterfallPlot

PAINT_MS = 250
AUTO = "what was swept"
LIVE = "Live view (not saved)"
HINT = "Spectra of a run appear here one above the other; click one to see it below."


class WaterfallView(QtWidgets.QWidget):
    """Stack the spectra of the run that is on, of a run that was opened, or of the live view."""

    id: ClassVar[str] = "waterfall"
    title: ClassVar[str] = "Waterfall"
    shortcut: ClassVar[str] = "Ctrl+3"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._link = context.link
        self._stack = SpectrumStack()
        self._opened: OpenedRun | None = None
        self._source = ""
        self._unit = AxisUnit.CM1
        self._laser_nm: float | None = None
        self._picked: int | None = None
        self.plot = WaterfallPlot()
        self.single = SpectrumPlot()
        self.single.regions.set_wanted(False)
        self.single.setMinimumHeight(110)
        self.single.getPlotItem().setLabel("left", "Counts")
        self.single.getPlotItem().showAxis("top", False)
        self.single.getAxis("left").setWidth(90)
        # as wide as the waterfall above
        self.single.getPlotItem().layout.setContentsMargins(1, 1, 1 + ColourBar.WIDTH, 1)
        self.name, self.which = elided("what is shown"), elided("which spectrum is below")
        self.variable = choice(
            "rows sorted by", "What the rows are sorted by", [AUTO, INDEX], lambda _: self._draw()
        )
        self._painter = Painter(self, self._draw, PAINT_MS)
        self._build()
        self.plot.picked.connect(self.pick)
        self._link.frame.connect(self.show_frame)
        self._link.event.connect(self._hear)
        theme.changed().connect(lambda _: self._restyle())
        join_commands(self, context.actions)

    def _build(self) -> None:
        split = QtWidgets.QSplitter(QtCore.Qt.Orientation.Vertical)
        split.addWidget(self.plot)
        split.addWidget(self._below())
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        sorting = QtWidgets.QWidget()
        sorting.setLayout(row(label("sorted", "Sorted by"), self.variable))
        controls = flow(
            sorting,
            button("Follow", "Show the run or live view that is on", self.follow),
            button("Clear", "Begin anew with the next spectrum", self._clear),
        )
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.name)
        layout.addWidget(controls)
        layout.addWidget(split, 1)
        self.name.show_text(HINT)

    def _below(self) -> QtWidgets.QWidget:
        below = QtWidgets.QWidget()
        layout = QtWidgets.QVBoxLayout(below)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.which)
        layout.addWidget(self.single, 1)
        return below

    @classmethod
    def accepts(cls, run: RunSummary) -> bool:
        """Show runs of at least two points."""
        return int(run.get("points") or 0) >= 2

    # ---- where spectra come from

    def show_frame(self, frame: Shown) -> None:
        """Add an exposure that was made with light, unless a past run is shown."""
        if self._opened is not None or frame.kind != "spectrum" or not frame.metadata.get("beams"):
            return
        source = frame.run or LIVE
        if source != self._source:
            self._clear()
            self._source = source
        number = frame.point if frame.point is not None else frame.seq
        self._laser_nm = frame.metadata.get("laser_nm") or self._laser_nm
        self._stack.add(frame.wavelength_nm, frame.counts, number, self._conditions(frame))
        self._painter.request()

    def show_run(self, run: OpenedRun) -> None:
        """Show a run of the past."""
        self._let_go()
        self._opened = run
        run.changed.connect(self._take_run)
        run.failed.connect(self.name.show_text)
        self._take_run()

    def follow(self) -> None:
        """Show what is being measured again."""
        self._let_go()
        self._clear()

    def _take_run(self) -> None:
        run = self._opened
        series = run.main if run is not None else None
        if run is None or series is None:
            return
        stack = SpectrumStack()
        lit = [one for one, kind in enumerate(series.kinds) if kind != "dark"]
        for one in lit:
            conditions = {
                name: (float(column.values[one]), column.unit)
                for name, column in series.columns.items()
            }
            stack.add(series.axis_nm, series.spectra[one], int(series.numbers[one]), conditions)
        self._stack, self._source, self._laser_nm = stack, run.name, series.laser_nm
        self._painter.request()

    def _hear(self, event: Event) -> None:
        if event.kind == "run" and event.data.get("ended") is None and self._opened is None:
            self._painter.request()

    def _conditions(self, frame: Shown) -> Mapping[str, tuple[float, str]]:
        """Return what the table was like during an exposure, (value, unit) by name."""
        settings: Mapping[str, Any] = frame.metadata.get("settings", {})
        found = {
            name.removesuffix("_w"): (float(value), "W")
            for name, value in settings.items()
            if name.endswith("_power_w")
        }
        status = self._link.status
        for name in ("cryostat.temperature", "stage.x", "stage.y", "stage.z"):
            value = status.values.get(name) if status is not None else None
            if value is not None and isinstance(value.value, int | float):
                found[name] = (float(value.value), value.unit)
        return found

    # ---- what is shown

    def _draw(self) -> None:
        swept = self._stack.swept()
        self._offer(swept)
        wanted = self.variable.currentText()
        variable = swept[0] if wanted == AUTO else wanted
        self.plot.show_stack(self._stack, variable, self._scale())
        more = "" if variable == INDEX else f", sorted by {in_words(variable)}"
        self.name.show_text(f"{self._source}: {len(self._stack)} spectra{more}")
        self._show_single()

    def _offer(self, swept: Any) -> None:
        entries = [AUTO, *swept]
        if entries != [self.variable.itemText(i) for i in range(self.variable.count())]:
            chosen = self.variable.currentText()
            self.variable.clear()
            self.variable.addItems(entries)
            self.variable.setCurrentText(chosen if chosen in entries else AUTO)

    def pick(self, number: int) -> None:
        """Show one row of the stack by itself."""
        self._picked = number
        self._show_single()

    def cycle_units(self) -> None:
        """Show the next unit."""
        self._unit = self._unit.following
        self.single.show_scale(self._scale())
        self._draw()

    def reset_view(self) -> None:
        """Show all rows."""
        self.plot.reset_view()
        self.single.reset_view()

    def toggle_cursor(self) -> None:
        """Show or hide the cursor of the spectrum below."""
        self.single.toggle_cursor()

    def _show_single(self) -> None:
        """Show the row that was picked, else the last one, and say which it is."""
        last = len(self._stack) - 1
        shown = last if self._picked is None else min(self._picked, last)
        self.plot.mark(shown)
        if shown < 0:
            return
        self.which.show_text(self._words(shown))
        if self.single.scale_shown != self._scale():
            self.single.show_scale(self._scale())
        self.single.show_spectrum(self._stack.axis_nm, self._stack.rows[shown])

    def _words(self, shown: int) -> str:
        kind = "exposure" if self._source == LIVE else "point"
        text = f"{COUNTS} of {kind} {self._stack.numbers[shown]}"
        variable = self.plot.variable
        if variable == INDEX:
            return text
        (value,) = self._stack.labels(variable, np.array([shown]))
        return f"{text}, {in_words(variable)} {value}"

    def _scale(self) -> SpectralScale:
        return SpectralScale(self._unit, self._laser_nm)

    def _clear(self) -> None:
        self._stack = SpectrumStack()
        self._picked = None

    def _let_go(self) -> None:
        # the window deletes a run when another one is opened
        if self._opened is not None and theme.is_alive(self._opened):
            self._opened.changed.disconnect(self._take_run)
        self._opened = None

    def _restyle(self) -> None:
        self.plot.restyle()
        self.single.restyle()
