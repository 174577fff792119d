"""Lay runs over each other: spectra, temperatures, and the parameters in which they differ."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from qtpy import QtCore, QtWidgets

from labctl.gui import theme
from labctl.gui.link import Link
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.runs.reading import Series
from labctl.gui.runs.words import value_words

MOST_RUNS = 8
KEPT_SPECTRA = 64
_SYMBOLS = "ostd+x"


class CompareWindow(QtWidgets.QWidget):
    """Show several runs together in a window of its own; it lets go of them when it is closed."""

    def __init__(self, link: Link, names: Sequence[str], parent: QtWidgets.QWidget) -> None:
        super().__init__(parent, QtCore.Qt.WindowType.Window)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Compare " + ", ".join(name.partition("_")[0] for name in names))
        self.resize(900, 560)
        self.spectra, self.temperatures = pg.PlotWidget(), pg.PlotWidget()
        self.table = QtWidgets.QTableWidget()
        self.table.setEditTriggers(self.table.EditTrigger.NoEditTriggers)
        self.table.setAccessibleName("Parameters of the runs")
        tabs = QtWidgets.QTabWidget()
        tabs.addTab(self.spectra, "Spectra")
        tabs.addTab(self.temperatures, "Temperatures")
        tabs.addTab(self.table, "Parameters")
        self.remark = QtWidgets.QLabel("reading …")
        layout = QtWidgets.QVBoxLayout(self)
        layout.addWidget(tabs, 1)
        layout.addWidget(self.remark)
        for plot, title in ((self.spectra, "Spectra"), (self.temperatures, "Temperatures")):
            plot.setAccessibleName(f"{title} of the runs")
            plot.addLegend()
            plot.showGrid(x=True, y=True, alpha=0.3)
        self.runs = [
            OpenedRun(link, name, self, most_rows=KEPT_SPECTRA) for name in names[:MOST_RUNS]
        ]
        for run in self.runs:
            run.complete.connect(self._draw)
            run.failed.connect(self.remark.setText)
        theme.changed().connect(self._draw)

    def closeEvent(self, event: object) -> None:  # noqa: N802
        """Let go of the runs."""
        for run in self.runs:
            run.close()
        super().closeEvent(event)  # type: ignore[arg-type]

    def _draw(self, _: object = None) -> None:
        for plot in (self.spectra, self.temperatures):
            plot.clear()
            theme.style_plot(plot)
        known = [run for run in self.runs if run.is_complete]
        self._draw_spectra(known)
        self._draw_temperatures(known)
        self._fill_table(known)
        missing = len(self.runs) - len(known)
        self.remark.setText(f"reading {missing} more …" if missing else _remark(known))

    def _draw_spectra(self, runs: Sequence[OpenedRun]) -> None:
        lasers = {run.main.laser_nm is not None for run in runs if run.main is not None}
        use_shift = lasers == {True}
        for number, run in enumerate(runs):
            series = _measured(run)
            if series is None:
                continue
            x = series.shift_cm1 if use_shift else series.axis_nm
            rate = _mean_rate(series)
            pen = pg.mkPen(_colour(number), width=1.4, style=_style(number))
            self.spectra.plot(x, rate, pen=pen, name=_title(run))
        axis = ("Raman shift", "cm⁻¹") if use_shift else ("Wavelength", "nm")
        self.spectra.setLabel("bottom", f"{axis[0]} ({axis[1]})")
        self.spectra.setLabel("left", "Mean intensity less dark (counts/s)")

    def _draw_temperatures(self, runs: Sequence[OpenedRun]) -> None:
        for number, run in enumerate(runs):
            found = [one for one in run.temperatures if one.thermometer == "AS/S"]
            found = found or run.temperatures
            if not found:
                continue
            x = np.array([1e6 * one.condition.power_w for one in found])
            y = np.array([one.value_k for one in found])
            sigma = np.array([one.sigma_k for one in found])
            pen = pg.mkPen(_colour(number))
            self.temperatures.addItem(pg.ErrorBarItem(x=x, y=y, height=2 * sigma, pen=pen))
            self.temperatures.plot(
                x, y, pen=None, symbol=_SYMBOLS[number % len(_SYMBOLS)], symbolPen=pen,
                symbolBrush=pg.mkBrush(_colour(number)), symbolSize=8, name=_title(run),
            )  # fmt: skip
        self.temperatures.setLabel("bottom", "Power at the sample (µW)")
        self.temperatures.setLabel("left", "Temperature ± σ (K)")

    def _fill_table(self, runs: Sequence[OpenedRun]) -> None:
        names = sorted({name for run in runs for name in run.parameters})
        texts = [[value_words(name, run.parameters.get(name)) for run in runs] for name in names]
        # what differs is what one looks for
        order = sorted(range(len(names)), key=lambda at: len(set(texts[at])) == 1)
        self.table.clear()
        self.table.setRowCount(len(names))
        self.table.setColumnCount(len(runs))
        self.table.setHorizontalHeaderLabels([_title(run) for run in runs])
        self.table.setVerticalHeaderLabels([names[at].replace("_", " ") for at in order])
        for row, at in enumerate(order):
            for column, text in enumerate(texts[at]):
                item = QtWidgets.QTableWidgetItem(text)
                font = item.font()
                font.setBold(len(set(texts[at])) > 1)
                item.setFont(font)
                self.table.setItem(row, column, item)
        self.table.resizeColumnsToContents()


def _measured(run: OpenedRun) -> Series | None:
    return next((one for one in run.series if any(kind != "dark" for kind in one.kinds)), None)


def _mean_rate(series: Series) -> np.ndarray:
    """Return the mean of the measured spectra, less the dark of the run, in counts per s."""
    rows = [row for row, kind in enumerate(series.kinds) if kind != "dark"]
    darks = series.rows_of("dark")
    # without a dark of its own only the nominal offset can be taken out
    level = (
        series.spectra[darks].mean(axis=0) if len(darks) else series.template.detector.bias_counts
    )
    return np.asarray((series.spectra[rows].mean(axis=0) - level) / series.template.exposure_s)


def _title(run: OpenedRun) -> str:
    return run.name if len(run.name) <= 40 else f"{run.name[:39]}…"


def _colour(number: int) -> str:
    series = theme.current().series
    return series[number % len(series)]


def _style(number: int) -> QtCore.Qt.PenStyle:
    # in the red theme colours hardly differ
    styles = (QtCore.Qt.PenStyle.SolidLine, QtCore.Qt.PenStyle.DashLine,
              QtCore.Qt.PenStyle.DotLine, QtCore.Qt.PenStyle.DashDotLine)  # fmt: skip
    return styles[number % len(styles)]


def _remark(runs: Sequence[OpenedRun]) -> str:
    used = {identity for run in runs for identity in run.detail.get("calibrations", {}).values()}
    same = len({tuple(sorted(run.detail.get("calibrations", {}).values())) for run in runs}) <= 1
    if not used:
        return "no calibrations were in use"
    return "the same calibrations" if same else "calibrations differ between these runs"
