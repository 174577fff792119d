"""Choose how the camera exposes, and show its temperature with its lock."""

from collections.abc import Sequence
from typing import cast

from qtpy import QtWidgets

from labctl.core.status import StationStatus
from labctl.gui.exposing import Mode
from labctl.gui.panels.fields import QuietCombo, ReadBack
from labctl.gui.panels.panel import Panel
from labctl.gui.panels.wording import Level, Verdict
from labctl.gui.quantity import QuantitySpinBox

ZERO_C_K = 273.15
LONGEST_S = 3600.0
MOST = 1000
MODES: Sequence[Mode] = ("spectrum", "image")


class CameraPanel(Panel):
    """Hold exposure × accumulations, mode and rows for Live, Snap and Record."""

    handled = frozenset({"camera.locked"})

    def build(self) -> None:
        """Add the settings of the next exposure, and the temperature."""
        exposing = self.context.exposing
        self.exposure = QuantitySpinBox(
            "s", 0.001, LONGEST_S, 3, ("s", "ms", "min"), name="camera exposure"
        )
        self.accumulations = QuantitySpinBox("", 1, MOST, 0, name="camera accumulations")
        self.exposure.value_changed.connect(lambda value: exposing.choose(exposure_s=value))
        self.accumulations.value_changed.connect(
            lambda value: exposing.choose(accumulations=round(value))
        )
        self.add_row("Exposure", self.exposure, QtWidgets.QLabel("×"), self.accumulations)
        self.mode = QuietCombo("camera mode", MODES)
        self.mode.setToolTip("Binned rows as one spectrum, or the whole chip as an image")
        self.mode.textActivated.connect(self._choose_mode)
        self.add_row("Mode", self.mode)
        self._rows_read = ReadBack("camera rows that are binned")
        self.add_row("Rows", self._rows_read)
        if "camera.temperature" in self.channels:
            self.add_read("Temperature", "camera.temperature")
        exposing.changed.connect(self._show_exposing)
        self._show_exposing()

    def show_values(self, status: StationStatus, is_connected: bool) -> None:  # noqa: ARG002
        """Show temperature with lock, and the rows."""
        camera = self.context.link.description.get("camera") or {}
        bands = [f"{first}–{last}" for first, last in camera.get("bands") or ()]
        of = f" of {camera['rows']}" if camera.get("rows") else ""
        self._rows_read.show_text(
            f"{', '.join(bands)}{of}" if bands else "whole chip",
            tip="rows binned in mode spectrum; they stand in the station file",
        )
        read, kelvin = self.reads.get("camera.temperature"), self.number("camera.temperature")
        if read is None or kelvin is None or read.level in ("stale", "bad"):
            return
        locked = self._locked_state(is_connected)
        word = {True: "locked", False: "NOT LOCKED", None: "lock unknown"}[locked]
        level: Level | None = None if locked else "warning"
        tip = "stable at its set-point" if locked else "counts are doubted until it is stable"
        read.show_text(f"{kelvin:.1f} K ({kelvin - ZERO_C_K:.1f} °C) {word}", level, tip)

    def judge(self, status: StationStatus | None, is_connected: bool) -> Verdict:
        """Say that a camera is still cooling."""
        verdict = super().judge(status, is_connected)
        if verdict.level == "ok" and self._locked_state(is_connected) is False:
            return Verdict("warning", "cooling", "the temperature is not stable yet")
        return verdict

    def lock(self, reason: str) -> None:
        """Lock the settings: an exposure of a run has its own."""
        for widget in (self.exposure, self.accumulations, self.mode):
            widget.setEnabled(not reason)

    def _locked_state(self, is_connected: bool) -> bool | None:
        value = self.value("camera.locked")
        if value is None or value.stale or not is_connected or not isinstance(value.value, bool):
            return None
        return value.value

    def _choose_mode(self, mode: str) -> None:
        self.context.exposing.choose(mode=cast("Mode", mode))

    def _show_exposing(self) -> None:
        exposing = self.context.exposing
        if self.exposure.low <= exposing.exposure_s <= self.exposure.high:
            self.exposure.set_value(exposing.exposure_s)
        if 1 <= exposing.accumulations <= MOST:
            self.accumulations.set_value(exposing.accumulations)
        self.mode.setCurrentText(exposing.mode)
