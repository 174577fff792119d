"""Show the spectrum while it builds up, with the temperature that it says."""

from typing import Any, ClassVar

import numpy as np
from qtpy import QtWidgets

from labctl.core.spectra import Spectrum
from labctl.core.status import StationStatus
from labctl.gui import theme
from labctl.gui.context import Context
from labctl.gui.runs.opened import OpenedRun
from labctl.gui.views import RunSummary
from labctl.gui.views.axes import AxisUnit, CursorReading, SpectralScale
from labctl.gui.views.background import Background
from labctl.gui.views.calibrations import Calibrations
from labctl.gui.views.commands import join_commands
from labctl.gui.views.corrections import Corrections
from labctl.gui.views.darks import Darks
from labctl.gui.views.examination import Examination, Examined
from labctl.gui.views.exposures import Pool, Pooling, Shown, detector_of, surroundings
from labctl.gui.views.following import Following
from labctl.gui.views.lasers import LaserChoice
from labctl.gui.views.painting import Painter
from labctl.gui.views.past import PastBar, frame_of
from labctl.gui.views.region_editor import RegionEditor
from labctl.gui.views.spectrum_bar import NO_CURSOR, SpectrumBar, SpectrumFooter, SpectrumHeader
from labctl.gui.views.spectrum_plot import SpectrumPlot
from labctl.gui.views.thermometer import (
    NOT_YET,
    Readout,
    Thermometer,
    Thermometry,
    full_well_part,
)
from labctl.gui.views.tools import row


class SpectrumView(QtWidgets.QWidget):
    """Show live, recorded and past spectra."""

    id: ClassVar[str] = "spectrum"
    title: ClassVar[str] = "Spectrum"
    shortcut: ClassVar[str] = "Ctrl+1"

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._link = context.link
        self._laser = LaserChoice()
        self._laser.learn(context.link.status)
        self._turn = 0
        self._pooling = Pooling()
        self._following = Following(self._pooling)
        self._darks = Darks()
        self._calibrations = Calibrations(context.link, self)
        self.plot = SpectrumPlot()
        self.header, self.footer, self.past = SpectrumHeader(), SpectrumFooter(), PastBar()
        commands = {
            "freeze": self._freeze,
            "dark": self.take_dark,
            "pin": self.pin_trace,
            "clear": self.plot.clear_pins,
        }
        self.bar = SpectrumBar(context.state, commands)
        self._corrections = Corrections(self.bar, self._pooling, self._darks, self._calibrations)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.setSpacing(4)
        top = row(self.header, self.past)
        top.setStretch(0, 1)
        layout.addLayout(top)
        for part in (self.bar, self.plot, self.footer):
            layout.addWidget(part)
        layout.setStretchFactor(self.plot, 1)
        self.regions = RegionEditor(self.plot.regions, self.bar, context.state)
        self._painter = Painter(self, self._draw)
        self._background = Background(context.link, self)
        self._wire()
        self._restore()
        join_commands(self, context.actions)

    def _wire(self) -> None:
        self.bar.unit_chosen.connect(self.show_unit)
        self.bar.beam_chosen.connect(self._choose_beam)
        self.bar.heights_chosen.connect(self.plot.set_heights)
        self.bar.toggled.connect(self._toggled)
        self.regions.changed.connect(self._examine)
        self.plot.cursor_moved.connect(self._show_cursor)
        self.past.found.connect(self._show_past)
        self.past.left.connect(self._leave_past)
        self._background.done.connect(self._show_examined)
        self._background.failed.connect(self._show_failure)
        self._calibrations.changed.connect(self._examine)
        self._link.frame.connect(self.show_frame)
        self._link.status_changed.connect(self._show_status)
        self._link.lost.connect(lambda _: self._show_mode())
        self._link.described.connect(lambda _: self._show_description())
        theme.changed().connect(self._restyle)

    def _restore(self) -> None:
        state = self._context.state
        name = state.get("spectrum.axis", AxisUnit.CM1.name, str)
        unit = AxisUnit[name] if name in AxisUnit.__members__ else AxisUnit.CM1
        self.show_unit(unit)
        self._show_description()
        self._show_mode()

    @classmethod
    def accepts(cls, run: RunSummary) -> bool:
        """Show any run that has points."""
        return bool(run.get("points"))

    # ---- exposures

    def show_frame(self, frame: Shown) -> None:
        """Show an exposure, at most 30 per second, unless the view is frozen."""
        if frame.kind != "spectrum":
            return
        if not frame.metadata.get("beams"):
            self._darks.add(frame)
        self._pooling.enter(surroundings(self._link.status))
        if self._following.take(frame):
            self._painter.request()

    def show_run(self, run: OpenedRun) -> None:
        """Step through a run that has ended; one that is on is shown as it is measured."""
        self._leave_past()
        self.past.show_run(run)

    def _show_past(self, number: int, spectrum: Spectrum) -> None:
        run = self.past.run
        if run is None:
            return
        self._following.show_past(frame_of(run.name, number, spectrum), Pool(spectrum))
        self._begin_anew()
        self._painter.request()

    def _leave_past(self) -> None:
        if self._following.past is None:
            return
        self._following.leave_past()
        self._begin_anew()
        self._go_on()

    def _go_on(self) -> None:
        """Show the newest exposure that came while the view did not follow."""
        waiting = self._following.caught_up()
        if waiting is not None:
            self.show_frame(waiting)
        self._show_mode()

    def _draw(self) -> None:
        frame = self._following.newest
        if frame is None:
            return
        detector = detector_of(frame.metadata)
        counts = self._corrections.counts(frame, detector)
        self._laser.see(frame)
        self._rescale(self.plot.scale_shown.unit)
        self.plot.show_spectrum(frame.wavelength_nm, counts)
        part = full_well_part(np.asarray(frame.counts, float), detector, self._adc_max())
        self.footer.well.show_part(part)
        uncertain = frame.metadata.get("quality", "good") != "good"
        self.header.show_saturation(part, str(frame.metadata.get("reason", "")) * uncertain)
        self._show_mode()
        self._examine()

    def _examine(self) -> None:
        """Measure temperature and peaks of what is shown, off this thread."""
        frame = self._following.newest
        if frame is None:
            return
        dark = self._darks.spectrum_for(frame) if self.bar.is_on("dark") else None
        window_cm1 = self.plot.regions.window_cm1
        examination = Examination(
            exposures=self._following.exposures,
            darks=() if dark is None else (dark,),
            thermometer=Thermometer(window_cm1, self._calibrations.by_kind, self._adc_max()),
            wavelength_nm=self.plot.live.wavelength_nm,
            counts=self.plot.live.counts,
            blocked_nm=self._notch_nm(),
            wants_peaks=self.bar.is_on("peaks"),
            of="" if frame.point is None else f"point {frame.point}",
            turn=self._turn,
        )
        self._background.ask(examination.run)

    def _begin_anew(self) -> None:
        """Let no result of before stand beside another spectrum."""
        self._turn += 1
        self.header.show_readout(NOT_YET)
        self.plot.show_peaks(())

    def _show_examined(self, found: Examined) -> None:
        if found.turn != self._turn:
            return
        self.header.show_readout(found.readout, found.of)
        self.plot.show_peaks(found.peaks if self.bar.is_on("peaks") else ())

    def _show_failure(self, reason: str) -> None:
        # an old temperature beside a new spectrum would be a lie
        self.header.show_readout(Readout(Thermometry.REFUSED, reason))

    # ---- what is shown of it

    @property
    def readout(self) -> Readout:
        """Return the newest temperature, or why there is none."""
        return self.header.readout

    def show_unit(self, unit: AxisUnit) -> None:
        """Show wavelengths, photon energies or Raman shifts."""
        self.bar.show_unit(unit)
        self._rescale(unit)

    def cycle_units(self) -> None:
        """Show the next unit."""
        self.show_unit(self.plot.scale_shown.unit.following)

    def toggle_freeze(self) -> None:
        """Keep what is shown, or follow again."""
        self.bar.freeze.toggle()

    def toggle_cursor(self) -> None:
        """Show or hide the cursor."""
        self.plot.toggle_cursor()

    def reset_view(self) -> None:
        """Show the whole spectrum."""
        self.plot.reset_view()

    def pin_trace(self) -> None:
        """Keep the present spectrum for comparison."""
        frame = self._following.newest
        if frame is not None:
            where = f"{frame.run.split('_')[0]}·{frame.point}" if frame.run else "live"
            self.plot.pin(f"{where} {frame.utc[11:19]}")

    def take_dark(self) -> None:
        """Expose once with all shutters closed, like the spectra that are shown."""
        exposure_s = self._context.exposing.exposure_s
        self._link.ask(lambda table: table.acquire(exposure_s, beams=()), lambda _: None)

    def undo_region(self) -> None:
        """Put the regions back to where they were before the last change."""
        self.regions.undo()

    # ---- reactions

    def _freeze(self, on: bool) -> None:
        self._following.is_frozen = on
        self._go_on()

    def _toggled(self, name: str, on: bool) -> None:
        if name == "regions":
            self.plot.regions.set_wanted(on)
        elif name == "peaks" and not on:
            self.plot.show_peaks(())
        self._painter.request()

    def _choose_beam(self, name: str) -> None:
        self._laser.beam = name
        self._rescale(self.plot.scale_shown.unit)

    def _rescale(self, unit: AxisUnit) -> None:
        scale = SpectralScale(unit, self._laser.laser_nm)
        if scale != self.plot.scale_shown:
            self.plot.show_scale(scale)

    def _show_cursor(self, reading: CursorReading | None) -> None:
        text = reading.text if reading is not None else NO_CURSOR
        self.footer.cursor_line.show_text(text)

    def _show_status(self, status: StationStatus) -> None:
        self._laser.learn(status)
        self.bar.offer_beams(self._laser.names)
        self._rescale(self.plot.scale_shown.unit)
        self._show_mode()

    def _show_description(self) -> None:
        self.plot.show_notch(self._notch_nm())

    def _notch_nm(self) -> tuple[float, float] | None:
        found = self._link.description.get("notch_nm")
        return (float(found[0]), float(found[1])) if found else None

    def _adc_max(self) -> float | None:
        found: Any = self._link.description.get("camera", {}).get("adc_max")
        return float(found) if found else None

    def _show_mode(self) -> None:
        text, kind = self._following.mode(self._link.is_connected, self._link.status)
        count = len(self._pooling) if self.bar.is_on("average") else 0
        self.footer.exposures.setText(f"Mean of {count} exposures" if count > 1 else "")
        self.header.show_mode(text, kind)

    def _restyle(self, _: object) -> None:
        self.plot.restyle()
        self.header.restyle()
