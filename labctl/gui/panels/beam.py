"""Set the power of a beam at the sample, and show what laser, attenuator and shutter do."""

from collections.abc import Mapping
from typing import Any

from labctl.core.readings import Scalar
from labctl.core.status import BeamStatus, StationStatus
from labctl.gui.panels.fields import ReadBack, Setter
from labctl.gui.panels.panel import Panel
from labctl.gui.panels.wording import Level, Verdict, value_text

MUCH = 0.5
"""Part of the highest power above which a larger one has to be confirmed."""

DIFFERENT = 0.2
"""Part by which the power at the sample differs if it is not what was asked."""


class BeamPanel(Panel):
    """Show one beam: asked, at the sample, at the laser, shutter, interlock.

    Shutters are opened by exposures only, so there is no button that opens one.
    """

    def build(self) -> None:
        """Add the rows that this station has channels for."""
        self._setter: Setter | None = None
        power = self.channels.get(f"{self.key}.power")
        if power is not None and power.settable:
            high_w = power.high if power.high is not None else 1.0
            self._setter = Setter(
                f"{self.key} power at the sample", "W", 0.0, high_w,
                decimals=2, display_units=("µW", "mW"), apply=True, confirm_above=MUCH * high_w,
            )  # fmt: skip
            self._setter.asked.connect(lambda value: self.command(power.name, value))
            self.add_row("Set at sample", self._setter)
            block = self.add_button(
                "Block (0 W)",
                "Turn the attenuator dark and keep the shutter closed",
                lambda: self.command(power.name, 0.0),
            )
            self._asked = ReadBack(f"{self.key} power asked", "W", "not set yet")
            self.add_row("Asked here", self._asked, block)
        for label, part in _ROWS:
            if (name := f"{self.key}.{part}") in self.channels:
                self.add_read(label, name)

    def moved(self, channel: str, value: Scalar, reading: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Remember the power for recordings."""
        if channel == f"{self.key}.power" and not isinstance(value, str):
            self.context.exposing.powers_w[self.key] = float(value)
            self.context.exposing.changed.emit()

    def show_values(self, status: StationStatus, is_connected: bool) -> None:
        """Show the state of the shutter in words, and what was asked."""
        beam = next((one for one in status.beams if one.name == self.key), None)
        asked_w = self.context.exposing.powers_w.get(self.key)
        if self._setter is not None:
            if asked_w is not None:
                self._show_asked(asked_w)
                self._setter.show_applied(asked_w)
            else:
                read_w = self.number(f"{self.key}.power")
                if read_w is not None and self._setter.applied is None:
                    self._setter.show_applied(read_w)
                self._asked.show_text(
                    "not set from here", "stale", "nothing was set in this session"
                )
        shutter = self.reads.get(f"{self.key}.shutter")
        if shutter is not None and beam is not None and is_connected:
            _show_shutter(shutter, beam)
        interlock = self.value(f"{self.key}.interlock")
        read = self.reads.get(f"{self.key}.interlock")
        if interlock is not None and read is not None and isinstance(interlock.value, bool):
            words = "closed (beam allowed)" if interlock.value else "OPEN (no beam)"
            is_old = interlock.stale or not is_connected
            level: Level | None = "stale" if is_old else None if interlock.value else "bad"
            read.show_text(f"{words} (stale)" if is_old else words, level, interlock.utc)

    def _show_asked(self, asked_w: float) -> None:
        """Show what was asked from this window; a run may have set something else since."""
        read_w = self.number(f"{self.key}.power")
        text = value_text(asked_w, "W")
        if read_w is not None and abs(read_w - asked_w) > DIFFERENT * max(read_w, asked_w):
            tip = "the power at the sample is another one: the laser is off, or a run has set it"
            self._asked.show_text(f"{text} (not now)", "warning", tip)
        else:
            self._asked.show_text(text, tip="set from this window")

    def judge(self, status: StationStatus | None, is_connected: bool) -> Verdict:
        """Say first whether light reaches the sample."""
        beam = next((one for one in status.beams if one.name == self.key), None) if status else None
        if beam is not None and is_connected:
            if beam.shutter == "open" or beam.exposing:
                return Verdict("beam", "BEAM ON SAMPLE", "the shutter is open")
            if beam.interlock is False:
                return Verdict("bad", "interlock open", "close doors and covers, then reset it")
        return super().judge(status, is_connected)


def _show_shutter(read: ReadBack, beam: BeamStatus) -> None:
    if beam.shutter == "open":
        read.show_text("OPEN", "beam", "light reaches the sample")
    elif beam.shutter == "closed":
        read.show_text("closed", "ok", "it opens for exposures only")
    else:
        read.show_text("unknown", "warning", beam.reason)


_ROWS = (
    ("At sample", "power"),
    ("Laser", "laser_power"),
    ("Attenuator", "attenuator"),
    ("Pick-off meter", "meter"),
    ("Shutter", "shutter"),
    ("Interlock", "interlock"),
)
