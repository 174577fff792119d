"""Map a rectangle of the sample, spot by spot."""

import math
from collections.abc import Iterator, Sequence
from typing import Self

from pydantic import Field, PositiveInt, model_validator

from labctl.core.errors import AnalysisError
from labctl.core.messages import Plan, Point, Read, Record, Set
from labctl.core.parameters import DurationS, LengthUm, PowerW
from labctl.core.procedure import Evidence, Procedure
from labctl.core.readings import Reading
from labctl.core.results import Result
from procedures.common import (
    SpectrumParameters,
    Steps,
    Window,
    focus_signal,
    record_dark,
    take_spectrum,
)
from procedures.evaluate import Findings, ratio_points, select, temperatures_of, thermometer

MOST_POINTS = 250_000
MOST_POOLED = 64
"""Spectra that are pooled for the mean temperature: a large map would take hours to fit."""


class RasterMap(Procedure):
    """Take one spectrum at every spot of a rectangular grid, row by row.

    Rows are visited forth and back, so that the stage never makes a long way without a point.
    Each point holds the positions read back, the number of its row and column, and the light of
    the strongest lines, so that a map can be shown without its spectra.
    """

    name = "map"

    class Parameters(SpectrumParameters):
        """Say which rectangle, how finely, in which window and at which power."""

        x_low_um: LengthUm = Field(default=25.0, description="Left edge")
        x_high_um: LengthUm = Field(default=35.0, description="Right edge, not left of the left")
        y_low_um: LengthUm = Field(default=-5.0, description="Lower edge")
        y_high_um: LengthUm = Field(default=5.0, description="Upper edge, not below the lower")
        step_um: LengthUm = Field(default=1.0, gt=0, description="Distance of neighbouring spots")
        window: Window = Field(default="raman", description="Window of the spectrometer")
        power: PowerW = Field(default=50e-6, gt=0, description="Power at the sample")
        exposure_s: DurationS = Field(
            default=5.0, gt=0, description="Each exposure in the Raman window"
        )
        accumulations: PositiveInt = Field(
            default=3, le=1000, description="Exposures of one Raman spectrum, kept apart"
        )
        region: str = Field(default="map", description="Name that the spectra carry")

        @model_validator(mode="after")
        def _check_grid(self) -> Self:
            for axis in ("x", "y"):
                if getattr(self, f"{axis}_low_um") > getattr(self, f"{axis}_high_um"):
                    raise ValueError(f"{axis}_low_um lies above {axis}_high_um")
            # counted, not listed: a step of a picometre would fill the memory
            spots = _count(self.x_low_um, self.x_high_um, self.step_um)
            spots *= _count(self.y_low_um, self.y_high_um, self.step_um)
            if spots > MOST_POINTS:
                raise ValueError(
                    f"the map has {spots} spots, more than {MOST_POINTS}: raise step_um"
                )
            return self

        @property
        def xs_um(self) -> Sequence[float]:
            """Return the positions of the columns in µm, from left to right."""
            return _positions(self.x_low_um, self.x_high_um, self.step_um)

        @property
        def ys_um(self) -> Sequence[float]:
            """Return the positions of the rows in µm, from below to above."""
            return _positions(self.y_low_um, self.y_high_um, self.step_um)

    def plan(self, p: Parameters) -> Plan:
        """Take the dark, then every row."""
        yield Set("spectrometer.window", p.window)
        power: Reading = yield Set(f"{p.beam}.power", p.power)
        yield from record_dark(p, p.window)
        xs_um = p.xs_um
        for row, y_um in enumerate(p.ys_um):
            y = yield Set("stage.y", y_um)
            for column in _columns(row, len(xs_um)):
                x = yield Set("stage.x", xs_um[column])
                place = {"x_um": x, "y_um": y, "row": row, "column": column}
                yield from self._record(p, power, place)

    def _record(
        self, p: Parameters, power: Reading, place: dict[str, Reading | int]
    ) -> Steps[None]:
        spectrum = yield from take_spectrum(p, p.window)
        cryostat = yield Read("cryostat.temperature")
        yield Record(
            {
                "region": p.region,
                "window": p.window,
                "power_w": power,
                "cryostat_k": cryostat,
                "signal_counts": focus_signal(spectrum),
                "spectrum": spectrum,
                **place,
            }
        )

    def analyse(self, evidence: Evidence) -> Result:
        """Return the range of the signal, and the mean temperature where it can be had."""
        window = str(evidence.parameters.get("window", "raman"))
        points = select(evidence.points, window)
        findings = Findings()
        if points and window == "raman":
            self._add_temperature(evidence, points, findings)
        signals = [float(point.data["signal_counts"]) for point in points]
        numbers: dict[str, float] = {"spots": len(points)}
        if signals:
            numbers |= {"signal_low_counts": min(signals), "signal_high_counts": max(signals)}
        return Result(findings.temperatures, numbers=numbers, warnings=findings.warnings)

    def _add_temperature(
        self, evidence: Evidence, points: Sequence[Point], findings: Findings
    ) -> None:
        every = math.ceil(len(points) / MOST_POOLED)
        try:
            calibration = thermometer(evidence)
            pooled = ratio_points(evidence, points[::every], findings.warnings.append)
            temperatures_of(pooled, calibration, findings)
        except AnalysisError as error:
            findings.warnings.append(error.message)
            return
        if every > 1:
            findings.warnings.append(f"the mean temperature is of every {every}th spectrum")


def _positions(low_um: float, high_um: float, step_um: float) -> Sequence[float]:
    # a step that divides the side up to rounding reaches the far edge
    return [low_um + number * step_um for number in range(_count(low_um, high_um, step_um))]


def _count(low_um: float, high_um: float, step_um: float) -> int:
    return max(1, math.floor((high_um - low_um) / step_um + 1e-6) + 1)


def _columns(row: int, count: int) -> Iterator[int]:
    return iter(range(count)) if row % 2 == 0 else iter(range(count - 1, -1, -1))
