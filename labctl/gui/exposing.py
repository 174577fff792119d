"""Hold how the camera exposes by hand, and what Live, Snap, Record and Stop do with it."""

from collections.abc import Mapping
from typing import Any, Literal

from qtpy import QtCore

from labctl.client import Table
from labctl.core.status import StationState, StationStatus
from labctl.core.units import format_quantity
from labctl.gui.link import Link
from labctl.gui.state import State

Mode = Literal["spectrum", "image"]
PROCEDURE = "snap"
LANE = "exposing"
"""Live is begun, changed and ended in the order in which people ask for it."""


class Exposing(QtCore.QObject):
    """Hold exposure, accumulations, beams and mode; `changed` tells that one of them changed.

    A live view that is on follows every change.
    """

    changed = QtCore.Signal()

    def __init__(self, link: Link, state: State) -> None:
        super().__init__(link)
        self._link = link
        self._state = state
        self.exposure_s: float = state.get("exposing.exposure_s", 1.0, float)
        self.accumulations: int = state.get("exposing.accumulations", 1, int)
        self.sample: str = state.get("exposing.sample", "", str)
        """Goes into the names of the runs that are recorded."""
        self.mode: Mode = "spectrum"
        self._beams: tuple[str, ...] | None = None
        self.powers_w: dict[str, float] = {}
        """Power at the sample that was set from this window, by beam, in W."""

    @property
    def beams(self) -> tuple[str, ...]:
        """Return the beams that are opened: the chosen ones, else those that have power."""
        if self._beams is not None:
            return self._beams
        status = self._link.status
        return tuple(one.name for one in (status.beams if status else ()) if self._power(one.name))

    def choose(
        self,
        *,
        exposure_s: float | None = None,
        accumulations: int | None = None,
        beams: tuple[str, ...] | None = None,
        mode: Mode | None = None,
        sample: str | None = None,
    ) -> None:
        """Change what is given."""
        if sample is not None:
            self.sample = sample
            self._state.set("exposing.sample", sample)
        self.exposure_s = self.exposure_s if exposure_s is None else exposure_s
        self.accumulations = self.accumulations if accumulations is None else accumulations
        self._beams = self._beams if beams is None else beams
        self.mode = self.mode if mode is None else mode
        self._state.set("exposing.exposure_s", self.exposure_s)
        self._state.set("exposing.accumulations", self.accumulations)
        self.changed.emit()
        if self.is_live:
            self._start()

    def set_power(self, beam: str, power_w: float) -> None:
        """Put a power on the sample, in W, and remember it for the next recording."""
        self._link.ask(
            lambda table: table.set(f"{beam}.power", power_w),
            lambda _: self._remember(beam, power_w),
            lane=LANE,
        )

    @property
    def is_live(self) -> bool:
        """Tell whether the live view is on."""
        status = self._link.status
        return status is not None and status.live

    def live(self, on: bool = True) -> None:
        """Begin the live view, which saves nothing, or end it."""
        if on:
            self._start()
        else:
            self._link.ask(lambda table: table.stop_live(), lane=LANE)

    def snap(self) -> None:
        """Save one exposure as a run of its own."""
        self._measure(1, dark=False)

    def record(self) -> None:
        """Save a dark and the chosen number of accumulations as a run of its own."""
        self._measure(self.accumulations, dark=True)

    def stop(self) -> None:
        """End the live view; a run ends after the point that is being measured."""
        status = self._link.status
        if status is not None and status.run is not None:
            self._link.ask(
                lambda table: table.stop(after="point"),
                lambda _: self._link.notice.emit("info", "the run stops after this point"),
            )
        else:
            self._link.ask(lambda table: table.stop_live(), lane=LANE)

    # ---- inside

    def _start(self) -> None:
        exposure_s, beams, mode = self.exposure_s, self.beams, self.mode

        def work(table: Table) -> None:
            if not table.status().interactive:
                table.attach()
            start_live(table, exposure_s, beams, mode)

        self._link.ask(work, lane=LANE)

    def _measure(self, accumulations: int, dark: bool) -> None:
        beams = self.beams
        parameters: dict[str, Any] = {
            "exposure_s": self.exposure_s,
            "accumulations": accumulations,
            "beams": list(beams),
            "powers": [self._power(beam) for beam in beams],
            "dark": dark and bool(beams),
            "mode": self.mode,
        }
        sample = self.sample
        what = f"{format_quantity(self.exposure_s, 's')} × {accumulations}"

        def work(table: Table) -> None:
            table.run_now(PROCEDURE, parameters, label=sample)

        self._link.ask(
            work, lambda _: self._link.notice.emit("info", f"recording {what}"), lane=LANE
        )

    def _remember(self, beam: str, power_w: float) -> None:
        self.powers_w[beam] = power_w
        self.changed.emit()

    def _power(self, beam: str) -> float:
        if beam in self.powers_w:
            return self.powers_w[beam]
        status = self._link.status
        found = status.values.get(f"{beam}.power") if status else None
        value = found.value if found is not None else None
        return float(value) if isinstance(value, int | float) and value > 0 else 0.0


def start_live(table: Table, exposure_s: float, beams: tuple[str, ...], mode: Mode) -> None:
    """Begin a live view; services of labctl 0.1 know spectra only."""
    more: Mapping[str, Any] = {"mode": mode} if mode != "spectrum" else {}
    table.start_live(exposure_s, beams=beams, **more)


def is_busy(status: StationStatus | None) -> bool:
    """Tell whether a run owns the table, so that nothing moves by hand."""
    return status is not None and (
        status.run is not None
        or status.state in (StationState.RUNNING, StationState.PAUSING, StationState.ABORTING)
    )
