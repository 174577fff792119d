"""Choose the window of the spectrograph, and show where it stands in nm, eV and cm⁻¹."""

from labctl.core.spectra import HC_EV_NM
from labctl.core.status import StationStatus
from labctl.gui.panels.fields import ReadBack
from labctl.gui.panels.panel import Panel
from labctl.gui.panels.rows import make_chooser, make_setter
from labctl.gui.panels.wording import NO_VALUE, Level


class SpectrometerPanel(Panel):
    """Show window, grating and centre; a slit too, if the station has a channel for it."""

    def build(self) -> None:
        """Add the rows that this station has channels for."""
        window = self.channels.get("spectrometer.window")
        if window is not None:
            self.add_read("Window", window.name)
            if window.settable:
                self.add_row("Go to", make_chooser(self, window))
        if "spectrometer.grating" in self.channels:
            self.add_read("Grating", "spectrometer.grating")
        centre = self.channels.get("spectrometer.centre")
        if centre is not None:
            self.add_read("Centre", centre.name)
            self._ev = ReadBack("spectrometer centre", "eV")
            self._cm1 = ReadBack("spectrometer centre", "cm⁻¹")
            self.add_row("", self._ev)
            self.add_row("", self._cm1)
            if centre.settable:
                self.add_row("", make_setter(self, centre))

    def show_values(self, status: StationStatus, is_connected: bool) -> None:
        """Show the grooves of the grating, and the centre in other units."""
        self._show_grating(is_connected)
        if "spectrometer.centre" in self.channels:
            self._show_centre(status, is_connected)

    def _show_grating(self, is_connected: bool) -> None:
        number = self.number("spectrometer.grating")
        read = self.reads.get("spectrometer.grating")
        if read is None or number is None or read.level == "bad":
            return
        found = self.context.link.description.get("gratings") or ()
        grooves = next(
            (one.get("grooves_per_mm") for one in found if one["number"] == number), None
        )
        if grooves:
            value = self.value("spectrometer.grating")
            is_old = value is None or value.stale or not is_connected
            text = f"{number:.0f}: {grooves:g} grooves/mm"
            read.show_text(f"{text} (stale)" if is_old else text, "stale" if is_old else None)

    def _show_centre(self, status: StationStatus, is_connected: bool) -> None:
        centre_nm = self.number("spectrometer.centre")
        value = self.value("spectrometer.centre")
        level: Level | None = "stale" if value is None or value.stale or not is_connected else None
        if not centre_nm:
            self._ev.show_text(NO_VALUE, "stale")
            self._cm1.show_text(NO_VALUE, "stale")
            return
        self._ev.show_text(f"{HC_EV_NM / centre_nm:.5f} eV", level)
        names = self.context.exposing.beams or tuple(one.name for one in status.beams[:1])
        beam = next((one for one in status.beams if one.name in names), None)
        if beam is None:
            self._cm1.show_text(f"{1e7 / centre_nm:.1f} cm⁻¹", level, "absolute wavenumber")
            return
        shift_cm1 = 1e7 / beam.wavelength_nm - 1e7 / centre_nm
        text = f"{shift_cm1:+.1f} cm⁻¹ from {beam.name} {beam.wavelength_nm:.1f} nm"
        self._cm1.show_text(text, level, "Raman shift of the centre")
