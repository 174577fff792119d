"""Show a map of the sample, and go where people point."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from qtpy import QtWidgets

from labctl.analysis.ratio_fit import WINDOW_CM1
from labctl.client import Table
from labctl.core.status import StationStatus
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.exposing import is_busy
from labctl.gui.quantity import QuantitySpinBox
from labctl.gui.queue.desk import desk_of
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views import RunSummary
from labctl.gui.views.axes import format_uncertain
from labctl.gui.views.calibrations import Calibrations
from labctl.gui.views.commands import join_commands
from labctl.gui.views.map_grid import MapGrid, filled, grid_of, raster_path
from labctl.gui.views.map_plot import Limits, MapPlot
from labctl.gui.views.map_reader import MapReader, Wanted
from labctl.gui.views.map_values import MapValue
from labctl.gui.views.painting import Painter
from labctl.gui.views.past import ENDS
from labctl.gui.views.tools import button, choice, elided, flow, label, row, toggle

PAINT_MS = 200
MOVE_LANE = "stage"
HINT = "Open a run of the procedure 'map', or plan one: a click puts the crosshair"


class MapView(QtWidgets.QWidget):
    """Show runs that have places; move the stage by double click; plan the next raster."""

    id: ClassVar[str] = "map"
    title: ClassVar[str] = "Map"
    shortcut: ClassVar[str] = "Ctrl+4"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._link = context.link
        self._reader: MapReader | None = None
        self._run: OpenedRun | None = None
        self._grid: MapGrid | None = None
        self._known = np.empty(0, int)
        self._calibrations = Calibrations(context.link, self)
        self.plot = MapPlot()
        self.name, self.here = elided("what is shown"), elided("what is at the crosshair")
        self.value = choice(
            "value of the map", "What the map shows", list(MapValue), lambda _: self._compute()
        )
        self.low = QuantitySpinBox("cm⁻¹", 1.0, 4000.0, 1, name="map region from")
        self.high = QuantitySpinBox("cm⁻¹", 1.0, 4000.0, 1, name="map region to")
        self.step = QuantitySpinBox("µm", 0.01, 1000.0, 2, name="step of the planned map")
        self.plan = toggle("Plan a map", "Draw the rectangle to map", self._plan)
        self.queue = button("Fill in the form", "Put this map into the form of the queue", self.ask)
        self._painter = Painter(self, self._draw, PAINT_MS)
        self._build()
        self._wire()
        self._describe(self._link.description)
        if self._link.status is not None:
            self._follow(self._link.status)

    def _build(self) -> None:
        for box, value in ((self.low, 235.0), (self.high, 265.0), (self.step, 1.0)):
            box.set_value(value)
        self.queue.setEnabled(False)
        region, planning = QtWidgets.QWidget(), QtWidgets.QWidget()
        region.setLayout(row(label("region", "Region"), self.low, self.high))
        planning.setLayout(row(self.plan, label("step", "Step"), self.step, self.queue))
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.name)
        layout.addWidget(flow(self.value, region, planning))
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.here)
        self.name.show_text(HINT)
        self._show_here()

    def _wire(self) -> None:
        for box in (self.low, self.high):
            box.value_changed.connect(lambda _: self._compute())
        self.step.value_changed.connect(lambda _: self._preview())
        self.plot.picked.connect(lambda *_: self._show_here())
        self.plot.go_to.connect(self.go_to)
        self.plot.planned.connect(lambda _: self._preview())
        self._link.described.connect(self._describe)
        self._link.status_changed.connect(self._follow)
        self._calibrations.changed.connect(self._calibrated)
        theme.changed().connect(lambda _: self._restyle())
        join_commands(self, self._context.actions)

    @classmethod
    def accepts(cls, run: RunSummary) -> bool:
        """Show runs of the raster map, and of any procedure that is called so."""
        return "map" in str(run.get("procedure", ""))

    # ---- the run

    def show_run(self, run: OpenedRun) -> None:
        """Show a run; one that is on is followed."""
        if self._reader is not None:
            self._reader.close()
        self._run, self._grid = run, None
        self._reader = MapReader(run, self)
        self._reader.recorded.connect(self._arrange)
        self._reader.computed.connect(self._painter.request)
        self._arrange()

    def _arrange(self) -> None:
        """Arrange what is known of the places, and fill in the value."""
        reader = self._reader
        if reader is None:
            return
        columns = reader.columns
        known = np.flatnonzero(np.isfinite(columns["x_um"]) & np.isfinite(columns["y_um"]))
        if known.size:
            part = {name: values[known] for name, values in columns.items()}
            self._known = known
            self._grid = grid_of(part["x_um"], part["y_um"], part["row"], part["column"])
        is_new = reader.wanted is None or reader.values.size != columns["x_um"].size
        if self.value.currentText() == MapValue.SIGNAL or is_new:
            self._compute()
        self._painter.request()

    def _compute(self) -> None:
        if self._reader is not None:
            low, high = sorted((self.low.value, self.high.value))
            value = MapValue(self.value.currentText())
            # a fit needs what is beside the line, an integral does not
            window = WINDOW_CM1 if value is MapValue.TEMPERATURE else (low, high)
            self._reader.compute(Wanted(value, window, self._calibrations.by_kind))
            self._painter.request()

    def _calibrated(self) -> None:
        if self.value.currentText() == MapValue.TEMPERATURE:
            self._compute()

    # ---- drawing

    def _draw(self) -> None:
        reader, run, grid = self._reader, self._run, self._grid
        if reader is None or run is None:
            return
        if grid is None:
            self.name.show_text(f"{run.name}: its points lie on no grid")
            return
        value = MapValue(self.value.currentText())
        image = grid.image(reader.values[self._known])
        known = np.isfinite(image)
        # spots that were never measured stay empty; those of an old run are only not read yet
        is_preview = run.state in ENDS and (reader.is_reading or reader.left > 0)
        shown = filled(image) if is_preview else image
        self.plot.show_map(grid, shown, value.label, self._centre(value, image))
        rows, columns = grid.shape
        more = " (preview: the others look like their neighbours)" if is_preview else ""
        self.name.show_text(f"{run.name}: {columns} × {rows} spots, {int(known.sum())} known{more}")
        self._show_here()

    def _centre(self, value: MapValue, image: np.ndarray) -> float | None:
        """Return what the colours diverge from: ambient temperature, or the usual position."""
        known = image[np.isfinite(image)]
        if not known.size or value in (MapValue.SIGNAL, MapValue.INTEGRAL):
            return None
        if value is MapValue.TEMPERATURE:
            return float(self._link.description.get("ambient_k") or np.median(known))
        return float(np.median(known))

    def _show_here(self) -> None:
        place = self.plot.crosshair_um
        if place is None:
            self.here.show_text("Click: crosshair; double click or menu: move there")
            return
        x_um, y_um = place
        self.here.show_text(f"x {x_um:.2f} µm  |  y {y_um:.2f} µm  |  {self._value_at(x_um, y_um)}")

    def _value_at(self, x_um: float, y_um: float) -> str:
        point = self._grid.point_at(x_um, y_um) if self._grid is not None else None
        reader = self._reader
        if point is None or reader is None or self._known[point] >= reader.values.size:
            return "outside of the map"
        number = int(self._known[point])
        value, unit = reader.values[number], MapValue(self.value.currentText()).unit
        if not np.isfinite(value):
            return f"point {number}: not known" + (" yet" if reader.left else "")
        sigma = reader.sigmas[number]
        if np.isfinite(sigma) and sigma > 0:
            return f"point {number}: {format_uncertain(float(value), float(sigma), unit)}"
        decimals = 2 if unit == "cm⁻¹" else 0
        return f"point {number}: {value:.{decimals}f} {unit}"

    # ---- the stage

    def go_to(self, x_um: float, y_um: float) -> None:
        """Move the stage, unless a run owns the table or the place is out of bounds."""
        status = self._link.status
        if not self.plot.is_allowed(x_um, y_um):
            self._say("warning", f"({x_um:.2f}, {y_um:.2f}) µm is beyond the soft limits: no move")
        elif is_busy(status):
            run = status.run.name if status is not None and status.run is not None else "a run"
            self._say("warning", f"the table is in use by {run}: no move")
        else:
            self._link.ask(
                lambda table: move(table, x_um, y_um),
                lambda _: self._say("info", f"stage at ({x_um:.2f}, {y_um:.2f}) µm"),
                lane=MOVE_LANE,
            )

    def _follow(self, status: StationStatus) -> None:
        self.plot.show_here(_number(status, "stage.x"), _number(status, "stage.y"))

    def _describe(self, description: Mapping[str, Any]) -> None:
        limits = {
            one["name"]: (float(one["low"]), float(one["high"]))
            for one in description.get("channels", ())
            if one.get("low") is not None and one.get("high") is not None
        }
        both: tuple[Limits, Limits] | None = None
        if "stage.x" in limits and "stage.y" in limits:
            both = limits["stage.x"], limits["stage.y"]
        self.plot.show_limits(both)
        places = description.get("positions", {})
        self.plot.show_places(
            {
                name: (float(one["x"]), float(one["y"]))
                for name, one in places.items()
                if "x" in one and "y" in one
            }
        )

    # ---- the next map

    def ask(self) -> None:
        """Fill the planned rectangle into the form of the queue."""
        left, low, width, height = self.plot.plan_um
        parameters = {
            "x_low_um": round(left, 3),
            "x_high_um": round(left + width, 3),
            "y_low_um": round(low, 3),
            "y_high_um": round(low + height, 3),
            "step_um": self.step.value,
        }
        self._context.show_dock("form")
        desk_of(self._link).load("map", parameters, "")

    def _plan(self, on: bool) -> None:
        self.plot.show_plan(on)
        self.queue.setEnabled(on)
        self._preview()

    def _preview(self) -> None:
        if not self.plan.isChecked():
            self.plot.show_path([])
            return
        left, low, width, height = self.plot.plan_um
        step_um = self.step.value
        path = raster_path((left, left + width), (low, low + height), step_um)
        self.plot.show_path(path)
        spots = (int(width / step_um + 1e-6) + 1) * (int(height / step_um + 1e-6) + 1)
        self.name.show_text(f"Planned: {spots} spots, {width:.1f} × {height:.1f} µm")

    # ---- common keys

    def reset_view(self) -> None:
        """Show the whole map; without one the named places and the stage."""
        self.plot.reset_view()

    def _say(self, level: str, text: str) -> None:
        self._link.notice.emit(level, text)

    def _restyle(self) -> None:
        self.plot.restyle()
        self._painter.request()


def move(table: Table, x_um: float, y_um: float) -> None:
    """Move the stage, by hand; raises `LimitError` if the table does not allow it."""
    if not table.status().interactive:
        table.attach()
    table.set("stage.x", x_um)
    table.set("stage.y", y_um)


def _number(status: StationStatus, channel: str) -> float | None:
    found = status.values.get(channel)
    value = found.value if found is not None else None
    return float(value) if isinstance(value, int | float) else None
