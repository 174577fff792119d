"""Show how temperatures go: thermometers and sensors against time, power or temperature."""

from collections.abc import Mapping
from typing import Any, ClassVar

from qtpy import QtWidgets

from labctl.client import Event
from labctl.core.errors import LabctlError
from labctl.core.status import StationStatus
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views import RunSummary
from labctl.gui.views.background import Background
from labctl.gui.views.calibrations import Calibrations
from labctl.gui.views.commands import join_commands
from labctl.gui.views.exposures import Shown, pool_of
from labctl.gui.views.painting import Painter
from labctl.gui.views.thermometer import Readout, Thermometer
from labctl.gui.views.tools import button, choice, elided, flow, label, row
from labctl.gui.views.trend_data import (
    Against,
    Samples,
    Series,
    from_columns,
    from_temperatures,
    seconds_of,
    swept_by,
)
from labctl.gui.views.trend_plot import TrendPlot

PAINT_MS = 250
SENSORS = {"cryostat": "cryostat.temperature", "camera": "camera.temperature"}
HERE = "This window"
PERIOD_S = 1.0


class TrendView(QtWidgets.QWidget):
    """Show the sensors and the temperatures of recorded spectra since the window was opened.

    A run that is opened is shown by what its analysis found, with errors.
    """

    id: ClassVar[str] = "trend"
    title: ClassVar[str] = "Trend"
    shortcut: ClassVar[str] = "Ctrl+5"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._link = context.link
        self._sensors = {name: Samples(name, "K") for name in SENSORS}
        self._raman = Samples("AS/S (live)", "K")
        self._results: Mapping[str, Samples] = {}
        self._recorded: Mapping[str, Samples] = {}
        self._run: OpenedRun | None = None
        self._calibrations = Calibrations(context.link, self)
        self._background = Background(context.link, self, period_ms=1000)
        self.plot = TrendPlot()
        self.name = elided("what is shown")
        self.against = choice(
            "drawn against", "What the values are drawn against", list(Against), self._choose
        )
        self.shown = choice(
            "thermometers", "Which values are drawn", ["all", "thermometers", "sensors"],
            lambda _: self._painter.request(),
        )  # fmt: skip
        self._painter = Painter(self, self._draw, PAINT_MS)
        self._build()
        self._background.done.connect(self._take)
        self._link.frame.connect(self.show_frame)
        self._link.status_changed.connect(self._follow)
        self._link.event.connect(self._hear)
        theme.changed().connect(lambda _: self._restyle())
        join_commands(self, context.actions)
        self._link.ask(lambda table: table.trend(), self._take_history, _ignore)

    def _build(self) -> None:
        against, shown = QtWidgets.QWidget(), QtWidgets.QWidget()
        against.setLayout(row(label("against", "Against"), self.against))
        shown.setLayout(row(label("values", "Values"), self.shown))
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        layout.addWidget(self.name)
        follow = button("Follow", "Show what is measured now", self.follow)
        layout.addWidget(flow(against, shown, follow))
        layout.addWidget(self.plot, 1)
        self._painter.request()

    @classmethod
    def accepts(cls, run: RunSummary) -> bool:
        """Show runs whose analysis found temperatures, or that are not analysed yet."""
        result = run.get("result")
        return not result or bool(dict(result).get("temperatures"))

    # ---- where values come from

    def show_run(self, run: OpenedRun) -> None:
        """Show what the analysis of a run found."""
        self._run = run
        run.changed.connect(self._take_run)
        self._take_run()

    def follow(self) -> None:
        """Show what is measured now."""
        self._run, self._results, self._recorded = None, {}, {}
        self.against.setCurrentText(Against.TIME)
        self._painter.request()

    def show_frame(self, frame: Shown) -> None:
        """Measure the temperature of an exposure with light, at most once per second."""
        if frame.kind == "spectrum" and len(frame.metadata.get("beams", ())) == 1:
            thermometer = Thermometer(calibrations=self._calibrations.by_kind)
            self._background.ask(lambda: (frame, thermometer.measure(pool_of([frame]))))

    def _take(self, found: tuple[Shown, Readout]) -> None:
        frame, readout = found
        temperature = readout.temperature
        if temperature is None:
            return
        self._raman.add(
            seconds_of(frame.utc),
            temperature.value_k,
            temperature.sigma_k,
            temperature.condition.power_w,
            self._now("cryostat.temperature"),
            float("nan") if frame.point is None else frame.point,
        )
        self._painter.request()

    def _take_run(self) -> None:
        if self._run is None:
            return
        self._results = from_temperatures(self._run.temperatures)
        self._recorded = from_columns(self._run.main)
        if self.against.currentText() == Against.TIME:
            # what an analysis finds belongs to a condition, not to a moment
            self.against.setCurrentText(swept_by(self._results or self._recorded))
        self._painter.request()

    def _take_history(self, found: Mapping[str, Any]) -> None:
        """Begin with what the service remembers of the sensors."""
        stamps = [seconds_of(one) for one in found.get("utc", ())]
        for name, samples in self._sensors.items():
            if len(samples):
                continue
            for when, value in zip(stamps, found.get("values", {}).get(name, ()), strict=False):
                if value is not None:
                    samples.add(when, float(value), cryostat_k=float(value))
        self._painter.request()

    def _follow(self, status: StationStatus) -> None:
        now_s = seconds_of(status.utc)
        for name, channel in SENSORS.items():
            found, samples = status.values.get(channel), self._sensors[name]
            value = found.value if found is not None and not found.stale else None
            if isinstance(value, int | float) and now_s - samples.last_s >= PERIOD_S * status.speed:
                samples.add(now_s, float(value), cryostat_k=self._now("cryostat.temperature"))
                self._painter.request()

    def _hear(self, event: Event) -> None:
        if event.kind == "run" and "ended" in event.data:
            self._painter.request()

    def _now(self, channel: str) -> float:
        status = self._link.status
        found = status.values.get(channel) if status is not None else None
        value = found.value if found is not None else None
        return float(value) if isinstance(value, int | float) else float("nan")

    # ---- what is drawn

    def series(self) -> list[Series]:
        """Return what is drawn now."""
        against = Against(self.against.currentText())
        wanted = self.shown.currentText()
        thermometers = list(self._results.values()) if self._run else [self._raman]
        samples = [] if wanted == "sensors" else thermometers
        if wanted != "thermometers":
            sensors = self._recorded if self._run else self._sensors
            samples = [*samples, *sensors.values()]
        found = [one.series(against) for one in samples]
        return [one for one in found if one.x.size]

    def _draw(self) -> None:
        found = self.series()
        self.plot.show_series(found, Against(self.against.currentText()), "K")
        self.name.show_text(self._words(found))

    def _words(self, found: list[Series]) -> str:
        count = sum(one.x.size for one in found)
        if self._run is None:
            return f"{HERE}: {count} values" if count else f"{HERE}: no values yet"
        if not count:
            against = self.against.currentText()
            problem = self._run.detail.get("result", {}).get("problem", "")
            return f"{self._run.name}: no temperatures against {against}. {problem}"
        return f"{self._run.name}: {count} values; temperatures ± σ as its analysis found them"

    def _choose(self, _: str) -> None:
        self._painter.request()

    def reset_view(self) -> None:
        """Show all values."""
        self.plot.reset_view()

    def _restyle(self) -> None:
        self.plot.restyle()
        self._painter.request()


def _ignore(_: LabctlError) -> None:
    """Begin without a history: it is filled from now on."""
